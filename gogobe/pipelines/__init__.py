"""One module a job; nothing but wiring."""
