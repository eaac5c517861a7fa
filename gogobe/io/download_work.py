"""Types of the download scheduler: its plan, the work and its outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

Message = TypeVar("Message")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Plan:
    """`threads` downloads run at once that bundles wait for, each for `wait` seconds; `pending` are at most
    submitted and not yet given back. `slow_threads` run that were left behind, and up to `backlog` more of them
    wait for their host."""

    threads: int = 8
    slow_threads: int = 16
    wait: float = 2.0
    pending: int = 16
    backlog: int = 2000


@dataclass
class Ticket:
    """Signals to a running download: no bundle waits for it any more (`is_left`), or it must end now
    (`is_cancelled`)."""

    is_left: bool = False
    is_cancelled: bool = False


@dataclass(frozen=True)
class Ended(Generic[Value]):
    """The outcome of a download. `host_failed` says that it is its host's fault; `retry_after` are the seconds
    that the host asks to wait."""

    value: Value
    host_failed: bool = False
    retry_after: float | None = None


@dataclass(frozen=True)
class Postponed:
    """A download that is not waited for. It comes again after `seconds` unless it ends by itself before.

    `host_ill`: the host was not asked. `slow`: the download goes on, or waits for its host's limits. `busy`:
    this worker has no room for it.
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
