"""Which master an item gets: candidate generation, pair features, ranking, verdict.

Public: `resolver.Resolver.resolve(chain_id, items)` fills a batch in place. `matcher` decides by name;
`features` compares pairs; `aggregate` folds a master's names into one row; `ranking` and `model` score;
`reasons` explains.
"""
