"""Beam PTransforms and DoFns. A PTransform names a business step and calls plain functions without Beam.

One module for each step: `decode`, `order`, `download`, `waiting`, `loaded`, `parse`, `match`, `publish`,
`load`, `record`, `views`. Every step that can fail has a main output and the tagged output `failures` with
dead letters (`dead_letters`). Importing this package registers the coder of the elements (`coders`).
"""

from gogobe.transforms.coders import register

register()
