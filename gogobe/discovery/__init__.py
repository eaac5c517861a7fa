"""Discovery: portals, one engine module for each kind of portal, and the agent that watches them.

An engine lists what a portal publishes now (`engines/`). The agent schedules portals, announces each new file
once on `gogobe.files.discovered` and records each portal's health. It downloads no feed and imports no Beam.
Others use `portals_of` and `Agent`.
"""
