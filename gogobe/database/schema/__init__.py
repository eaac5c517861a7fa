"""The database's schema, in numbered SQL steps."""
