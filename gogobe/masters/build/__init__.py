"""A catalogue of items to a masters snapshot.

`catalogue` reads the rows, `gather` groups them by master, `link` joins masters by name, `word_odds` learns
word weights, `build` writes the snapshot. Runs offline, not in the pipeline.
"""
