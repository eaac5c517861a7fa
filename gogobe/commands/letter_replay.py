"""Publishes dead letters again, one portion at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

import msgspec

from gogobe.database.connection import Connection
from gogobe.database.letters import Letter, mark_replayed, mark_resolved, unmark_replayed
from gogobe.io.kafka.options import Kafka
from gogobe.io.kafka.topics import PublishError, is_read_by, publish
from gogobe.io.objects import ObjectStore, store_errors
from gogobe.io.originals import OriginalLostError
from gogobe.records.messages import DeadLetter
from gogobe.transforms.replay import CannotReplayError, Replay, replay_of

PORTION: Final = 200


class Replayed(msgspec.Struct, frozen=True):
    """The outcome of a letter: published to `topic`, or `refused` with the reason."""

    id: str
    topic: str | None = None
    refused: str | None = None


@dataclass(frozen=True)
class Target:
    """Where letters are published. `form` is `message` (to the topic of the letter's kind), `announcement`
    (of its file) or `auto` (the message if the consumer group `group` reads that topic)."""

    kafka: Kafka
    group: str
    form: str = "auto"

    def reader_of(self) -> Callable[[str], bool]:
        """A function that returns whether messages may be published to a topic unchanged."""
        if self.form == "auto":
            return cache(partial(is_read_by, self.kafka, self.group))
        return lambda _: self.form == "message"


def replay_letters(
    connection: Connection,
    letters: Sequence[Letter],
    store: ObjectStore,
    target: Target,
    *,
    dry_run: bool = False,
) -> list[Replayed]:
    """Publishes letters again, the oldest first; with `dry_run` only returns where to.

    Raises PublishError: the letters of that portion are then unchanged, and those of earlier portions are
    replayed.
    """
    is_read = target.reader_of()
    done: list[Replayed] = []
    ordered = sorted(letters, key=lambda letter: (letter.last_failed_at, letter.id))
    for start in range(0, len(ordered), PORTION):
        ready: list[tuple[Letter, Replay]] = []
        for letter in ordered[start : start + PORTION]:
            try:
                ready.append((letter, replay_of(_message(letter), store, is_read)))
            except (CannotReplayError, OriginalLostError) as error:
                done.append(Replayed(letter.id, refused=str(error)))
            except store_errors() as error:
                done.append(Replayed(letter.id, refused=f"the object store: {error}"))
        if not dry_run:
            _publish(connection, target.kafka, ready)
        done += [Replayed(letter.id, replay.topic) for letter, replay in ready]
    return done


def _publish(connection: Connection, kafka: Kafka, ready: Sequence[tuple[Letter, Replay]]) -> None:
    """Marks the letters first, so that a file loaded from then on closes its letter."""
    mark_replayed(connection, [letter.id for letter, _ in ready])
    try:
        for topic in sorted({replay.topic for _, replay in ready}):
            records = [(replay.key, replay.value) for _, replay in ready if replay.topic == topic]
            publish(kafka, topic, records)
    except PublishError:
        unmark_replayed(connection, [letter for letter, _ in ready])
        raise
    mark_resolved(connection, [letter.id for letter, replay in ready if replay.ends_letter])


def _message(letter: Letter) -> DeadLetter:
    """The letter in the form of its topic."""
    names = set(DeadLetter.__struct_fields__) & set(letter.__struct_fields__)
    fields = {name: getattr(letter, name) for name in names} | {"original": letter.original or ""}
    return DeadLetter(**fields, failed_at=letter.last_failed_at)
