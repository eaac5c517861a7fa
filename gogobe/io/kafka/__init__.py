"""Kafka: `topics` for commands and tests (confluent-kafka), `publisher` for agents, `beam` for pipelines
(Beam's KafkaIO)."""
