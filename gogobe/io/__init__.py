"""The outside world: object store, HTTP and FTP, Kafka. No SQL; Beam only in `kafka.beam` and `lines`.

`objects` (folder, S3, GCS), `fetch` (downloads one file), `downloads` (schedules many), `kafka.topics`
(create, publish, lag), `kafka.beam` (ReadTopic, WriteTopic), `lines` (the same records as JSON Lines).
Imports `records`, `chains` and `secrets`, and no other package of Gogobe.
"""
