"""Beam PTransforms and DoFns. A PTransform names a business step and calls plain functions that know no Beam.

One module a step: `decode`, `order`, `download`, `parse`, `match`, `publish`, `load`, `views`,
`dead_letters`. Every step has a main output and the tagged output `failures` with its dead letters.
Importing this package registers the coder of the elements (`coders`).
"""

from gogobe.transforms.coders import register

register()
