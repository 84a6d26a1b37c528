"""Octets as text, whatever their charset is said to be."""

from __future__ import annotations

import codecs

_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
"""Codecs of Python that no mail uses; `punycode` takes minutes for a text that wants it to."""


def in_charset(octets: bytes, charset: str) -> str:
    """The octets as text in the charset that a mail names.

    Raises:
        LookupError: there is no such charset.
        ValueError: the octets are not in it (UnicodeError), or its name is impossible.
    """
    name = codecs.lookup(charset).name.replace("_", "-")
    if name in _NO_CHARSETS:
        raise LookupError(charset)
    if name == "iso8859-1":  # many programs say so of cp1252, and nobody writes C1 controls
        return octets.decode("cp1252", "replace")
    return octets.decode(charset)


def undeclared(octets: bytes) -> str:
    """Octets of which no charset is known: UTF-8 if they can be, else cp1252, where nothing fails."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("cp1252", "replace")
