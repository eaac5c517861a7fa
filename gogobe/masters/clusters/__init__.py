"""Clustering of goods without a usable barcode: listings of several chains that are one product.

`listings` proposes pairs, `pair_features` compares them, `pair_model` gives their probability, and
`agglomerate` builds clusters from the pairs. Used when a snapshot is built, and for items that arrive. No
SQL, no Beam.
"""
