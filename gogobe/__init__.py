"""Gogobe: from the price files supermarkets must publish to a live, comparable price database."""
