"""The weights of the second look and of the verdict, as `make learn` wrote them."""

from __future__ import annotations

from typing import Final

PAIR_WEIGHTS: Final[dict[str, float]] = {
    "words_of_item_found": 2.0484,
    "words_of_candidate_found": 1.4716,
    "all_words_found": 0.7170,
    "rarest_missing_of_item": -0.3177,
    "rarest_missing_of_candidate": -1.2725,
    "missing_altogether": 0.3678,
    "rarity_shared": 0.6080,
    "brand_by_company": 2.4703,
    "brand_of_another": -1.5255,
    "brand_shared": -1.2773,
    "size_same": 0.0560,
    "size_near": -1.3944,
    "size_far": -0.8790,
    "size_contained": 1.0923,
    "numbers_shared": 0.6808,
    "numbers_differ": -3.8169,
    "percents_same": 0.6806,
    "percents_differ": -2.8975,
    "packs_same": 0.7679,
    "packs_differ": -1.9968,
    "price_apart": -2.5500,
    "price_far": 0.5897,
    "price_same": 0.1567,
    "weighed_differs": -5.4614,
    "brand_confirmed": 0.0437,
    "cosine": 8.0200,
}
PAIR_INTERCEPT: Final = -11.5130
VERDICT_WEIGHTS: Final[dict[str, float]] = {
    "score": -0.3184,
    "ahead_of_second": 0.1165,
    "ahead_of_second_capped": 0.5813,
    "mean_score_of_names": 0.4313,
    "item_word_missing_most": -5.7402,
    "rival_has_missing": 0.5342,
    "sold_by_one_chain": -0.9133,
    "company_across_chains": 0.7363,
    "all_words_found": -0.6685,
    "rarest_missing_of_item": 1.9867,
    "rarity_shared": 0.6013,
    "brand_shared": 0.5719,
    "brand_confirmed": 0.7650,
    "size_same": 0.9277,
    "price_apart": -1.1196,
    "ahead_of_chain": 0.8742,
}
VERDICT_INTERCEPT: Final = -1.0513
ACCEPT_FROM: Final = 0.9200
REVIEW_FROM: Final = 0.5000
