"""The database schema as numbered SQL steps. A step that was released never changes; a change is a new step."""
