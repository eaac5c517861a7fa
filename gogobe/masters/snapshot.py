"""A masters snapshot: everything a worker needs to match items, immutable, mapped into memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Snapshot:
    """One version of the masters."""

    version: str
