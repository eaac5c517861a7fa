"""Review pairs as a CSV file: written for people to say yes or no in, read back as their verdicts."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from gogobe.database.review.pairs import ReviewPair, Verdict

KEY: Final = ("chain_id", "item_code", "candidate_id")
COLUMNS: Final = ("chain", "item_name", "candidate_name", "score", "reasons", "same", *KEY)
_WORDS: Final = {"yes": True, "y": True, "כן": True, "no": False, "n": False, "לא": False}


class VerdictFileError(ValueError):
    """A file of verdicts that cannot be read; the message names the file, the line and what it should hold."""


def write_pairs(path: Path, pairs: Iterable[ReviewPair]) -> int:
    """Writes pairs with an empty column `same`; returns how many. Raises OSError.

    In UTF-8 with a byte order mark, so that spreadsheet programs show Hebrew.
    """
    rows = []
    for pair in pairs:
        evidence = (pair.item_name, pair.candidate_name, f"{pair.score:.3f}", "; ".join(pair.reasons))
        rows.append((pair.chain, *evidence, "", pair.chain_id, pair.item_code, pair.candidate_id))
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return len(rows)


def read_verdicts(path: Path) -> list[Verdict]:
    """The verdicts of a file that `write_pairs` wrote and a person filled in; lines without a word in `same`
    are left out. Raises VerdictFileError, OSError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in ("same", *KEY) if column not in (reader.fieldnames or ())]
            if missing:
                raise VerdictFileError(
                    f"{path}: no column {', '.join(missing)} in its first line; "
                    "`gogobe masters review --export` writes such a file"
                )
            verdicts = [_verdict(path, reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise VerdictFileError(f"{path}: cannot be read as CSV in UTF-8: {error}") from error
    return [verdict for verdict in verdicts if verdict is not None]


def _verdict(path: Path, line: int, row: dict[str, str]) -> Verdict | None:
    word = (row["same"] or "").strip().lower()
    if not word:
        return None
    if word not in _WORDS:
        raise VerdictFileError(f"{path}, line {line}: {row['same']!r} in column same; say yes, no, or nothing")
    if not (row["candidate_id"] or "").isdecimal():
        raise VerdictFileError(
            f"{path}, line {line}: {row['candidate_id']!r} in column candidate_id is no number of a master; "
            "a spreadsheet may have rounded it: export the pairs again and leave that column as it is"
        )
    return Verdict(row["chain_id"], row["item_code"], int(row["candidate_id"]), _WORDS[word])
