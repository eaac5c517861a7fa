"""Loading of batches: exactly once, in one transaction, newer rows only.

Public: `loader.Loader.load(batches)`. `transaction` has the order of the work. One module per table: `files`
and `batches` (the ledger), `prices`, `promotions`, `aliases` (masters and a chain's codes), `stores` and
`descriptions`. `identities` resolves published store names (`grouping` is the rule, `moves` and `store_merge`
apply it), `recency` orders batches by time, `counts` weighs a file's Count, `endings` ends rows that a full
file no longer lists, `readings` replaces a file's older reading, `sent` deduplicates a worker's writes.
"""
