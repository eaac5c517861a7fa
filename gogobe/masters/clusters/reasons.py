"""Why two listings were joined, or went to review, in short sentences for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.clusters.pair_features import PAIR_FEATURES
from gogobe.masters.codes.suffixes import MISPADDED, PADDED, SAME_NUMBER
from gogobe.masters.text.qualities import QUALITIES

_CODE_SENTENCES: Final = {
    SAME_NUMBER: "both chains have the same number",
    PADDED: "one number is the end of the other",
    MISPADDED: "the numbers have the same last six digits",
}
_NEAR_PRICE: Final = 0.2


def pair_reasons(features: npt.NDArray[np.float32], relation: int) -> list[str]:
    """The reasons for a pair of listings, then those against it, from its PAIR_FEATURES and the relation of
    its codes."""
    values = dict(zip(PAIR_FEATURES, features.tolist(), strict=True))
    return [
        *([_CODE_SENTENCES[relation]] if relation in _CODE_SENTENCES else []),
        *_in_favour(values),
        *_against(values),
    ]


def _in_favour(values: Mapping[str, float]) -> list[str]:
    missing = values["special_words_missing"] + values["general_words_missing"]
    return [
        sentence
        for holds, sentence in (
            (values["same_reading"], "the names say the same"),
            (
                not values["same_reading"] and not missing and values["words_shared"],
                "the names have the same words",
            ),
            (values["price_apart"] < _NEAR_PRICE, "price within 20 %"),
        )
        if holds
    ]


def _against(values: Mapping[str, float]) -> list[str]:
    differ = [quality.name for quality in QUALITIES if values[f"{quality.name}_contradicts"]]
    near = [quality.name for quality in QUALITIES if quality.near and values[f"{quality.name}_near"]]
    once = [quality.name for quality in QUALITIES if values[f"{quality.name}_on_one_side"]]
    usual = [
        quality.name for quality in QUALITIES if quality.usual and values[f"usual_{quality.name}_on_one_side"]
    ]
    sentences = (
        (values["words_nearly_shared"], "a word is spelled otherwise"),
        (values["special_words_missing"], "a word of one is missing in the other"),
        (values["general_words_missing"], "a word that goes with many things is missing in one"),
        (usual, f"only one states the usual: {', '.join(usual)}"),
        (once, f"only one states: {', '.join(once)}"),
        (near, f"nearly the same: {', '.join(near)}"),
        (differ, f"differ: {', '.join(differ)}"),
        (values["parts_contradict"], "one is with what the other is without"),
        (values["without_a_part_on_one_side"], "only one states that it is without something"),
        (values["percents_differ"], "percentages differ"),
        (values["numbers_differ"], "numbers in the names differ"),
        (values["packs_differ"], "numbers of pieces differ"),
        (values["sizes_differ"], "sizes differ"),
        (values["weighed_differs"], "one is weighed, the other is not"),
        (values["price_far"], "price more than 150 % apart"),
    )
    return [sentence for holds, sentence in sentences if holds]
