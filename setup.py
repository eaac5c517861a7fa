"""Beam stages the package to its workers with `--setup_file`; all metadata is in pyproject.toml."""

from setuptools import setup

setup()
