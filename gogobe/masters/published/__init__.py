"""Masters snapshots in the object store: publish, list, roll back, fetch, and watch for a newer version.

`store.SnapshotStore` is the only writer; `watch.SnapshotWatch` loads a newer version while the old one is in
use.
"""
