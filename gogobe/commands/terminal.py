"""Text on the terminal: what comes from feeds is shown, never interpreted.

A product's name may hold rich's markup (`[/b]`), an escape sequence that reprograms the terminal, or characters
that turn the direction of what follows. `PlainConsole` prints every string as it is, with such characters
written out (`\\x1b`, `\\u202e`); where a style is wanted, `styled` makes it. Commands print through it, and
errors pass `harmless`.
"""

from __future__ import annotations

import re
from typing import Any, Final

from rich.console import Console, JustifyMethod, OverflowMethod
from rich.text import Text

# Controls but line feed and tab; format characters but the joiners and marks that Hebrew, Arabic and emoji are
# written with; separators of lines and paragraphs; lone surrogates, which no terminal's encoding takes.
_HARMFUL: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u2028-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e007f\ud800-\udfff]"
)


def harmless(text: str) -> str:
    """The text with control characters, bidirectional overrides, invisible characters and lone surrogates
    written out as Python writes them."""
    return _HARMFUL.sub(_written_out, text)


def _written_out(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode("ascii")


def styled(text: str, style: str) -> Text:
    """The text in a style of rich's, harmless."""
    return Text(harmless(text), style=style)


class PlainConsole(Console):
    """A console that takes strings, in tables too, as they are: no markup, no emoji codes, no highlighting, and
    nothing that a terminal would obey."""

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
        """As rich's, which calls it for every string; what it asks for in `emoji`, `markup` and `highlight` is
        not done."""
        return super().render_str(
            harmless(text),
            style=style,
            justify=justify,
            overflow=overflow,
            emoji=False,
            markup=False,
            highlight=False,
        )
