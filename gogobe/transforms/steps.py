"""How a step enters the graph: named, typed, with an output for what failed."""

from __future__ import annotations

from typing import Any, Final

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue

from gogobe.records.messages import DeadLetter

FAILURES: Final = "failures"


def step(
    label: str, dofn: beam.DoFn, *side_inputs: Any, main: str, output: Any, **tagged: Any
) -> beam.PTransform:
    """A ParDo whose outputs are `main` (elements of type `output`), `failures` (dead letters) and `tagged` (a
    type for each tag).

    Names and types are given here because Beam would make names of class names, which then could not change
    while a job is updated in place, and would pickle what has no type.
    """
    pardo = beam.ParDo(dofn, *side_inputs).with_output_types(output, **{FAILURES: DeadLetter}, **tagged)
    outputs = pardo.with_outputs(FAILURES, *tagged, main=main)
    pardo.label, outputs.label = "ParDo", label
    return outputs


def windowed(output: Any) -> WindowedValue | TaggedOutput:
    """An output as `finish_bundle` has to give it: in the global window, its tag kept."""
    if isinstance(output, TaggedOutput):
        return TaggedOutput(output.tag, GlobalWindows.windowed_value(output.value))
    return GlobalWindows.windowed_value(output)
