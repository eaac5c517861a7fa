"""Portals for tests: replicas that only tests need, FTP servers, and servers that misbehave byte by byte."""

from tests.portals.raw import Portal, Request, Response, certificate, portal, raw_portal

__all__ = ["Portal", "Request", "Response", "certificate", "portal", "raw_portal"]
