"""The weights of a master's words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gogobe.masters.search.documents import LONGEST_WORD, ChainName, weights


def of(*names: str, maker: str = "", popularity: int = 0) -> dict[str, float]:
    return weights([ChainName(name, maker) for name in names], popularity)


def test_a_word_weighs_more_where_the_name_begins_with_it():
    assert of("חלב טרי 3%")["חלב"] > of("שוקולד חלב")["חלב"]


def test_a_brand_before_it_does_not_matter():
    assert of("תנובה חלב", maker="תנובה")["חלב"] == of("חלב תנובה", maker="תנובה")["חלב"]


def test_a_compound_says_less_of_each_of_its_words():
    assert of("חלב")["חלב"] > of("חלב קוקוס")["חלב"]


def test_an_unusual_quality_counts_like_half_a_word():
    assert of("חלב טרי")["חלב"] > of("חלב עיזים")["חלב"] > of("חלב קוקוס")["חלב"]


def test_a_product_without_a_part_comes_after_the_plain_one():
    for plain, without in (("חלב עיזים", "חלב נטול לקטוז"), ("קורנפלקס ביו", "קורנפלקס ללא גלוטן")):
        word = plain.split()[0]
        assert of(word)[word] > of(without)[word]
        assert of(plain)[word] >= of(without)[word]


def test_what_a_product_is_without_is_no_kind_of_it():
    assert of("סוכר לבן")["סוכר"] > 3 * of("מסטיק ללא סוכר")["סוכר"]


def test_a_word_of_some_names_weighs_its_share():
    assert of("חלב תנובה", "חלב")["תנובה"] == of("חלב תנובה")["תנובה"] / 2


def test_sizes_and_percentages_are_words():
    assert {"3%", "1500ml", "12pieces"} <= set(of("חלב 3% 1.5 ליטר", "ביצים 12 יח"))


def test_popularity_is_a_factor_that_cannot_turn_a_compound_into_the_thing():
    popular, plain = of("שוקולד חלב", popularity=20), of("חלב")
    assert of("חלב", popularity=8)["חלב"] > plain["חלב"] > popular["חלב"]


@given(st.lists(st.tuples(st.text(max_size=60), st.text(max_size=30)), min_size=1, max_size=4))
def test_any_names_have_finite_weights_and_bounded_words(names: list[tuple[str, str]]):
    found = weights([ChainName(*name) for name in names], 12)
    assert all(0 < weight < 2 for weight in found.values())
    assert all(0 < len(word) <= LONGEST_WORD for word in found)
