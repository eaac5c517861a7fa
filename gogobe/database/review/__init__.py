"""Human decisions about masters: pairs to review, merges that can be undone, and their CSV form.

`pairs` lists review pairs and records answers, `pairs_csv` exports and imports them, `merges` merges masters
and undoes merges, `redirects` applies the clusters of a build, `known_items` reads the catalogue for a build,
`summaries` describes both masters of a pair. Commands and the demo use all of them.
"""
