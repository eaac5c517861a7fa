"""Prints text of feeds on the terminal without interpreting it.

A product's name may contain rich's markup (`[/b]`), an escape sequence for the terminal, or characters that
change the direction of text. `PlainConsole` prints every string literally, with such characters escaped
(`\\x1b`, `\\u202e`); `styled` adds a style. Commands print with it; error messages pass through `harmless`.
"""

from __future__ import annotations

import re
from typing import Any, Final

from rich.console import Console, JustifyMethod, OverflowMethod
from rich.text import Text

# Control characters except line feed and tab; format characters except the joiners and marks of Hebrew, Arabic
# and emoji; line and paragraph separators; lone surrogates, which cannot be encoded.
_HARMFUL: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u2028-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e007f\ud800-\udfff]"
)


def harmless(text: str) -> str:
    """The text with control characters, bidirectional overrides, invisible characters and lone surrogates
    replaced by Python escapes."""
    return _HARMFUL.sub(_written_out, text)


def _written_out(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode("ascii")


def counted(count: int, noun: str) -> str:
    """A number with its noun in the singular or in the plural.

    >>> counted(1, "file"), counted(4880, "row")
    ('1 file', '4,880 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def styled(text: str, style: str) -> Text:
    """The text in one of rich's styles, made harmless."""
    return Text(harmless(text), style=style)


class PlainConsole(Console):
    """A console that prints strings literally, in tables too: no markup, no emoji codes, no highlighting, no
    control sequences."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "markup": False, "emoji": False, "highlight": False})

    def render_str(
        self,
        text: str,
        *,
        style: Any = "",
        justify: JustifyMethod | None = None,
        overflow: OverflowMethod | None = None,
        emoji: bool | None = None,
        markup: bool | None = None,
        highlight: bool | None = None,
        highlighter: Any = None,
    ) -> Text:
        """rich calls this for every string; `emoji`, `markup` and `highlight` are ignored."""
        return super().render_str(
            harmless(text),
            style=style,
            justify=justify,
            overflow=overflow,
            emoji=False,
            markup=False,
            highlight=False,
        )
