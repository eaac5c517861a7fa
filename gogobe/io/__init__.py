"""The outside world: Kafka, object store, HTTP, PostgreSQL."""
