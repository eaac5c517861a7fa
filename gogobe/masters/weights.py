"""The weights of the second look and of the verdict, as `make learn` wrote them."""

from __future__ import annotations

from typing import Final

PAIR_WEIGHTS: Final[dict[str, float]] = {
    "words_of_item_found": 1.7431,
    "words_of_candidate_found": 0.9842,
    "all_words_found": 1.1518,
    "rarest_missing_of_item": -0.1942,
    "rarest_missing_of_candidate": -1.1617,
    "missing_altogether": 0.3422,
    "rarity_shared": 0.6118,
    "brand_by_company": 2.4688,
    "brand_of_another": -1.4088,
    "brand_shared": -1.3295,
    "size_same": -0.0006,
    "size_near": -1.3932,
    "size_far": -0.8837,
    "size_contained": 1.3389,
    "numbers_shared": 0.7027,
    "numbers_differ": -3.8648,
    "percents_same": 0.6984,
    "percents_differ": -2.9592,
    "packs_same": 0.6827,
    "packs_differ": -2.1766,
    "price_apart": -2.3233,
    "price_far": 0.5896,
    "price_same": 0.1622,
    "weighed_differs": -6.6616,
    "brand_confirmed": 0.0006,
    "cosine": 7.4276,
}
PAIR_INTERCEPT: Final = -10.5509
VERDICT_WEIGHTS: Final[dict[str, float]] = {
    "ahead_of_second": 0.7141,
    "mean_score_of_names": 0.1110,
    "item_word_missing_most": -0.6671,
    "company_across_chains": 0.7179,
    "chains_that_sell_it": 0.4366,
    "brand_shared": 0.8415,
    "brand_confirmed": 0.8015,
    "size_same": 0.8038,
    "ahead_of_chain": 0.9644,
}
VERDICT_INTERCEPT: Final = -1.8528
SHARE: Final = 0.5961
ACCEPT_FROM: Final = 0.9406
REVIEW_FROM: Final = 0.5000
