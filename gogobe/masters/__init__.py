"""Record linkage: which items of which chains are the same product. No Beam, Kafka or SQL.

From the bottom: `codes` (GTINs), `text` (names to comparable facts), `vectors` (encoders and indexes),
`snapshot` (the files of a masters snapshot), `matching` (candidates, features, verdict), `published`
(snapshots in the object store), `build` (a catalogue to a snapshot), `evaluation` (precision and recall,
training). Public: `matching.resolver.Resolver`, `published.store.SnapshotStore`,
`build.build.build_snapshot`.
"""
