"""Codes of items: which are GTINs, the computed id of an item without one, how two codes are related.

`gtin`, `suffixes` and `decisions` (the resolver's results) are for all packages. The functions take a batch
of codes and return numpy arrays. Imports nothing of Gogobe.
"""
