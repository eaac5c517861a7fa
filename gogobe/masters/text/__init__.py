"""Names to comparable facts: normal form, words, sizes, percentages, n-grams.

`facts.describe` takes a batch of items and returns arrays, one row an item. No vectors, no snapshot.
"""
