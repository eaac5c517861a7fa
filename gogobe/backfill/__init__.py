"""Loads published files into the database, without Kafka and without a runner.

`sources` finds the files, `describe` makes the message that a download would make, and `load` reads, matches
and commits them with the functions of the pipeline's steps. `gogobe load`, `gogobe replay` and `gogobe
announce` use this package.
"""
