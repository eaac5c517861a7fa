"""Gogobe: from the price files that supermarkets must publish to a live, comparable price database.

`docs/architecture.md` draws the packages and the way of one file through them. `make lint` checks which
package may import which (`[tool.importlinter]` in pyproject.toml).
"""
