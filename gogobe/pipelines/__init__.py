"""The jobs, one module each, and their options. Wiring only: a job reads as a recipe of steps."""
