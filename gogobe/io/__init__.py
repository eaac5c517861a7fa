"""The outside world: object store, HTTP, Kafka. No Beam except in `kafka.beam`, no SQL.

`objects` (folder, S3, GCS), `http` (download of one file), `kafka.topics` (create, publish, lag) and
`kafka.beam` (ReadTopic, WriteTopic). Imports nothing of Gogobe but `records`.
"""
