"""Progress of what takes longer than two seconds: one line that changes on a terminal, lines in a pipe."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from gogobe.commands.terminal import PlainConsole, styled

LINE_SECONDS: Final = 2.0


@contextlib.contextmanager
def progress_line(
    console: PlainConsole, first: str, clock: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[str], None]]:
    """Shows `first`, and gives a function that shows another text in its place. In a pipe or a file each text
    is a line, but not more than one in two seconds."""
    if console.is_terminal and not console.is_dumb_terminal:
        with console.status(first) as status:
            yield lambda text: status.update(styled(text, ""))
        return
    printed, at = first, clock()
    console.print(first, soft_wrap=True)

    def say(text: str) -> None:
        nonlocal printed, at
        if text != printed and clock() - at >= LINE_SECONDS:
            printed, at = text, clock()
            console.print(text, soft_wrap=True)

    yield say


@contextlib.contextmanager
def working(text: str) -> Iterator[None]:
    """Shows on stderr what is done, for the length of a `with`: on a terminal at once, otherwise as one line if
    it takes longer than two seconds."""
    console = PlainConsole(stderr=True)
    if console.is_terminal and not console.is_dumb_terminal:
        with console.status(styled(text, "")):
            yield
        return
    late = threading.Timer(LINE_SECONDS, console.print, [text], {"soft_wrap": True})
    late.daemon = True
    late.start()
    try:
        yield
    finally:
        late.cancel()
