"""Kafka: topics, clients and Beam's source and sink.

`topics` is for commands and tests (confluent-kafka), `publisher` for agents, `beam` for pipelines (Beam's
KafkaIO); `options` and `clients` have the connection settings of all three. Only `beam` imports Beam.
"""
