"""The local stack: Kafka, PostgreSQL, Flink, Beam's Java services and workers, as processes on 127.0.0.1.

`stack.Stack` starts and stops all of it; one module a service. Nothing here is imported by a pipeline's
worker, except `worker_pool`, which starts it.
"""
