"""The embedded stack: Kafka, PostgreSQL, Flink and Beam's Java services."""
