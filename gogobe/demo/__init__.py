"""The guided run (`make run`): real feeds on a local portal, loaded by the pipeline, and what came of them."""
