"""The jobs, one module for each, and their options. Wiring only: a job reads as a sequence of steps."""
