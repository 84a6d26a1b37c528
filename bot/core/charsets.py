"""Octets as text, whatever their charset is said to be."""

from __future__ import annotations

import codecs
import re

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


def decoded_sheet(octets: bytes) -> str | None:
    """The text of a sheet that somebody saved, in whatever charset their program uses; None if it is none."""
    mark = next((mark for mark in _MARKS if octets.startswith(mark)), b"")
    if mark:
        text = octets[len(mark) :].decode(_MARKS[mark], "replace")
    elif octets[1:2] == b"\0" or octets[:1] == b"\0":  # UTF-16 without its mark
        text = octets.decode("utf-16-le" if octets[1:2] == b"\0" else "utf-16-be", "replace")
    else:
        text = undeclared(octets)
    return None if _NOT_TEXT.search(text) else text


_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
"""What stands at the beginning of a file, and the charset that it announces."""
_NOT_TEXT = re.compile(r"[\0-\x08\x0e-\x1a\x1c-\x1f]")
