"""Queries servers that may not answer: all at once, within one time limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any


class UnansweredError(Exception):
    """The reason for a missing answer, as a sentence. Its cause is what the question raised; None: it took too
    long."""


def ask_all(questions: Mapping[str, Callable[[], Any]], seconds: float) -> dict[str, Any]:
    """The answers by name; an `UnansweredError` for each question that raised an exception or took more than
    `seconds`.

    The threads of unanswered questions continue in the background and end with the process.
    """
    answers: dict[str, Any] = {}

    def ask(name: str, question: Callable[[], Any]) -> None:
        try:
            answers[name] = question()
        except Exception as error:  # noqa: BLE001  # what a server's client raises is the answer here
            answers[name] = UnansweredError(_sentence(error))
            answers[name].__cause__ = error

    threads = [
        threading.Thread(target=ask, args=(name, question), daemon=True) for name, question in questions.items()
    ]
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    late = UnansweredError(f"no answer within {seconds:.0f} seconds")
    return {name: answers.get(name, late) for name in questions}


def check_store(url: str, endpoint: str) -> None:
    """Raises where an object store's bucket cannot be reached: UnansweredError, or what its library raises."""
    from gogobe.io.objects import ObjectStore

    if not ObjectStore(url, endpoint or None).is_reachable():
        raise UnansweredError(f"{url} has no such bucket, or it may not be seen")


def _sentence(error: Exception) -> str:
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return text or type(error).__name__
