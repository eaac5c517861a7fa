"""The command line, one module per command group: parses flags, calls packages below, prints tables or JSON.

`gogobe.cli` registers the commands; `demo` calls some as functions. `options` has the shared flags, `tables`
and `terminal` the output. Modules start without Beam: they import it only inside a command that runs a
pipeline.
"""
