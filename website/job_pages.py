"""A page for each job: its steps in order, each with inputs, outputs, dead letters, settings and metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from gogobe.commands.run import JOBS as SUMMARIES
from gogobe.pipelines.catalogue import JOBS
from gogobe.transforms.steps import FAILURES
from website.recorded import Step, steps_of
from website.tables import code, codes, table

# Settings of every step that connects to the same service, as one line of a table.
BUNDLES: Final = {
    "the database's": ("database", "database_password", "database_statement", "database_lock",
                       "database_maintenance", "price_days"),
    "Kafka's": ("kafka", "kafka_options"),
    "the object store's": ("store", "store_endpoint"),
}  # fmt: skip
# Where the reasons of dead letters are explained that come with an error of the step's work.
EXPLAINED: Final = {
    "download": "[Downloads](../downloads.md)",
    "parse": "[Feeds](../feeds.md)",
    "load": "[The pipeline](../pipeline.md)",
}


def job_page(name: str) -> str:
    """The page of a job in Markdown."""
    steps = steps_of(name)
    kind = JOBS[name]
    parts = [
        f"# The job `{name}`\n\n{SUMMARIES[name]}\n",
        f"It reads the topic `{kind.topic}`. Start it with:\n\n    gogobe run {name}\n",
        "[Jobs and runners](../jobs.md) has the ways to run it, [The pipeline](../pipeline.md) the "
        "guarantees. This page is generated from the code.\n",
        "## Steps\n",
        _overview(name, steps),
        *(_section(name, number, step) for number, step in enumerate(steps, 1)),
        "## Dead letters\n\nEach step may also end an element with the reason `internal_error`: an error that "
        "no code foresaw. `gogobe deadletters list` lists the open letters, and "
        "[Operations](../operations.md#dead-letters) what to do about them.\n",
        "## Settings\n\n" + codes(_settings(steps)) + ": see [Settings](../reference/settings.md).\n",
    ]
    return "\n".join(parts)


def _overview(name: str, steps: Sequence[Step]) -> str:
    rows = (
        (str(number), f"[{step.label}](#{_anchor(name, number, step)})", codes(step.inputs), _outputs(step))
        for number, step in enumerate(steps, 1)
    )
    return table(("#", "Step", "Takes", "Gives"), rows)


def _section(name: str, number: int, step: Step) -> str:
    facts = [fact for fact in _facts(step) if fact[1]]
    head = f"({_anchor(name, number, step)})=\n### {number}. {step.label}"
    return f"{head}\n\n{step.summary}\n\n{table(('', ''), facts)}"


def _facts(step: Step) -> Iterator[tuple[str, str]]:
    yield "Takes", codes(step.inputs)
    yield "Gives", _outputs(step)
    yield "Dead letters", _letters(step)
    yield "Settings", ", ".join(_bundled(step.settings))
    yield "Metrics", codes(step.metrics)


def _outputs(step: Step) -> str:
    named = (code(kind) + (f" ({tag})" if tag else "") for tag, kind in step.outputs.items() if tag != FAILURES)
    return ", ".join(named)


def _letters(step: Step) -> str:
    if not step.stage or FAILURES not in step.outputs:
        return ""
    known = codes(step.reasons)
    more = EXPLAINED.get(step.stage, "")
    reasons = " and the reasons of ".join(part for part in (known, more) if part)
    return f"stage {code(step.stage)}: " + (reasons or "none of its own")


def _bundled(settings: Sequence[str]) -> Iterator[str]:
    left = list(settings)
    for name, bundle in BUNDLES.items():
        if set(bundle) <= set(left):
            left = [one for one in left if one not in bundle]
            yield name
    yield from map(code, left)


def _settings(steps: Sequence[Step]) -> list[str]:
    return sorted({one for step in steps for one in step.settings})


def _anchor(name: str, number: int, step: Step) -> str:
    return f"{name}-{number}-" + "".join(one if one.isalnum() else "-" for one in step.label.lower())
