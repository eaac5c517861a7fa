"""Codes of items: which are GTINs, the computed id of an item without one, what was decided for a code.

All functions take a batch of codes and return numpy arrays. Imports nothing of Gogobe.
"""
