"""Loading batches: exactly once, in one transaction, newer rows only.

Public: `loader.Loader.load(batches)`. One module a table: `ledger` (files, batches), `stores`, `prices`,
`promotions`, `aliases` (masters and a chain's codes), `endings` (rows that a full file no longer lists);
`recency` orders rows by time, `sent` remembers what a worker has already written.
"""
