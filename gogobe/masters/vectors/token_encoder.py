"""An encoder from a sentence-embedding model that was distilled to one vector per token, loaded from a path.

Such models (Model2Vec and similar) are a table of vectors and a list of tokens: the vector of a text is the
mean of its tokens' vectors. They need no inference library, run at the speed of a look-up, and any sentence
transformer can be distilled to one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gogobe.masters.text.ngrams import HashedGrams
from gogobe.masters.text.normal import normalize
from gogobe.masters.vectors.encoder import Floats, unit_rows, weighted_sums


class EncoderModelError(ValueError):
    """A model that cannot be loaded; the message names the file and its expected contents."""


@dataclass(frozen=True)
class TokenEncoder:
    """`tokens` in normal form with their row in `vectors` (tokens, dimensions).

    A word that is no token is split greedily into the longest tokens, as WordPiece does, with continuations
    marked "##"; a word that cannot be split so is ignored.
    """

    tokens: dict[str, int]
    vectors: npt.NDArray[np.float32]

    @property
    def kind(self) -> str:
        return "tokens"

    @property
    def dimensions(self) -> int:
        return int(self.vectors.shape[1])

    def encode(self, texts: Sequence[str]) -> Floats:
        rows = [[row for word in text.split() for row in self._rows_of(word)] for text in texts]
        starts = np.concatenate(([0], np.cumsum([len(row) for row in rows]))).astype(np.int64)
        flat = np.array([row for text in rows for row in text], dtype=np.int64)
        sums = weighted_sums(HashedGrams(flat, starts), np.ones(len(flat), dtype=np.float32), self.vectors)
        return unit_rows(sums)

    def _rows_of(self, word: str) -> list[int]:
        if word in self.tokens:
            return [self.tokens[word]]
        rows, place, mark = [], 0, ""
        while place < len(word):
            for end in range(len(word), place, -1):
                row = self.tokens.get(mark + word[place:end])
                if row is not None:
                    rows.append(row)
                    place, mark = end, "##"
                    break
            else:
                return []
        return rows

    def save(self, folder: Path) -> None:
        np.save(folder / "encoder_vectors.npy", self.vectors)
        (folder / "encoder_tokens.json").write_text(json.dumps(self.tokens, ensure_ascii=False), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> TokenEncoder:
        """The encoder saved in a snapshot's folder. Raises OSError or ValueError if it is damaged."""
        tokens: dict[str, int] = json.loads((folder / "encoder_tokens.json").read_text("utf-8"))
        return cls(tokens, np.asarray(np.load(folder / "encoder_vectors.npy", mmap_mode="r")))

    @classmethod
    def from_model(cls, path: Path, dimensions: int | None = None) -> TokenEncoder:
        """Load a model's folder: `model.safetensors` with a tensor `embeddings` (tokens, dimensions) of
        float32 or float16, and `tokenizer.json` with its `model.vocab`; `dimensions` keeps only the first so
        many.

        Tokens are brought to the normal form of names, so that they match names spelled like them. Raises
        EncoderModelError.
        """
        vectors = _read_embeddings(path / "model.safetensors")
        vocabulary = _read_vocabulary(path / "tokenizer.json")
        if vocabulary and max(vocabulary.values()) >= len(vectors):
            raise EncoderModelError(f"{path}: the vocabulary has tokens beyond the {len(vectors)} embeddings")
        tokens: dict[str, int] = {}
        for token, row in sorted(vocabulary.items(), key=lambda entry: entry[1]):
            tokens.setdefault("##" * token.startswith("##") + normalize(token.removeprefix("##")), row)
        return cls(tokens, np.ascontiguousarray(vectors[:, :dimensions], dtype=np.float32))


def _read_vocabulary(path: Path) -> dict[str, int]:
    try:
        document: Any = json.loads(path.read_text("utf-8"))
        vocabulary = document["model"]["vocab"]
        if isinstance(vocabulary, list):  # Unigram: pairs of token and its logarithmic probability
            return {token.lstrip("▁"): row for row, (token, _) in enumerate(vocabulary)}
        return {str(token): int(row) for token, row in vocabulary.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderModelError(f"{path}: no tokenizer with a model.vocab ({error!r})") from error


def _read_embeddings(path: Path) -> npt.NDArray[np.float32]:
    """The tensor `embeddings` of a safetensors file: a length, a JSON header, then the raw numbers."""
    kinds = {"F32": "<f4", "F16": "<f2"}
    try:
        content = path.read_bytes()
        length = int.from_bytes(content[:8], "little")
        tensor = json.loads(content[8 : 8 + length])["embeddings"]
        begin, end = tensor["data_offsets"]
        kind: npt.DTypeLike = np.dtype(kinds[tensor["dtype"]])
        numbers = np.frombuffer(content[8 + length :][begin:end], dtype=kind)
        rows, columns = tensor["shape"]
        return numbers.reshape(rows, columns).astype(np.float32)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderModelError(
            f"{path}: no safetensors file with a tensor 'embeddings' of float32 or float16 ({error!r})"
        ) from error
