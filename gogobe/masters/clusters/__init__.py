"""Goods without a usable barcode: listings of several chains that are one product, joined to clusters.

`listings` proposes pairs, `pair_features` compares them, `pair_model` gives their probability, and clusters are
built from the pairs (`agglomerate`). Runs when a snapshot is built, and for items that arrive. No SQL, no Beam.
"""
