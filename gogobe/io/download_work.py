"""Types of the download scheduler: its plan, the work and its outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

Message = TypeVar("Message")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Plan:
    """The limits of the scheduler. `threads` downloads run while bundles wait for them, each for `wait`
    seconds; at most `pending` are submitted without a result. `slow_threads` downloads run in the slow lane,
    where up to `backlog` may be."""

    threads: int = 8
    slow_threads: int = 16
    wait: float = 2.0
    pending: int = 16
    backlog: int = 2000


@dataclass
class Ticket:
    """Signals to a running download: no bundle waits for it (`is_left`), or it must end now
    (`is_cancelled`)."""

    is_left: bool = False
    is_cancelled: bool = False


@dataclass(frozen=True)
class Ended(Generic[Value]):
    """The outcome of a download. `host_failed`: the host is at fault. `retry_after`: the seconds that the
    host requests to wait."""

    value: Value
    host_failed: bool = False
    retry_after: float | None = None


@dataclass(frozen=True)
class Postponed:
    """The result for a download that is not waited for. Its file comes again after `seconds`, unless the
    download ends before.

    `host_ill`: no request was made to the host. `slow`: the download continues, or waits for the limits of
    its host. `busy`: this worker has no capacity for it.
    """

    reason: Literal["host_ill", "slow", "busy"]
    seconds: float


Work = Callable[[Ticket], Ended[Value]]
Result = tuple[Message, Ended[Value] | Postponed]


@dataclass(eq=False)
class Download(Generic[Message, Value]):
    """A submitted download. Results of the same key `order` keep their order; times are of the scheduler's
    clock."""

    message: Message
    identity: bytes
    order: str
    host: str
    work: Work[Value]
    submitted: float
    started: float | None = None
    outcome: Ended[Value] | BaseException | None = None
    ticket: Ticket = field(default_factory=Ticket)
