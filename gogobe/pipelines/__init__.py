"""The jobs, one module for each, and their options. Wiring only: a job reads as a sequence of steps.

`catalogue` lists the jobs, `job` wires sources and sinks, `options` has the flags, `submission` starts a job
on a runner. Steps are in `transforms`. Commands and the demo use `catalogue` and `submission`.
"""
