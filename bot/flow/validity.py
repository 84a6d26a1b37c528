"""Whether something typed or read in a sheet is an e-mail address."""

from __future__ import annotations

import re

from bot.core.addresses import Address, fold
from bot.core.errors import UserError
from bot.core.text import Text

_PLAIN = re.compile(
    r"[A-Za-z0-9_%+'-]+(?:\.[A-Za-z0-9_%+'-]+)*@(?:[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*\.)+[A-Za-z]{2,}"
)
"""What nearly all are, and any check would pass: in a large sheet this saves seconds."""
_SURELY_SHORT = 64
"""Octets that fit in either part of an address."""


def valid_address(text: str) -> Address:
    """`text` folded. Raises UserError if it is no e-mail address."""
    if len(text) <= _SURELY_SHORT and _PLAIN.fullmatch(text):
        return fold(text)
    from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

    SPECIAL_USE_DOMAIN_NAMES.clear()  # names such as amap.local: whether mail gets there, the relay knows
    try:
        found = validate_email(text.strip(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        raise UserError(
            Text("“{word}” is not an e-mail address, such as anne@example.org.", word=text)
        ) from None
    # IDNA 2008 (RFC 5891), as registries have it: `fold` alone would make strasse.de of straße.de
    return fold(f"{found.local_part}@{found.ascii_domain}")


def list_address(text: str) -> Address:
    """Raises UserError for what is no address, or none that every relay takes as a sender (RFC 5321)."""
    address = valid_address(text)
    if not address.isascii():
        raise UserError(
            Text("“{word}” cannot be a list's address: accents stand in the way before the @.", word=text)
        )
    return address
