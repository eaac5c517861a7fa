"""The guided run (`make run`): real feeds on replicas of portals, crawled and loaded by the pipeline."""
