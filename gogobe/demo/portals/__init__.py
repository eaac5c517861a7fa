"""Replicas of portals: local servers that behave like each kind of portal.

The demo, the tests and the load benchmark use them. A replica is an aiohttp application over a `Shelf` of
files; `PortalServer` runs replicas on ports of 127.0.0.1.
"""
