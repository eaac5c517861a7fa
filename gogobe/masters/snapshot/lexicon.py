"""Word statistics of a catalogue: how rare each word is, and the company whose brand it is.

A word in many companies' products ("chocolate") describes the product; one that occurs only under a single
company's GTINs is that company's brand or product line. GTINs begin with a company prefix (GS1 General
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
"""Companies kept per word; a word of more companies is no brand."""
_COMPANY_DIGITS: Final = 10**4
"""Keeps a GTIN-13's first nine digits: prefixes have seven to ten, and nine distinguish companies well."""


def company_of(gtins: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
    """The company prefix of each GTIN, the first nine digits of its GTIN-13; 0 without a GTIN."""
    return (gtins % 10**13 // _COMPANY_DIGITS).astype(np.uint32)


@dataclass(frozen=True)
class WordOdds:
    """Log odds that two names are one product, given that a word of one is `found` in the other, or `missing`
    there: (buckets,) each. Far from 0 for words that distinguish products ("mango"), near 0 for optional
    words."""

    found: Floats
    missing: Floats

    @classmethod
    def unknown(cls) -> WordOdds:
        """The odds without training data: 0 for every word."""
        nothing = np.zeros(BUCKETS, dtype=np.float32)
        return cls(nothing, nothing)


@dataclass(frozen=True)
class Lexicon:
    """Statistics of hashed words, by bucket (a word's hash modulo 2**18).

    `rarity` (buckets,) is 1 for an unseen word and falls towards 0 for one in every master. `companies` and
    `shares` (buckets, 3) are the companies under whose GTINs the word occurs most, and their shares of its
    masters, smoothed so that a word seen once has 0.5. `odds_found` and `odds_missing` are WordOdds.
    """

    rarity: Floats
    companies: npt.NDArray[np.uint32]
    shares: Floats
    odds_found: Floats
    odds_missing: Floats

    def odds_of(self, words: Words, found: Floats) -> tuple[Floats, Floats]:
        """The log odds of words found, weighted by `found` (the words' shape, 0 to 1), and of the rest of
        them as missing, each of the words' shape; 0 where there is no word."""
        buckets = bucket_of(words)
        present = words != 0
        return (
            np.where(present, found * self.odds_found[buckets], np.float32(0)),
            np.where(present, (1 - found) * self.odds_missing[buckets], np.float32(0)),
        )

    def rarity_of(self, words: Words) -> Floats:
        """The rarity of each word; 0 where there is no word."""
        found: Floats = np.where(words != 0, self.rarity[bucket_of(words)], np.float32(0))
        return found

    def share_of(self, words: Words, companies: npt.NDArray[np.uint32]) -> Floats:
        """How far each word belongs to one company: words (n, w) against companies (n,), 0 to 1."""
        buckets = bucket_of(words)
        asked = companies[:, None]
        share = np.zeros(words.shape, dtype=np.float32)
        for place in range(COMPANIES):
            share += self.shares[buckets, place] * (self.companies[buckets, place] == asked)
        share[(words == 0) | (asked == 0)] = 0
        return share

    def ownership(self, words: Words) -> tuple[npt.NDArray[np.uint32], Floats]:
        """The company that each word belongs to most, and its share; 0 and 0.0 where there is none."""
        buckets = bucket_of(words)
        known = words != 0
        return np.where(known, self.companies[buckets, 0], 0), np.where(known, self.shares[buckets, 0], 0)


def bucket_of(words: Words) -> npt.NDArray[np.int64]:
    """The bucket of each word's hash."""
    return (words & np.uint32(BUCKETS - 1)).astype(np.int64)


def build_lexicon(
    words: Words,
    masters: npt.NDArray[np.int64],
    companies: npt.NDArray[np.uint32],
    odds: WordOdds | None = None,
) -> Lexicon:
    """Count words (n, w) over masters (n,), each with its company (n,); a master may have several rows.
    Without `odds` words have log odds 0."""
    odds = odds or WordOdds.unknown()
    width = words.shape[1]
    flat = words.reshape(-1)
    present = flat != 0
    buckets = bucket_of(flat[present])
    # A word counts once per master, also if several of its names have it.
    owners = np.repeat(masters, width)[present]
    makers = np.repeat(companies, width)[present]
    order = np.lexsort((owners, buckets))
    buckets, owners, makers = buckets[order], owners[order], makers[order]
    first = np.ones(len(buckets), dtype=np.bool_)
    first[1:] = (buckets[1:] != buckets[:-1]) | (owners[1:] != owners[:-1])
    starts = np.flatnonzero(first)
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
        odds.found,
        odds.missing,
    )


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
