"""Discovery: portals, one engine module for each kind of portal, and the agent that watches them.

An engine lists the files of a portal (`engines/`). The agent schedules portals, announces each new file once on
`gogobe.files.discovered` and records each portal's health. It downloads no feeds and imports no Beam.
Other packages use `portals_of`, `Agent` and `list_once`.
"""
