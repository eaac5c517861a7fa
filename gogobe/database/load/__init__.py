"""Loading batches: exactly once, in one transaction, newer rows only.

Public: `loader.Loader.load(batches)`. `transaction` is the order of the work. One module a table: `files` and
`batches` (the ledger), `prices`, `promotions`, `aliases` (masters and a chain's codes), `stores` and
`descriptions`. `identities` says which store a published name means (`grouping` is the rule, `moves` and
`joining` apply it), `recency` orders rows by time, `counts` weighs a file's Count, `endings` ends what a full
file no longer lists, `sent` remembers what a worker has already written.
"""
