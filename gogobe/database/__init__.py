"""PostgreSQL and CockroachDB: schema, loading, views, queries, reviews, dead letters.

`connection` opens connections and classifies errors; `migrations` applies the numbered steps of `schema`;
`load` writes batches; `views` refreshes the materialized views; `queries` reads; `review` keeps what people
decide. Takes and returns `records` and dataclasses; knows no Beam and no Kafka.
"""
