"""Patterns of authors who are not heard: an address, ``*@domain`` or ``/regex/`` (google-re2)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from bot.core.addresses import Address, domain_of, fold, is_deliverable
from bot.core.errors import UserError
from bot.core.text import Text


def normal_form(pattern: str) -> str:
    """The pattern as it is stored and compared. Raises UserError if it means nothing."""
    pattern = pattern.strip()
    if len(pattern) > 2 and pattern.startswith("/") and pattern.endswith("/"):
        _compiled(pattern)
        return pattern
    folded = fold(pattern)
    # Any local part will do for the check of *@domain
    example = folded.replace("*", "x", 1) if folded.startswith("*@") else folded
    if "*" not in example and is_deliverable(example):
        return folded
    raise UserError(
        Text("{pattern} is not a pattern: give an address, *@domain or /regular expression/", pattern=pattern)
    )


def matches(pattern: str, address: Address) -> bool:
    """Whether a stored pattern concerns this (folded) address."""
    if pattern.startswith("/"):
        return _compiled(pattern).search(address) is not None
    if pattern.startswith("*@"):
        return domain_of(address) == pattern[2:]
    return address == pattern


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:  # noqa: ANN401 - re2 has no types
    import re2

    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    try:
        return re2.compile(pattern[1:-1], options)
    except re2.error:
        raise UserError(
            Text("{pattern} is not a regular expression that can be used", pattern=pattern)
        ) from None
