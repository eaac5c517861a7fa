"""The weights of the second look and of the verdict, as `make learn` wrote them."""

from __future__ import annotations

from typing import Final

PAIR_WEIGHTS: Final[dict[str, float]] = {
    "words_of_item_found": 1.9429,
    "words_of_candidate_found": 1.3950,
    "all_words_found": 0.6547,
    "rarest_missing_of_item": -0.2476,
    "rarest_missing_of_candidate": -1.0719,
    "missing_altogether": 0.2958,
    "rarity_shared": 0.6057,
    "brand_by_company": 2.5510,
    "brand_of_another": -1.4489,
    "brand_shared": -1.3776,
    "size_same": 0.0468,
    "size_near": -1.3148,
    "size_far": -0.8413,
    "size_contained": 1.3207,
    "numbers_shared": 0.6809,
    "numbers_differ": -3.6298,
    "percents_same": 0.6850,
    "percents_differ": -3.1387,
    "packs_same": 0.7524,
    "packs_differ": -1.9296,
    "price_apart": -2.5971,
    "price_far": 0.4806,
    "price_same": 0.1122,
    "weighed_differs": -5.3396,
    "brand_confirmed": 0.0118,
    "cosine": 7.9302,
}
PAIR_INTERCEPT: Final = -11.2360
VERDICT_WEIGHTS: Final[dict[str, float]] = {
    "ahead_of_second": 0.7660,
    "mean_score_of_names": 0.2819,
    "item_word_missing_most": -1.1901,
    "company_across_chains": 0.8936,
    "brand_shared": 0.7764,
    "brand_confirmed": 0.9224,
    "size_same": 0.7221,
    "ahead_of_chain": 0.8728,
}
VERDICT_INTERCEPT: Final = -0.6020
ACCEPT_FROM: Final = 0.9294
REVIEW_FROM: Final = 0.5000
