"""Which chains are known, and which ids their files carry: `chains.toml`, read and checked.

`load_chains` gives the bundled chains, changed and extended by a file of one's own; `chain_id_of` decides
whether a file may speak for the chain that announced it. No Beam, no network, no SQL.
"""
