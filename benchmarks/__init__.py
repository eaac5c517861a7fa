"""Benchmarks, run as modules: `python -m benchmarks.NAME`, or by the targets `bench*` of the Makefile.

Each measures one part against a baseline of the same run and writes its figures into `var/`. `measure` and
`feeds` are shared. They import gogobe; gogobe never imports them.
"""
