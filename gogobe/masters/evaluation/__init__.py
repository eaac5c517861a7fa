"""Evaluation and training: precision and recall on chains that the model has not seen, and fitting of
weights.

`evaluate` and `evaluate_pairs` measure, one held-out chain at a time; `train` and `train_pairs` fit the
weights; `threshold` chooses the operating point; `audit` lists masters with inconsistent names. Nothing below
imports it; commands and `make learn` use it.
"""
