"""The weights of the second look and of the verdict, as `make learn` wrote them."""

from __future__ import annotations

from typing import Final

PAIR_WEIGHTS: Final[dict[str, float]] = {
    "words_of_item_found": 2.0370,
    "words_of_candidate_found": 1.5561,
    "all_words_found": 0.4990,
    "rarest_missing_of_item": -0.3605,
    "rarest_missing_of_candidate": -1.1211,
    "missing_altogether": 0.2973,
    "rarity_shared": 0.5968,
    "brand_by_company": 2.4835,
    "brand_of_another": -1.4130,
    "brand_shared": -1.3202,
    "size_same": 0.0713,
    "size_near": -1.2929,
    "size_far": -0.8366,
    "size_contained": 1.3127,
    "numbers_shared": 0.6870,
    "numbers_differ": -3.6532,
    "percents_same": 0.6815,
    "percents_differ": -3.1384,
    "packs_same": 0.7110,
    "packs_differ": -1.9076,
    "price_apart": -2.6429,
    "price_far": 0.4737,
    "price_same": 0.1052,
    "weighed_differs": -5.3397,
    "brand_confirmed": 0.0112,
    "cosine": 7.7744,
}
PAIR_INTERCEPT: Final = -11.1662
VERDICT_WEIGHTS: Final[dict[str, float]] = {
    "ahead_of_second": 0.7600,
    "mean_score_of_names": 0.2508,
    "item_word_missing_most": -1.6616,
    "name_words_missing_mean": 0.4721,
    "rival_has_missing": 0.6866,
    "company_across_chains": 0.9561,
    "all_words_found": -0.6670,
    "brand_shared": 0.6081,
    "brand_confirmed": 0.9163,
    "size_same": 0.7149,
    "ahead_of_chain": 0.8774,
}
VERDICT_INTERCEPT: Final = -0.1160
ACCEPT_FROM: Final = 0.9244
REVIEW_FROM: Final = 0.5000
