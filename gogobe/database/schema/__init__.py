"""The database schema as numbered SQL steps.

A released step never changes; a change is a new step. `gogobe.database.migrations` applies them; nothing else
reads this package.
"""
