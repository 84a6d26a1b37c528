"""Patterns of authors who are not heard: an address, ``*@domain`` or ``/regex/`` (google-re2)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import structlog

from bot.core.addresses import Address, domain_of, fold, is_deliverable
from bot.core.errors import UserError
from bot.core.text import Text

log = structlog.get_logger()


def normal_form(pattern: str) -> str:
    """The pattern as it is stored and compared. Raises UserError if it means nothing."""
    pattern = pattern.strip()
    if _is_expression(pattern):
        if _compiled(pattern) is None:
            raise UserError(Text("{pattern} is not a regular expression that can be used", pattern=pattern))
        return pattern
    folded = fold(pattern)
    # Any local part will do for the check of *@domain
    example = folded.replace("*", "x", 1) if _is_domain(folded) else folded
    if "*" not in example and is_deliverable(example) and not _is_expression(folded):
        return folded
    raise UserError(
        Text("{pattern} is not a pattern: give an address, *@domain or /regular expression/", pattern=pattern)
    )


def names_many(pattern: str) -> bool:
    """Whether a pattern in its normal form may concern more than one address."""
    return _is_domain(pattern) or _is_expression(pattern)


def lone(address: Address) -> Address:
    """The address, as a pattern of itself alone.

    An author chooses their address: it may be written like a pattern of others.

    Raises:
        UserError: it is written like one, or is no address that mail could come from.
    """
    if names_many(address) or not is_deliverable(address):
        raise UserError(Text("{address} is not a plain address, so nothing was changed", address=address))
    return address


def matches(pattern: str, address: Address) -> bool:
    """Whether a stored pattern concerns this (folded) address; one that cannot be read concerns nobody."""
    if _is_expression(pattern):
        expression = _compiled(pattern)
        if expression is None:
            log.warning("ban that cannot be read", pattern=pattern)
        return expression is not None and expression.search(address) is not None
    if _is_domain(pattern):
        return domain_of(address) == pattern[2:]
    return address == pattern


def _is_expression(pattern: str) -> bool:
    return len(pattern) > 2 and pattern.startswith("/") and pattern.endswith("/")


def _is_domain(pattern: str) -> bool:
    return pattern.startswith("*@")


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:  # noqa: ANN401 - re2 has no types
    """The expression between the slashes; None if it is none."""
    import re2

    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    try:
        return re2.compile(pattern[1:-1], options)
    except re2.error:
        return None
