"""The statistical models that matching and clustering share: logistic regression, fitted deterministically.

`logistic.fit_logistic` fits, `Logistic` gives probabilities. Training is in `evaluation`; the learned weights
are modules next to the code that uses them. numpy only.
"""
