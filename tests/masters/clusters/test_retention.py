"""Words that chains retain, learned from barcodes."""

from __future__ import annotations

import numpy as np

from gogobe.masters.clusters.retention import learn_retention
from gogobe.masters.snapshot.lexicon import bucket_of
from tests.masters.clusters.names import facts_of

FLAVOURS = ("תפוח", "נענע", "אפרסק", "לימון", "ענבים", "תות", "מנגו", "אגס")


def test_a_word_that_one_chain_leaves_out_and_one_that_none_does() -> None:
    names = [name for flavour in FLAVOURS for name in (f"סודה {flavour} מותגי", f"סודה בטעם {flavour}")]
    gtins = np.repeat(np.arange(1, len(FLAVOURS) + 1), 2)
    retained = learn_retention(facts_of(names), gtins)
    soda, brand, unseen = (
        retained[bucket_of(facts_of([word]).forms()[0, :1])][0] for word in ("סודה", "מותגי", "חציל")
    )
    assert soda > unseen > brand > 0


def test_names_without_a_barcode_and_barcodes_of_one_name_teach_nothing() -> None:
    assert not learn_retention(facts_of(["סודה", "סודה תפוח", "מים"]), np.array([0, 0, 7])).any()
    assert not learn_retention(facts_of([]), np.zeros(0, dtype=np.int64)).any()
