"""The guided run (`make run`): real feeds on replicas of portals, crawled and loaded by the pipeline.

`published` has the bundled feeds, `portals` the replicas, `run` the sequence, `report` the printed result.
Benchmarks and the conformance run use feeds and replicas; no package of gogobe but `cli` imports it.
"""
