"""`make conformance`: runs the same inputs on every runner and compares the outcomes.

`inputs` has the files and messages, `ways` the runners, `outcome` reads a run's tables and topics and
compares two. Imports gogobe; gogobe never imports it.
"""
