"""How shoppers' words find masters: the words of a master with their weights, and the words of a query.

Both sides read names by `gogobe.masters.text`, so that they agree on what a word is. No SQL:
`gogobe.database.search_index` keeps the index, `gogobe.database.search` reads it.
"""
