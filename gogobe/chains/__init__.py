"""The known chains, and the ChainIds in their files: `chains.toml`, read and checked.

`load_chains` returns the bundled chains, changed and extended by a user's own file. `chain_id_of` decides
whether a file belongs to the chain that announced it. No Beam, no network, no SQL.
"""
