"""Reading what imaplib makes of FETCH and SEARCH answers (RFC 3501 sections 7.2.5 and 7.4.2).

A FETCH answer is a tuple (text up to a literal, the literal) for each literal, and bytes for what
stands behind the last one. Servers put UID before or behind the body, answer in any order, and mix
in flag changes of mails that nobody asked for; so a body counts only with the UID of its own answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeAlias

Item: TypeAlias = "tuple[bytes, bytes] | bytes | None"

_START = re.compile(rb"\d+ \(")
_UID = re.compile(rb"\bUID (\d+)", re.IGNORECASE)
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)", re.IGNORECASE)
_BODY_LITERAL = re.compile(rb"\bBODY\[\] \{\d+\}$", re.IGNORECASE)
_BODY_QUOTED = re.compile(rb'\bBODY\[\] "((?:[^"\\]|\\.)*)"', re.IGNORECASE)


def bodies(answer: Sequence[Item]) -> dict[int, bytes]:
    """The raw mail of each UID that came with a body."""
    found: dict[int, bytes] = {}
    for text, literal in _responses(answer):
        uid, quoted = _UID.search(text), _BODY_QUOTED.search(text)
        if uid and literal is not None:
            found[int(uid[1])] = literal
        elif uid and quoted:
            found[int(uid[1])] = re.sub(rb"\\(.)", rb"\1", quoted[1])
    return found


def sizes(answer: Sequence[Item]) -> dict[int, int]:
    """RFC822.SIZE of each UID, in octets."""
    found: dict[int, int] = {}
    for text, _ in _responses(answer):
        uid, size = _UID.search(text), _SIZE.search(text)
        if uid and size:
            found[int(uid[1])] = int(size[1])
    return found


def numbers(answer: Sequence[Item]) -> list[int]:
    """The UIDs of a SEARCH answer, ascending; servers may spread them over several lines."""
    words = b" ".join(item for item in answer if isinstance(item, bytes)).split()
    return sorted({int(word) for word in words if word.isdigit()})


def _responses(answer: Sequence[Item]) -> Iterator[tuple[bytes, bytes | None]]:
    """Each FETCH response: its text, literals left out, and the literal that is its BODY[]."""
    text, body = b"", None
    for item in answer:
        part, literal = item if isinstance(item, tuple) else (item or b"", None)
        if _START.match(part):
            yield text, body
            text, body = b"", None
        text += part
        if literal is not None and _BODY_LITERAL.search(part):
            body = literal
    yield text, body
