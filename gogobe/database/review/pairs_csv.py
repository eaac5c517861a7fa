"""Review pairs as a CSV file: exported for people to fill in yes or no, imported as their answers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from gogobe.database.review.pairs import ReviewAnswer, ReviewPair
from gogobe.io.spreadsheets import SpreadsheetError, read_csv, write_csv

KEY: Final = ("chain_id", "item_code", "candidate_id")
COLUMNS: Final = ("chain", "item_name", "candidate_name", "score", "offers", "reasons", "same", *KEY)
_WORDS: Final = {"yes": True, "y": True, "כן": True, "no": False, "n": False, "לא": False}
_LONGEST_ID: Final = 16  # digits: ids are below 2^53


class AnswerFileError(ValueError):
    """A file of answers that cannot be read; the message names the file, the line and the expected
    content."""


def write_pairs(path: Path, pairs: Iterable[ReviewPair]) -> int:
    """Writes pairs with an empty column `same`; returns how many. Raises OSError."""
    return write_csv(path, COLUMNS, map(_cells, pairs))


def _cells(pair: ReviewPair) -> tuple[str | int, ...]:
    evidence = (pair.item_name, pair.candidate_name, f"{pair.score:.3f}", pair.offers, "; ".join(pair.reasons))
    return (pair.chain, *evidence, "", pair.chain_id, pair.item_code, pair.candidate_id)


def read_answers(path: Path) -> list[ReviewAnswer]:
    """The answers in a file that `write_pairs` wrote and a person filled in; lines with an empty `same` are
    skipped. Raises AnswerFileError, OSError."""
    try:
        answers = [_answer(path, line, row) for line, row in read_csv(path, ("same", *KEY))]
    except SpreadsheetError as error:
        raise AnswerFileError(f"{error}; `gogobe masters review --export` writes such a file") from error
    return [answer for answer in answers if answer is not None]


def _answer(path: Path, line: int, row: dict[str, str]) -> ReviewAnswer | None:
    word = row["same"].strip().lower()
    if not word:
        return None
    if word not in _WORDS:
        raise AnswerFileError(f"{path}, line {line}: {row['same']!r} in column same; say yes, no, or nothing")
    number = row["candidate_id"]
    if not (number.isascii() and number.isdecimal() and len(number) <= _LONGEST_ID):
        raise AnswerFileError(
            f"{path}, line {line}: {number!r} in column candidate_id is no number of a master; "
            "a spreadsheet may have rounded it: export the pairs again and leave that column as it is"
        )
    return ReviewAnswer(row["chain_id"], row["item_code"], int(number), _WORDS[word])
