"""Nouns, ports and errors; pure: the standard library and pydantic."""
