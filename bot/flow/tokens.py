"""Words that nobody can guess, by which a mail of ours is known again when it is answered or comes back."""

from __future__ import annotations

import re
import secrets

from bot.core.header import Header

_OCTETS = 10
_LENGTH = 2 * _OCTETS
_FORWARDED = re.compile(r"\s*(fwd?|tr|i)\s*:", re.IGNORECASE)
_ANSWERED_FIELDS = ("in-reply-to", "references")


def fresh() -> str:
    """80 bits of chance in hexadecimal."""
    return secrets.token_hex(_OCTETS)


def message_id(kind: str, token: str, domain: str) -> str:
    """The Message-ID of a mail that is known by the token."""
    return f"<facteur-{kind}-{token}@{domain}>"


def in_subject(kind: str, token: str) -> str:
    """As it stands in a subject, for programs that keep no Message-ID."""
    return f"[{kind}-{token}]"


def answered(header: Header, kind: str) -> str:
    """The token of the mail that this one answers (RFC 5322 section 3.6.4); empty if it answers none.

    A mail that is forwarded keeps the subject, and answers nothing.
    """
    for name in _ANSWERED_FIELDS:
        if found := _last(kind, header.first(name)):
            return found
    return "" if _FORWARDED.match(header.first("subject")) else _of_subject(kind, header)


def carried(header: Header, kind: str) -> str:
    """The token of this very mail; empty if it has none. Some relays give a Message-ID of their own."""
    return _last(kind, header.first("message-id")) or _of_subject(kind, header)


def _of_subject(kind: str, header: Header) -> str:
    found = re.search(rf"\[{kind}-([0-9a-f]{{{_LENGTH}}})\]", header.first("subject"))
    return found[1] if found else ""


def _last(kind: str, ids: str) -> str:
    """Of the Message-IDs in a field, the last one names what is answered."""
    last = ids.strip().rpartition("<")[2]
    found = re.match(rf"facteur-{kind}-([0-9a-f]{{{_LENGTH}}})@", last)
    return found[1] if found else ""
