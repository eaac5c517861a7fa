"""`make soak`: the system at a steady rate for a while, and a test of whether anything grows.

`samples` reads memory, files, connections, checkpoints, lag and table bloat. `trend` is the statistic. `plot`
draws the series. The system is that of `chaos`, without faults.
"""
