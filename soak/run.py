"""One soak: files appear at a steady rate, samples are taken, and each series is tested for growth."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from chaos.portal import show
from chaos.published import publish
from chaos.world import running_world
from gogobe.local.processes import Records
from soak.samples import TOLERANCES, Sampler, kind_of
from soak.trend import Trend, blocks, trend_of

SAMPLE_SECONDS: Final = 5.0
# Caches fill and heaps grow to their size in the first part of a run.
WARM_UP: Final = 1 / 3


class Series(msgspec.Struct):
    """One number over time (seconds since the start); its trend after the warm-up, and whether it grows."""

    name: str
    times: list[float]
    values: list[float]
    trend: Trend | None = None
    grows: bool = False


class Result(msgspec.Struct):
    """The outcome of a soak."""

    minutes: float
    files: int
    warm_up_seconds: float
    series: list[Series]

    @property
    def growing(self) -> list[Series]:
        """The series that grow."""
        return [one for one in self.series if one.grows]


Say = Callable[[str], None]


def run(folder: Path, jars: Path, *, minutes: float, rate: float, seed: int, say: Say) -> Result:
    """Runs the system over `folder` for so many minutes, with `rate` files a second. Raises StackError."""
    seconds = minutes * 60
    published_in = folder / "published"
    say(f"Writing {int(seconds * rate)} files …")
    files = publish(published_in, max(1, int(seconds * rate)), seed)
    show(published_in, 0)
    say("Starting the stack, portals, agents and the job …")
    with running_world(folder, published_in, jars) as world:
        services = (Records(folder.absolute() / "var" / "services"), Records(folder.absolute() / "var" / "own"))
        sampler = Sampler(world, services)
        samples: list[tuple[float, Mapping[str, float]]] = []
        began = time.monotonic()
        while (now := time.monotonic() - began) < seconds:
            show(published_in, min(len(files), int(now * rate)))
            samples.append((now, sampler.look()))
            if len(samples) % 60 == 0:
                say(f"{now / 60:.0f} of {minutes:.0f} minutes")
            time.sleep(max(0.0, SAMPLE_SECONDS - (time.monotonic() - began - now)))
    return result_of(minutes, len(files), samples)


def result_of(minutes: float, files: int, samples: Sequence[tuple[float, Mapping[str, float]]]) -> Result:
    """The series of samples, each with its trend."""
    warm_up = minutes * 60 * WARM_UP
    names = sorted({name for _, sample in samples for name in sample})
    series = []
    for name in names:
        values = [(at, sample[name]) for at, sample in samples if name in sample]
        one = Series(name, [at for at, _ in values], [value for _, value in values])
        after = [(at, value) for at, value in values if at >= warm_up]
        if after:
            one.trend = trend_of(*blocks([at for at, _ in after], [value for _, value in after]))
        if one.trend is not None:
            tolerance = TOLERANCES[kind_of(name)]
            one.grows = one.trend.grows(tolerance.share, tolerance.least)
        series.append(one)
    return Result(minutes, files, warm_up, series)
