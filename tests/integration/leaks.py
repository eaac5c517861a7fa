"""Where a secret must not be: everything that a job, its services and its messages show."""

from __future__ import annotations

import base64
import binascii
import bz2
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import grpc
import psutil
import requests
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from gogobe.local.flink import FlinkJob
from gogobe.local.stack import StackAddresses

JOB_PAGES = ("", "/config", "/plan", "/exceptions", "/checkpoints", "/accumulators")
CLUSTER_PAGES = ("/jobmanager/config", "/jobmanager/environment", "/taskmanagers", "/jobs/overview", "/config")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{40,}={0,2}")


def flink_pages(job: FlinkJob) -> Iterator[tuple[str, bytes]]:
    """What Flink's REST interface shows of a job, and of the cluster it runs on."""
    job_page = requests.get(f"http://{job.rest}/jobs/{job.id}", timeout=60).json()
    vertices = [f"/jobs/{job.id}/vertices/{vertex['id']}" for vertex in job_page["vertices"]]
    for path in [*(f"/jobs/{job.id}{page}" for page in JOB_PAGES), *CLUSTER_PAGES, *vertices]:
        yield path, requests.get(f"http://{job.rest}{path}", timeout=60).content


def submitted_graphs(stack: StackAddresses) -> Iterator[tuple[str, bytes]]:
    """The graphs and options that Beam's job server has, pickled functions unpacked."""
    with grpc.insecure_channel(stack.job_endpoint) as channel:
        service: Any = beam_job_api_pb2_grpc.JobServiceStub(channel)
        for job in service.GetJobs(beam_job_api_pb2.GetJobsRequest()).job_info:
            request = beam_job_api_pb2.GetJobPipelineRequest(job_id=job.job_id)
            graph = service.GetPipeline(request).pipeline.SerializeToString()
            yield f"graph of {job.job_name}", graph
            yield f"functions of {job.job_name}", b"\n".join(unpacked(graph))
            yield f"options of {job.job_name}", job.pipeline_options.SerializeToString()


def unpacked(text: bytes) -> Iterator[bytes]:
    """What Beam's pickler (base64 of bz2) has packed within a text."""
    for found in _BASE64.findall(text):
        try:
            yield bz2.decompress(base64.b64decode(found))
        except (OSError, ValueError, binascii.Error):
            continue


def command_lines() -> Iterator[tuple[str, bytes]]:
    """The list of processes, as every account of the machine sees it."""
    for process in psutil.process_iter(["pid", "cmdline"]):
        yield f"process {process.pid}", " ".join(process.info["cmdline"] or []).encode()


def files_below(folder: Path, but: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """The content of all files below a folder but those of some folders."""
    apart = list(but)
    for file in folder.rglob("*"):
        if file.is_file() and not any(file.is_relative_to(one) for one in apart):
            yield str(file), file.read_bytes()
