"""The weights of two listings of goods without a barcode, as `make learn` wrote them."""

from __future__ import annotations

from typing import Final

LEARNED_FROM: Final[dict[str, str]] = {
    "items_4_chains_2026-08-10.csv.gz": "56306240f12afdf83e62d883a4d5dd8f6c1c347fac8cb23bb9778291afba862a",
}
"""Files, and their SHA-256."""
ALIKE_WEIGHTS: Final[dict[str, float]] = {
    "words_shared": 0.4532,
    "words_nearly_shared": -1.2669,
    "special_words_missing": 0.1419,
    "general_words_missing": 0.4245,
    "distinctive_words_missing": -2.4993,
    "missing_on_both_sides": -1.3111,
    "largest_share_missing": -3.1107,
    "smallest_share_missing": -0.3215,
    "first_word_missing": 0.1544,
    "percents_differ": -4.0447,
    "percents_near": -0.2121,
    "percent_on_one_side": -0.1488,
    "numbers_differ": -4.7621,
    "number_on_one_side": -2.0771,
    "packs_differ": -2.0840,
    "sizes_differ": -2.7677,
    "weighed_differs": -0.9287,
    "weighed_against_a_size": -1.0452,
    "price_apart": -2.0618,
    "price_far": 0.0987,
    "packing_contradicts": -4.0017,
    "state_contradicts": -3.5415,
    "cut_contradicts": -4.1683,
    "peel_contradicts": -0.2649,
    "process_contradicts": -3.6697,
    "colour_contradicts": -4.7770,
    "size_contradicts": -2.7956,
    "supervision_contradicts": -3.3350,
    "shape_contradicts": -0.4100,
    "growing_contradicts": 0.0000,
    "animal_contradicts": -3.0947,
    "milk_contradicts": -4.3109,
    "taste_contradicts": -3.1195,
    "sex_contradicts": 0.0000,
    "light_contradicts": 0.0000,
    "packing_on_one_side": -1.5933,
    "state_on_one_side": 0.2163,
    "cut_on_one_side": -2.3617,
    "peel_on_one_side": -2.1445,
    "process_on_one_side": -2.6178,
    "colour_on_one_side": -1.6324,
    "size_on_one_side": -3.4635,
    "supervision_on_one_side": -2.7804,
    "shape_on_one_side": -1.0136,
    "growing_on_one_side": -2.7975,
    "animal_on_one_side": -0.6406,
    "milk_on_one_side": -1.6613,
    "taste_on_one_side": -1.7096,
    "sex_on_one_side": -1.1986,
    "light_on_one_side": 0.9400,
    "cut_near": -0.5919,
    "colour_near": -2.4854,
    "size_near": -1.2955,
    "usual_packing_on_one_side": 0.4484,
    "usual_state_on_one_side": -1.5889,
    "usual_cut_on_one_side": 0.0244,
    "usual_process_on_one_side": -0.0858,
    "parts_contradict": -4.5959,
    "without_a_part_on_one_side": -1.9229,
    "with_a_part_on_one_side": -0.3022,
    "same_reading": 3.1992,
}
ALIKE_INTERCEPT: Final = 0.6787
SIGN_WEIGHTS: Final[dict[str, float]] = {
    "same number": 8.0000,
    "filled up": 8.0000,
    "filled up wrongly": 0.0000,
}
JOIN_FROM: Final = 0.5000
REVIEW_FROM: Final = -2.0000
