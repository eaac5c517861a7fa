"""The files of a masters snapshot: all that a worker needs to match items, immutable and memory-mapped.

A snapshot is a folder of arrays and an Annoy file, with a manifest that names each part with its size and
SHA-256. Masters are rows in ascending order of their ids; row r has the names `starts[r]` to `starts[r + 1]`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
import numpy as np
import numpy.typing as npt

from gogobe.masters.snapshot.lexicon import Lexicon
from gogobe.masters.snapshot.word_costs import WordCosts
from gogobe.masters.text.facts import Facts
from gogobe.masters.vectors.encoder import Encoder, GramEncoder
from gogobe.masters.vectors.index import AnnoyIndex, VectorIndex
from gogobe.masters.vectors.token_encoder import TokenEncoder

FORMAT: Final = 5
MANIFEST: Final = "manifest.json"
INDEX: Final = "index.ann"
ALIAS_MATCHES: Final = ("new", "alias", "vector", "review")
"""The meaning of the numbers in `alias_matches`."""

Floats = npt.NDArray[np.float32]
Longs = npt.NDArray[np.int64]


class SnapshotError(Exception):
    """A snapshot that is missing, incomplete or damaged; the message names it, the part, and the remedy."""


# Names become parts of paths in folders and stores, so they are plain: no separators, no "..".
PlainName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\Z")]


class Part(msgspec.Struct, frozen=True):
    """One file of a snapshot: its size in bytes and the SHA-256 (hex) of its content."""

    size: Annotated[int, msgspec.Meta(ge=0)]
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Manifest(msgspec.Struct, frozen=True):
    """The contents of a snapshot. `version` sorts by time. `masters`, `names`, `gtins` and `aliases` are
    counts, `linked` is the number of codes that belong to another master than their own. `dimensions` is that
    of the indexed vectors, `encoder` the kind of encoder, `parts` every other file."""

    format: int
    version: PlainName
    created_at: str
    masters: int
    names: int
    gtins: int
    aliases: int
    linked: int
    dimensions: int
    encoder: str
    parts: dict[PlainName, Part]


@dataclass(frozen=True)
class Tables:
    """The arrays of a snapshot with n masters and m names.

    By master: `masters` (n,) the ids, ascending; `canonical` (n,) the row of the master that a row was merged
    into, or its own row; `starts` (n + 1,) where its names start; `loose` (n,) whether it is goods without a
    usable barcode, a cluster of all chains' listings; `chains` (n,) the share of all chains that sell it (0.5
    if it has no GTIN); `company_across` (n,) the share of its company's other masters that several chains
    sell.

    By name: `name_chains` (m,) hashes of the chains that use it; `name_keys` (m,) the GTINs of their codes,
    or the computed ids of chain and code; `name_numbers` (m,) the codes as numbers. `labels` holds the names
    as UTF-8, name i from `label_starts[i]`.

    By code: `gtins` and `aliases` are sorted keys (a GTIN; the computed id of a chain's code), each with its
    master's row. An alias has the kind of its match and its decisions (a JSON array from
    `alias_decision_starts[i]`, empty if there are none). `private` are in-house numbers that look like GTINs,
    ascending.

    For candidates among loose goods: `cores` are the sorted core numbers of their codes, `core_masters` their
    rows; `words` are the hashes of the words that name them, `word_masters` their rows. `centre` is the mean
    of the masters' vectors.
    """

    masters: Longs
    canonical: Longs
    starts: Longs
    loose: npt.NDArray[np.bool_]
    name_chains: npt.NDArray[np.uint32]
    name_keys: Longs
    name_numbers: Longs
    chains: Floats
    company_across: Floats
    gtins: Longs
    gtin_masters: Longs
    aliases: Longs
    alias_masters: Longs
    alias_matches: npt.NDArray[np.uint8]
    alias_decisions: npt.NDArray[np.uint8]
    alias_decision_starts: Longs
    private: Longs
    cores: Longs
    core_masters: Longs
    words: npt.NDArray[np.uint32]
    word_masters: Longs
    labels: npt.NDArray[np.uint8]
    label_starts: Longs
    centre: Floats

    def label(self, name: int) -> str:
        """A name as its chain writes it."""
        return bytes(self.labels[self.label_starts[name] : self.label_starts[name + 1]]).decode(
            "utf-8", "replace"
        )


@dataclass(frozen=True)
class Masters:
    """All that items are matched with: tables, the facts of all names, and what was learned from them."""

    tables: Tables
    names: Facts
    lexicon: Lexicon
    costs: WordCosts
    encoder: Encoder
    index: VectorIndex


@dataclass(frozen=True)
class Snapshot(Masters):
    """An open snapshot. Its arrays are memory-mapped, so the processes of a machine share their memory."""

    manifest: Manifest

    @property
    def version(self) -> str:
        return self.manifest.version


def save_arrays(folder: Path, prefix: str, arrays: Tables | Facts | Lexicon | WordCosts) -> None:
    """Write a table's arrays as `<prefix>_<field>.npy`."""
    for field in fields(arrays):
        np.save(folder / f"{prefix}_{field.name}.npy", getattr(arrays, field.name), allow_pickle=False)


def _mapped(
    folder: Path, prefix: str, kind: type[Tables] | type[Facts] | type[Lexicon] | type[WordCosts]
) -> Mapping[str, npt.NDArray[np.generic]]:
    return {
        field.name: np.asarray(
            np.load(folder / f"{prefix}_{field.name}.npy", mmap_mode="r", allow_pickle=False)
        )
        for field in fields(kind)
    }


def sha256_of(path: Path) -> str:
    """A file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path, version: str, created_at: datetime, tables: Tables, encoder: str) -> Manifest:
    """Write the manifest of a folder's files, as the last step of a build: a folder without it is no
    snapshot. Raises SnapshotError if the version or a file has no plain name."""
    parts = {
        path.name: Part(path.stat().st_size, sha256_of(path))
        for path in sorted(folder.iterdir())
        if path.name != MANIFEST
    }
    manifest = Manifest(
        format=FORMAT,
        version=version,
        created_at=created_at.isoformat(timespec="seconds"),
        masters=len(tables.masters),
        names=int(tables.starts[-1]),
        gtins=len(tables.gtins),
        aliases=len(tables.aliases),
        linked=_linked(tables),
        dimensions=len(tables.centre),
        encoder=encoder,
        parts=parts,
    )
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    decode_manifest(text, folder / MANIFEST)
    (folder / MANIFEST).write_bytes(text)
    return manifest


def is_plain(name: str) -> bool:
    """Whether a string is allowed as the name of a version or a part."""
    try:
        msgspec.convert(name, PlainName)
    except msgspec.ValidationError:
        return False
    return name != MANIFEST


def decode_manifest(text: bytes, where: Path | str) -> Manifest:
    """Parse and check a manifest: plain names, valid sizes and checksums. Raises SnapshotError, which names
    `where` the text was found."""
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except msgspec.MsgspecError as error:
        raise SnapshotError(f"{where}: cannot be read as a manifest ({error})") from error
    if MANIFEST in manifest.parts:
        raise SnapshotError(f"{where}: names itself as a part")
    return manifest


def _linked(tables: Tables) -> int:
    """How many codes, GTINs and others, belong to another master than their own."""
    return sum(
        int((tables.masters[tables.canonical[rows]] != keys).sum())
        for keys, rows in ((tables.gtins, tables.gtin_masters), (tables.aliases, tables.alias_masters))
    )


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a snapshot's folder. Raises SnapshotError if it is missing, unreadable or of another
    format."""
    path = folder / MANIFEST
    try:
        manifest = decode_manifest(path.read_bytes(), path)
    except OSError as error:
        raise SnapshotError(f"{path}: no manifest that can be read ({error}); build it again") from error
    if manifest.format != FORMAT:
        raise SnapshotError(
            f"{path}: snapshot format {manifest.format}, this version reads {FORMAT}; build the snapshot again"
        )
    return manifest


def verify(folder: Path) -> Manifest:
    """Check every part of a snapshot against its manifest. Raises SnapshotError naming the first bad part."""
    manifest = read_manifest(folder)
    for name, part in manifest.parts.items():
        path = folder / name
        if path.is_symlink() or not path.is_file():
            raise SnapshotError(f"{path}: missing, or a link; fetch or build snapshot {manifest.version} again")
        size = path.stat().st_size
        if size != part.size:
            raise SnapshotError(f"{path}: {size} bytes, its manifest says {part.size}; fetch or build it again")
        if sha256_of(path) != part.sha256:
            raise SnapshotError(f"{path}: its SHA-256 is not its manifest's; fetch or build it again")
    return manifest


def open_snapshot(local_dir: Path, *, check: bool = True) -> Snapshot:
    """Map a snapshot's folder into memory. With `check` every part is read once and its checksum compared.

    Raises SnapshotError if a part is missing, damaged or inconsistent with the others.
    """
    manifest = verify(local_dir) if check else read_manifest(local_dir)
    try:
        tables = Tables(**_mapped(local_dir, "masters", Tables))  # type: ignore[arg-type]
        names = Facts(**_mapped(local_dir, "names", Facts))  # type: ignore[arg-type]
        lexicon = Lexicon(**_mapped(local_dir, "lexicon", Lexicon))  # type: ignore[arg-type]
        costs = WordCosts(**_mapped(local_dir, "costs", WordCosts))  # type: ignore[arg-type]
        encoder = load_encoder(manifest.encoder, local_dir)
        index = AnnoyIndex(local_dir / INDEX, manifest.dimensions)
    except (OSError, ValueError) as error:
        raise SnapshotError(f"{local_dir}: cannot be opened: {error}; fetch or build it again") from error
    if len(index) != len(tables.masters) or len(names) != int(tables.starts[-1]):
        raise SnapshotError(f"{local_dir}: its parts are of different sizes; build it again")
    return Snapshot(tables, names, lexicon, costs, encoder, index, manifest)


def load_encoder(kind: str, folder: Path) -> Encoder:
    """The encoder saved in a folder. Raises ValueError for an unknown kind."""
    if kind == "grams":
        return GramEncoder.load(folder)
    if kind == "tokens":
        return TokenEncoder.load(folder)
    raise ValueError(f"encoder {kind!r} is unknown; there are grams and tokens")
