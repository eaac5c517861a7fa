"""How shoppers' words find masters: the weighted words of a master, and the words of a query.

Both sides parse names with `gogobe.masters.text`, so that they agree on what a word is. No SQL:
`gogobe.database.search_index` stores the index, `gogobe.database.search` queries it.
"""
