"""When rows flowed again after a fault: from the times of commits in the database, once the run is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

# A fault may take effect later: a heartbeat that is missed, a connection that times out.
EFFECT_SECONDS: Final = 10.0
# Commits of a run without faults are closer together than this.
PAUSE_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Injected:
    """A fault that happened: from `started` to `ended` (seconds since the epoch). `said`: what `gogobe status`
    reported in an outage, and how memory has grown."""

    name: str
    started: float
    ended: float
    problem: str = ""
    said: tuple[str, ...] = ()


def seconds_until_rows(fault: Injected, commits: Sequence[float], until: float) -> float | None:
    """Seconds from the end of a fault to the end of the longest pause of commits that overlaps with it or
    begins within `EFFECT_SECONDS` after it; 0 where that pause ended before the fault did, or where there was
    none. `commits` are sorted times; `until`: when the next fault began. None where no commit followed."""
    begin = max((at for at in commits if at <= fault.started), default=fault.started)
    times = [begin, *(at for at in commits if begin < at <= until)]
    last_begin = min(until, fault.ended + EFFECT_SECONDS)
    pauses = [(after - before, after) for before, after in pairwise(times) if before < last_begin]
    if not pauses or times[-1] <= fault.ended:
        return None
    pause, end = max(pauses)
    return max(0.0, end - fault.ended) if pause > PAUSE_SECONDS else 0.0
