"""Sheets of people: reading files of every common kind, and fetching them."""
