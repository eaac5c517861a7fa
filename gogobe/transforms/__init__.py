"""Beam PTransforms and DoFns, thin shells over plain functions."""
