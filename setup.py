"""Beam stages the package to its workers with `--setup_file`; all metadata stands in pyproject.toml."""

from setuptools import setup

setup()
