"""The order of the work within a transaction: files of one store are loaded one after the other.

So the tables depend on the order in which the batches arrive, not on the transactions that they share. A
transaction with one file of each store, the usual case, has one round.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gogobe.database.load.subjects import Subject, subject_of
from gogobe.records.messages import IngestBatch


@dataclass(frozen=True)
class Round:
    """Batches that are merged together: of a store's prices, and of its promotions, those of one file.

    `later`: ids of further batches of these files, which come in a later round because a batch of another file
    of the store came between.
    """

    batches: list[IngestBatch]
    later: Sequence[str]


def rounds_of(batches: Iterable[IngestBatch], store_keys: Mapping[str, int]) -> Iterator[Round]:
    """Divides batches, given in the order of their arrival, into rounds. `store_keys` by batch id; a file
    without a store is independent of all others.
    """
    rounds: list[list[IngestBatch]] = []
    latest: dict[tuple[int | str, Subject | None], tuple[int, str]] = {}
    for batch in batches:
        key = store_keys.get(batch.batch_id, batch.content_sha256), subject_of(batch.kind)
        number, file = latest.get(key, (-1, ""))
        if file != batch.content_sha256:
            number += 1
            latest[key] = number, batch.content_sha256
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(batch)
    for number, together in enumerate(rounds):
        files = {batch.content_sha256 for batch in together}
        following = itertools.chain.from_iterable(rounds[number + 1 :])
        yield Round(together, [batch.batch_id for batch in following if batch.content_sha256 in files])
