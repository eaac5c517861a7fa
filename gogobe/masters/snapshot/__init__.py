"""The files of a masters snapshot, opened as memory-mapped arrays. A snapshot never changes.

`files.open_snapshot` checks the manifest and maps the parts; `known_codes` finds the master of a chain's
code; `lexicon` holds word frequencies and word weights.
"""
