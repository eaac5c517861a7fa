"""The guided run on bundled real feeds."""
