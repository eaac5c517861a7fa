"""Builds a masters snapshot from a catalogue of items.

`catalogue` reads the rows, `gather` turns them into arrays, `cluster` joins goods without a barcode, `link`
links packed goods to GTINs, `word_odds` learns word weights, `build` writes the snapshot. Runs offline, not
in the pipeline. Public: `build.build_snapshot`.
"""
