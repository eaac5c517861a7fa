"""PostgreSQL and CockroachDB: schema, loading, views, queries, reviews, dead letters.

`connection` opens connections and classifies errors; `migrations` applies the numbered steps of `schema`;
`load` writes batches; `views` refreshes the materialized views; `review` stores what people decide; other
modules each serve one table or one kind of query. Takes and returns `records` and dataclasses. Knows no Beam
and no Kafka. Public: every module without a leading underscore.
"""
