"""`make conformance`: the same inputs through every way to run the pipeline, and their outcomes compared.

`inputs` are the files and messages, `ways` the runners, `outcome` what a run has left and how two differ.
"""
