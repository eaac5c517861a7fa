"""The faults of a run, drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

How = Literal["kill", "stop", "restart", "resubmit", "away"]
KINDS: Final[dict[str, tuple[How, ...]]] = {
    "TaskManager": ("kill", "stop"),
    "Python worker": ("kill", "stop"),
    "PostgreSQL": ("kill", "stop", "restart"),
    "Kafka": ("kill", "stop", "restart"),
    "JobManager": ("kill", "stop"),
    "Object store": ("kill", "stop"),
    "Java worker": ("kill", "stop"),
    "Python worker pool": ("kill", "restart"),
    "Portal": ("kill", "stop"),
    "Agent": ("kill", "stop"),
    "Job": ("resubmit",),
}
"""What breaks, and how. The first ones are in every run, also in a short one."""
SERVERS: Final = ("PostgreSQL", "Kafka", "Object store")
"""The servers that an outage is about."""
SHORTEST_STOP: Final = 2.0
LONGEST_STOP: Final = 9.0
TOGETHER_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Fault:
    """One fault. `seconds`: how long the process stands still (`stop`), or is not started again (`away`).
    `choice` (0 to 1) picks one of several processes; `pause`: seconds to wait before it, once rows flow again;
    `joins`: it follows the one before within a second."""

    target: str
    how: How
    seconds: float
    choice: float
    pause: float
    joins: bool = False

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.target}: {self.how}" + (f" for {self.seconds:.0f} s" if self.seconds else "")


def plan(count: int, seed: int) -> list[Fault]:
    """So many faults: each kind as often as the others, in any order; two of them within a second."""
    chance = random.Random(f"faults {seed}")
    targets: list[str] = []
    while len(targets) < count:
        more = list(KINDS)[: count - len(targets)]
        chance.shuffle(more)
        targets += more
    together = chance.randrange(1, count) if count > 1 else 0
    return [
        _fault(target, chance, joins=number > 0 and number == together) for number, target in enumerate(targets)
    ]


def outages(seconds: float) -> list[Fault]:
    """Each server is away for so long, one after the other."""
    return [Fault(server, "away", seconds, choice=0.0, pause=1.0) for server in SERVERS]


def _fault(target: str, chance: random.Random, *, joins: bool) -> Fault:
    how = chance.choice(KINDS[target])
    return Fault(
        target,
        how,
        seconds=round(chance.uniform(SHORTEST_STOP, LONGEST_STOP), 1) if how == "stop" else 0.0,
        choice=chance.random(),
        pause=chance.uniform(0.0, TOGETHER_SECONDS if joins else 3.0),
        joins=joins,
    )


def groups(faults: Sequence[Fault]) -> list[list[Fault]]:
    """The faults in groups that happen together."""
    found: list[list[Fault]] = []
    for fault in faults:
        if fault.joins and found:
            found[-1].append(fault)
        else:
            found.append([fault])
    return found
