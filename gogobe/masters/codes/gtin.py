"""Validation of GTINs, one batch at a time, and the ids of masters without a GTIN.

Source: GS1 General Specifications (release 25), section 1.4 "GS1 Prefixes" and 2.1 "Restricted Circulation
Numbers", section 7.9 "Check digit calculations". Prefixes are those of the number as GTIN-13:

===================  ==========================================================================
prefix               meaning, and treatment here
===================  ==========================================================================
020-029, 200-299     restricted circulation in a region, among them U.P.C. number system 2
                     (variable weight): chains and scales issue these, no GTIN
040-049              restricted circulation in a company (U.P.C. number system 4): no GTIN
050-059, 980-984,    coupons and refund receipts: no GTIN
990-999
GTIN-8 0…, 2…        RCN-8, restricted circulation in a company: no GTIN
7290000000000 to     numbers that Israeli chains give their own goods and services, with check digits: one
7290000009999        number is a pepper in one chain and a delivery in another, so no GTIN
GTIN-14, indicator   a carton of the trade item whose GTIN follows, and a trade item itself: its digits
1-9                  2-4 count as the prefix
===================  ==========================================================================

No GTINs either, even with a valid check digit: codes of seven significant digits or fewer (an RCN-8, or a shelf
number), a body of one repeated digit, and 1234567890128, the sample number of manuals.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

FIRST_COMPUTED_ID: Final = 10**14
"""Lower master ids are GTINs; this and higher ones are computed."""
END_OF_IDS: Final = 2**53
"""JSON and JavaScript represent integers below this exactly."""

FIRST_IN_HOUSE: Final = 7_290_000_000_000
LAST_IN_HOUSE: Final = 7_290_000_009_999
"""Numbers that chains assign themselves, some with a valid check digit."""

_LENGTH: Final = 14
_SHORTEST: Final = 10**7  # the least number with eight significant digits
_PATTERN_NUMBER: Final = 1234567890128
# A row for each position from the left: its power of ten, and whether the position is even or odd.
_WEIGHTS: Final = np.array([[10.0 ** (13 - i), float(i % 2 == 0), float(i % 2 == 1)] for i in range(_LENGTH)])
_REPDIGIT_STEPS: Final = np.array([10 ** (14 - n) for n in range(15)], dtype=np.int64)
_REPUNITS: Final = np.array([(10**n - 1) // 9 for n in range(15)], dtype=np.int64)


def _restricted_prefixes() -> npt.NDArray[np.bool_]:
    """For each three-digit prefix of a GTIN-13, whether its numbers are restricted and therefore no GTINs."""
    restricted = np.zeros(1000, dtype=np.bool_)
    for first, last in ((20, 29), (40, 49), (50, 59), (200, 299), (980, 984), (990, 999)):
        restricted[first : last + 1] = True
    return restricted


_RESTRICTED: Final = _restricted_prefixes()


def valid_gtins(codes: Sequence[str]) -> npt.NDArray[np.int64]:
    """The GTIN of each code as a number; 0 for a code that is not valid across chains.

    Surrounding blanks and leading zeros do not matter: "11210000094", "011210000094" and "00011210000094" are
    one GTIN. Never raises: any text other than 1 to 14 ASCII digits is no GTIN. Shape: (len(codes),).
    """
    if not len(codes):
        return np.zeros(0, dtype=np.int64)
    # One character more than a GTIN has, so that what is longer shows in the last column.
    text = np.array(codes, dtype=f"U{_LENGTH + 1}")
    characters = text.view(np.uint32).reshape(len(codes), _LENGTH + 1)
    if (characters == ord(" ")).any():
        return valid_gtins([code.strip().replace(" ", "x") for code in codes])
    digits = characters[:, :_LENGTH] - np.uint32(ord("0"))  # wraps far above 9 for what is no digit
    present = characters != 0
    is_digit = digits <= 9
    lengths = present.sum(axis=1)
    well_formed = (is_digit.sum(axis=1) == lengths) & (lengths > 0)

    sums = np.where(is_digit, digits, 0).astype(np.float64) @ _WEIGHTS  # exact: all below 2**53
    numbers = sums[:, 0].astype(np.int64) // _REPDIGIT_STEPS[np.minimum(lengths, _LENGTH)]
    even_total = lengths % 2 == 0
    tripled = np.where(even_total, sums[:, 1], sums[:, 2])
    single = np.where(even_total, sums[:, 2], sums[:, 1])
    checks = (3 * tripled + single) % 10 == 0

    return np.where(well_formed & checks & _may_cross_chains(numbers), numbers, 0)


def _may_cross_chains(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether each number, apart from its check digit, identifies the same product in every chain."""
    short = numbers < 10**8
    first_of_eight = numbers // _SHORTEST
    allowed_short = (numbers >= _SHORTEST) & (first_of_eight != 2)
    prefix = (numbers // 10**10) % 1000
    allowed_long = ~_RESTRICTED[prefix]
    body = numbers // 10
    body_length = np.searchsorted(_REPUNITS, body, side="right") - 1
    repeated = body == _REPUNITS[body_length] * (body % 10)
    allowed: npt.NDArray[np.bool_] = np.where(short, allowed_short, allowed_long)
    allowed &= ~repeated & (numbers != _PATTERN_NUMBER)
    allowed &= (numbers < FIRST_IN_HOUSE) | (numbers > LAST_IN_HOUSE)
    return allowed


def computed_master_id(chain_id: str, item_code: str) -> int:
    """The master id of an item without a GTIN, in [10**14, 2**53).

    Every worker computes the same id at any time: a hash (BLAKE2b, 64 bits) of the chain and of its code
    without leading zeros, which a chain may write or omit. It is also the key of aliases.
    """
    code = item_code.strip().lstrip("0") or "0"
    digest = blake2b(f"{chain_id}\x1f{code}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return FIRST_COMPUTED_ID + int.from_bytes(digest, "big") % (END_OF_IDS - FIRST_COMPUTED_ID)


def chain_hash(chain_id: str) -> int:
    """The 32-bit hash of a chain's id."""
    return crc32(chain_id.encode("utf-8", "surrogatepass"))
