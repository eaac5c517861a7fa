"""Encoders: hashed, weighted and projected n-grams; a model loaded from a path."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.masters.text.ngrams import SIZES, HashedGrams, hash_grams
from gogobe.masters.vectors.encoder import GramEncoder, weighted_sums
from gogobe.masters.vectors.encoder_fit import fit_encoder
from gogobe.masters.vectors.token_encoder import EncoderModelError, TokenEncoder

WORDS = st.lists(st.text(st.sampled_from("אבגדהab"), min_size=1, max_size=6), max_size=4).map(" ".join)


def slow_grams(text: str) -> int:
    """How many n-grams a text has, word by word."""
    return sum(max(len(word) + 2 - size + 1, 0) for word in text.split() for size in SIZES)


@given(st.lists(WORDS, max_size=6))
def test_a_text_has_its_words_n_grams_and_no_others_whatever_is_beside_it(texts: list[str]) -> None:
    together = hash_grams(texts)
    assert np.diff(together.starts).tolist() == [slow_grams(text) for text in texts]
    for place, text in enumerate(texts):
        alone = hash_grams([text])
        own = together.buckets[together.starts[place] : together.starts[place + 1]]
        assert Counter(own.tolist()) == Counter(alone.buckets.tolist())


def test_the_order_of_words_does_not_matter_and_a_cut_word_keeps_its_beginning() -> None:
    first, second, cut = (set(hash_grams([text]).buckets.tolist()) for text in ("חלב טרי", "טרי חלב", "חלב טר"))
    assert first == second
    assert len(first & cut) > len(first) / 2


def test_weighted_sums_are_those_of_a_loop() -> None:
    random = np.random.default_rng(1)
    table = random.random((50, 3)).astype(np.float32)
    grams = HashedGrams(random.integers(0, 50, 12), np.array([0, 5, 5, 12]))
    weights = random.random(12).astype(np.float32)
    sums = weighted_sums(grams, weights, table)
    for place, (begin, end) in enumerate(((0, 5), (5, 5), (5, 12))):
        expected = (table[grams.buckets[begin:end]] * weights[begin:end, None]).sum(axis=0)
        assert np.allclose(sums[place], expected, atol=1e-5)


def test_a_learned_encoder_is_the_same_each_time_and_after_loading(tmp_path: Path) -> None:
    texts = [f"יוגורט {flavour} {size}" for flavour in ("תות", "וניל", "מנגו") for size in ("קטנ", "גדול")] * 3
    masters = np.repeat(np.arange(9), 2)
    encoder = fit_encoder(texts, masters, 8)
    vectors = encoder.encode(texts)
    assert vectors.shape == (18, 8)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert np.array_equal(vectors, fit_encoder(texts, masters, 8).encode(texts))
    encoder.save(tmp_path)
    assert np.array_equal(GramEncoder.load(tmp_path).encode(texts), vectors)


def test_names_alike_lie_closer_than_others() -> None:
    texts = ["שוקולד חלב", "שוקולד חלב מריר", "נייר טואלט", "סבונ ידימ", "קפה נמס", "אורז בסמטי"]
    vectors = fit_encoder(texts, np.arange(6), 4).encode(texts)
    similarity = vectors @ vectors.T
    assert similarity[0, 1] > similarity[0, 2:].max()


def test_nothing_is_encoded_to_nothing() -> None:
    encoder = fit_encoder(["חלב", "לחמ"], np.arange(2), 4)
    assert encoder.encode([]).shape == (0, 4)
    assert np.isfinite(encoder.encode([""])).all()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A sentence-embedding model of five tokens and three dimensions, in the form that such models have."""
    vectors = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0.5, 0.5, 0.5]], dtype="<f4")
    header = json.dumps({"embeddings": {"dtype": "F32", "shape": [5, 3], "data_offsets": [0, vectors.nbytes]}})
    (tmp_path / "model.safetensors").write_bytes(
        len(header).to_bytes(8, "little") + header.encode() + vectors.tobytes()
    )
    vocabulary = {"חלב": 0, "לחם": 1, "##ים": 2, "ביצ": 3, "קפה": 4}
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"vocab": vocabulary}}), "utf-8")
    return tmp_path


def test_a_model_by_path_means_the_mean_of_its_tokens(model: Path, tmp_path: Path) -> None:
    encoder = TokenEncoder.from_model(model)
    assert (encoder.kind, encoder.dimensions) == ("tokens", 3)
    # In the normal form final letters are folded: the model's tokens are met in it.
    vectors = encoder.encode(["חלב", "חלב לחמ", "ביצימ", "בלתי ידוע", ""])
    root = np.sqrt(0.5)
    assert np.allclose(vectors[0], [1, 0, 0])
    assert np.allclose(vectors[1], [root, root, 0])
    assert np.allclose(vectors[2], np.array([1, 1, 1]) / np.sqrt(3))
    assert not vectors[3:].any()
    encoder.save(tmp_path)
    assert np.array_equal(TokenEncoder.load(tmp_path).encode(["ביצימ"]), vectors[2:3])
    assert TokenEncoder.from_model(model, 2).dimensions == 2


@pytest.mark.parametrize("damaged", ["model.safetensors", "tokenizer.json"])
def test_a_damaged_model_is_named(model: Path, damaged: str) -> None:
    (model / damaged).write_bytes(b"{}")
    with pytest.raises(EncoderModelError, match=damaged):
        TokenEncoder.from_model(model)
