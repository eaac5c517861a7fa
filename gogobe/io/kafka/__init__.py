"""Kafka: `topics` for commands and tests (confluent-kafka), `beam` for pipelines (Beam's KafkaIO)."""
