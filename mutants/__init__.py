"""`make mutants`: each mechanism that a promise rests on is taken out of a copy of the code; tests must notice.

`catalogue.toml` has the list; `mutant.py` reads and applies it, `run.py` runs the tests.
"""
