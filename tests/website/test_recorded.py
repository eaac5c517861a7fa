"""The steps of the jobs, as their pages show them."""

from __future__ import annotations

import pytest

from gogobe.pipelines.catalogue import JOBS
from gogobe.settings import Settings
from website.job_pages import job_page
from website.recorded import Step, steps_of


def step(job: str, label: str) -> Step:
    (found,) = [one for one in steps_of(job) if one.label == label]
    return found


def test_a_step_has_its_types_settings_letters_and_metrics():
    decode = step("load", "Decode")
    assert (decode.inputs, decode.outputs) == (
        ["tuple[bytes, bytes]"],
        {"": "IngestBatch", "failures": "DeadLetter"},
    )
    assert (decode.stage, decode.reasons) == ("decode", ["invalid_message"])
    assert decode.metrics == ["gogobe.decode/messages"]
    assert {"commit_batches", "commit_seconds", "database"} <= set(step("load", "Load").settings)
    assert step("download", "Download").outputs["waiting"] == "WaitingFile"
    assert "gogobe.download/waiting.REASON" in step("download", "Download").metrics


def test_metrics_are_those_of_the_step_and_of_no_other():
    assert step("parse", "Record decisions").metrics == ["gogobe.match/decisions_recorded"]
    assert step("parse", "Record dead letters").metrics == ["gogobe.dead_letters/unrecorded"]
    assert {one.partition("/")[0] for one in step("parse", "Parse and match").metrics} == {
        "gogobe.parse",
        "gogobe.match",
    }


@pytest.mark.parametrize("job", JOBS)
def test_a_job_reads_its_topic_first_and_ends_with_the_dead_letters(job: str):
    steps = steps_of(job)
    assert steps[0].inputs == [f"topic {JOBS[job].topic}"]
    assert steps[-1].outputs == {"": "topic gogobe.files.deadletter"}
    assert {setting for one in steps for setting in one.settings} <= set(Settings.__struct_fields__)
    merges = ["All announced", "All dead letters"] if JOBS[job].further else ["All dead letters"]
    assert [one.label for one in steps if not one.summary] == merges


@pytest.mark.parametrize("job", JOBS)
def test_a_page_has_every_step_in_order(job: str):
    page = job_page(job)
    places = [page.index(f"### {number}. {one.label}\n") for number, one in enumerate(steps_of(job), 1)]
    assert places == sorted(places)
    assert f"gogobe run {job}" in page
