"""Which records of a topic a job reads: those in its share of the partitions, or those up to an end
offset."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

# The cross-language transform of java/overrides that reads some partitions of a topic.
READ_PARTITIONS: Final = "gogobe:transform:read_kafka_partitions:v1"
_SHARE: Final = re.compile(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})")


class ShareError(ValueError):
    """An invalid share; the message has the reason and the valid values."""


@dataclass(frozen=True)
class Share:
    """The partitions of a topic that one of several instances of a job reads: instance `number` of
    `instances`, from 1. Beam assigns partitions itself and joins no consumer group, so the instances divide
    them by their number.

    >>> Share.parse("2/3").partitions("gogobe.files.discovered", 8)
    [1, 4, 7]
    """

    number: int = 1
    instances: int = 1

    @classmethod
    def parse(cls, text: str) -> Share:
        """`2/3` is the second of three instances. Raises ShareError."""
        match = _SHARE.fullmatch(text)
        share = cls(int(match[1]), int(match[2])) if match else None
        if share is None or share.number > share.instances:
            raise ShareError(f"{text!r} is no instance: K/N, the K-th of N instances, as in 2/3")
        return share

    def __str__(self) -> str:
        return f"{self.number}/{self.instances}"

    @property
    def is_whole(self) -> bool:
        """Whether this is the only instance."""
        return self.instances == 1

    def partitions(self, topic: str, count: int) -> list[int]:
        """The partitions of this instance, of a topic with `count` partitions. Raises ShareError if there are
        fewer partitions than instances."""
        if count < self.instances:
            raise ShareError(
                f"{self.instances} instances, and {topic} has {count} partitions: at most one instance a "
                "partition (topic_partitions sets their number for topics that are made)"
            )
        return list(range(self.number - 1, count, self.instances))

    def overlaps(self, other: Share) -> bool:
        """Whether both shares have a common partition in any topic."""
        return self.instances != other.instances or self.number == other.number


@dataclass(frozen=True)
class Backlog:
    """Records of a topic that a group has not processed: for each partition the first offset and the end
    (exclusive)."""

    ranges: Mapping[int, tuple[int, int]]

    @property
    def records(self) -> int:
        """The number of offsets. For topics without transactions and compaction this is the number of
        records."""
        return sum(end - first for first, end in self.ranges.values())

    @property
    def ends(self) -> dict[int, int]:
        """The end of each partition, which is committed after the records are processed."""
        return {partition: end for partition, (_, end) in self.ranges.items()}

    def portions(self, records: int) -> Iterator[Backlog]:
        """The backlog in portions of at most `records` records, with all partitions in parallel."""
        begun = {partition: first for partition, (first, _) in self.ranges.items()}
        while open_ones := [one for one, (_, end) in self.ranges.items() if begun[one] < end]:
            ranges = {partition: (first, first) for partition, first in begun.items()}
            left = records
            for number, partition in enumerate(open_ones):
                fair = -(-left // (len(open_ones) - number))
                taken = min(fair, self.ranges[partition][1] - begun[partition])
                ranges[partition] = (begun[partition], begun[partition] + taken)
                begun[partition] += taken
                left -= taken
            yield Backlog(ranges)
