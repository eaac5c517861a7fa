"""The command line, one module a command group: parses flags, calls packages below, prints tables or JSON."""
