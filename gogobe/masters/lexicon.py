"""What a catalogue's words say: how rare each is, and whose brand it is.

A word that occurs in many companies' products ("chocolate") says what a thing is; one that occurs only under
a single company's GTINs is that company's brand or line. GTINs begin with a company prefix (GS1 General
Specifications, section 1.4.4), so brands are learned from the masters, and no list of brands is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Words = npt.NDArray[np.uint32]

BUCKETS: Final = 1 << 18
COMPANIES: Final = 3
"""How many companies are kept for a word: a brand that has more is none."""
_COMPANY_DIGITS: Final = 10**4
"""A GTIN-13's first nine digits: prefixes have seven to ten, and nine tells companies apart well."""


def company_of(gtins: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
    """The company that numbered each item, its GTIN-13's first nine digits; 0 where it has none."""
    return (gtins % 10**13 // _COMPANY_DIGITS).astype(np.uint32)


@dataclass(frozen=True)
class Lexicon:
    """What is known of hashed words, by bucket (a word's hash modulo 2**18).

    `rarity` (buckets,) is 1 for a word never seen and falls towards 0 for one in every master; `companies` and
    `shares` (buckets, 3) name the companies under whose GTINs the word occurs most, and in what part of its
    masters, smoothed so that a word seen once has a half. `kept` (buckets,) is how often a second chain's name
    of the same master has the word too: high for what tells products apart ("mango"), low for what may go.
    """

    rarity: Floats
    companies: npt.NDArray[np.uint32]
    shares: Floats
    kept: Floats

    def kept_of(self, words: Words) -> Floats:
        """How surely each word is in every chain's name of a product that has it in one."""
        return self.kept[_bucket(words)]

    def rarity_of(self, words: Words) -> Floats:
        """The rarity of each word, 0 where there is none."""
        found: Floats = np.where(words != 0, self.rarity[_bucket(words)], np.float32(0))
        return found

    def share_of(self, words: Words, companies: npt.NDArray[np.uint32]) -> Floats:
        """How far each word belongs to one company: words (n, w) against companies (n,), 0 to 1."""
        buckets = _bucket(words)
        asked = companies[:, None]
        share = np.zeros(words.shape, dtype=np.float32)
        for place in range(COMPANIES):
            share += self.shares[buckets, place] * (self.companies[buckets, place] == asked)
        share[(words == 0) | (asked == 0)] = 0
        return share

    def ownership(self, words: Words) -> tuple[npt.NDArray[np.uint32], Floats]:
        """The company to which each word belongs most, and how far; 0 and 0.0 where there is none."""
        buckets = _bucket(words)
        known = words != 0
        return np.where(known, self.companies[buckets, 0], 0), np.where(known, self.shares[buckets, 0], 0)


def _bucket(words: Words) -> npt.NDArray[np.int64]:
    return (words & np.uint32(BUCKETS - 1)).astype(np.int64)


def build_lexicon(words: Words, masters: npt.NDArray[np.int64], companies: npt.NDArray[np.uint32]) -> Lexicon:
    """Count words (n, w) over masters (n,), several rows a master allowed, each with its company (n,)."""
    width = words.shape[1]
    flat = words.reshape(-1)
    present = flat != 0
    buckets = _bucket(flat[present])
    # Words are counted once a master, however many of its names have them.
    owners = np.repeat(masters, width)[present]
    makers = np.repeat(companies, width)[present]
    order = np.lexsort((owners, buckets))
    buckets, owners, makers = buckets[order], owners[order], makers[order]
    first = np.ones(len(buckets), dtype=np.bool_)
    first[1:] = (buckets[1:] != buckets[:-1]) | (owners[1:] != owners[:-1])
    starts = np.flatnonzero(first)
    having = np.diff(starts, append=len(buckets))
    buckets, owners, makers = buckets[starts], owners[starts], makers[starts]

    total = np.bincount(buckets, minlength=BUCKETS)
    documents = max(len(np.unique(masters)), 1)
    rarity = np.log1p(documents / (1.0 + total)) / np.log1p(documents)
    top_companies, top_counts = _most_frequent(buckets, makers)
    shares = top_counts / (total[:, None] + 1.0)
    return Lexicon(
        rarity.astype(np.float32),
        top_companies,
        shares.astype(np.float32),
        _kept(buckets, owners, having, masters),
    )


_KEPT_PRIOR: Final = 20.0  # as many pairs of names as it takes to believe a word rather than all words


def _kept(
    buckets: npt.NDArray[np.int64],
    owners: npt.NDArray[np.int64],
    having: npt.NDArray[np.int64],
    masters: npt.NDArray[np.int64],
) -> Floats:
    """For each bucket, of the pairs of a master's names with the word in one, the part with it in both."""
    ids, names = np.unique(masters, return_counts=True)
    names_of = names[np.searchsorted(ids, owners)]
    with_word = np.minimum(having, names_of)  # a name may say a word twice
    both = np.bincount(buckets, weights=with_word * (with_word - 1) / 2, minlength=BUCKETS)
    one = np.bincount(buckets, weights=with_word * (names_of - with_word), minlength=BUCKETS)
    overall = both.sum() / max(both.sum() + one.sum(), 1.0)
    kept: Floats = ((both + _KEPT_PRIOR * overall) / (both + one + _KEPT_PRIOR)).astype(np.float32)
    return kept


def _most_frequent(
    buckets: npt.NDArray[np.int64], makers: npt.NDArray[np.uint32]
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.float64]]:
    """For each bucket the companies that occur most in it, and how often: (buckets, 3) each."""
    companies = np.zeros((BUCKETS, COMPANIES), dtype=np.uint32)
    counts = np.zeros((BUCKETS, COMPANIES), dtype=np.float64)
    known = makers != 0
    keys, times = np.unique(
        (buckets[known].astype(np.uint64) << np.uint64(32)) | makers[known], return_counts=True
    )
    bucket = (keys >> np.uint64(32)).astype(np.int64)
    maker = (keys & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    order = np.lexsort((maker, -times, bucket))
    bucket, maker, times = bucket[order], maker[order], times[order]
    rank = np.arange(len(bucket)) - np.searchsorted(bucket, bucket)
    kept = rank < COMPANIES
    companies[bucket[kept], rank[kept]] = maker[kept]
    counts[bucket[kept], rank[kept]] = times[kept]
    return companies, counts
