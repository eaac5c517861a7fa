"""Replicas of portals: local servers that behave as each kind of portal does.

They serve the demo, the tests and the load benchmark. A replica is an aiohttp application over a `Shelf` of
files; `PortalServer` runs replicas on free ports of 127.0.0.1.
"""
