"""Matching of items to masters: candidate generation, pair features, re-ranking, verdict.

Public: `resolver.Resolver.resolve(chain_id, items)` fills a batch in place. `matcher` matches by name;
`features` compares pairs; `aggregate` reduces a master's names to one row; `ranking` and `model` score;
`reasons` explains.
"""
