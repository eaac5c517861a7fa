"""Applies a DoFn as a step of the graph, with a stable label, output types and an output for failures."""

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
    """A ParDo with the outputs `main` (elements of type `output`), `failures` (dead letters) and `tagged` (a
    type for each tag).

    Labels and types are explicit: Beam's default labels are class names, which then could not change while a
    job is updated in place, and elements without a type are pickled.
    """
    pardo = beam.ParDo(dofn, *side_inputs).with_output_types(output, **{FAILURES: DeadLetter}, **tagged)
    outputs = pardo.with_outputs(FAILURES, *tagged, main=main)
    pardo.label, outputs.label = "ParDo", label
    return outputs


def windowed(output: Any) -> WindowedValue | TaggedOutput:
    """An output in the form that `finish_bundle` requires: in the global window, with its tag."""
    if isinstance(output, TaggedOutput):
        return TaggedOutput(output.tag, GlobalWindows.windowed_value(output.value))
    return GlobalWindows.windowed_value(output)
