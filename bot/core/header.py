"""The header of a mail as raw fields, in order, byte for byte (RFC 5322 section 2.2).

Bytes that are not edited are never touched: `email` is used to *read* values, never to write a
mail, because its generators change bodies and headers of mail that is slightly wrong.
"""

from __future__ import annotations

import email.errors
import email.header
import email.utils
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.core.addresses import Mailbox, fold

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r|\Z)")
_NAME = re.compile(rb"[\x21-\x39\x3b-\x7e]+[ \t]*:")
_EMPTY_LINE = re.compile(rb"(\A|\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_NOT_A_FOLD = re.compile(rb"(?:\r\n|\n|\r)(?![ \t])")
_ENCODED_WORD = re.compile(r"=\?[^?\s]+\?[bqBQ]\?[^?]*\?=")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_ADDRESS_FIELD_LIMIT = 200_000
"""Octets of an address field that are read: a header of megabytes must not stop intake."""


@dataclass(frozen=True, slots=True)
class Header:
    """Raw fields in order; each keeps its name, folds and last line end as they came."""

    fields: tuple[bytes, ...]

    def all(self, name: str) -> list[str]:
        """Every value of the field `name`, unfolded and decoded (RFC 2047), top to bottom."""
        return [decoded(_text(_value(field))) for field in self._named(name)]

    def first(self, name: str) -> str:
        """The first value of `name`, unfolded and decoded; empty if the field is missing."""
        return next((decoded(_text(_value(field))) for field in self._named(name)), "")

    def raw(self, name: str) -> bytes | None:
        """The first value of `name` as it came, with its folds and encoded words; or None."""
        return next((field.partition(b":")[2].strip(b" \t\r\n") for field in self._named(name)), None)

    def has(self, name: str) -> bool:
        """Whether there is such a field at all."""
        return any(True for _ in self._named(name))

    def mailboxes(self, name: str) -> list[Mailbox]:
        """Every mailbox of every field `name`, group syntax taken apart (RFC 5322 section 3.4)."""
        values = [_text(_value(field)[:_ADDRESS_FIELD_LIMIT]) for field in self._named(name)]
        return [
            Mailbox(decoded(display), fold(address))
            for display, address in _parsed_addresses(values)
            if "@" in address
        ]

    def date(self) -> datetime | None:
        """The Date field in UTC; None if it is missing, unreadable or absurd."""
        try:
            moment = email.utils.parsedate_to_datetime(self.first("date"))
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None

    def edited(self, *, remove: Iterable[str] = (), add: Sequence[tuple[str, str | bytes]] = ()) -> Header:
        """Without the fields of `remove` and with those of `add`, which replace their namesakes.

        A replaced field keeps the place of the first one it replaces, a new one goes to the end;
        `add` may name a field several times. A value is ASCII text or bytes that came by mail, its
        line ends all folds, otherwise ValueError: no value can start a field of its own (header
        injection).
        """
        fresh: dict[str, list[bytes]] = {}
        for name, value in add:
            fresh.setdefault(name.lower(), []).append(_field(name, value))
        gone = {name.lower() for name in remove}
        kept: list[bytes] = []
        for field in self.fields:
            name = _name(field)
            if name in fresh:
                kept += fresh.pop(name)
                gone.add(name)
            elif name not in gone:
                kept.append(field)
        return Header((*kept, *(field for fields in fresh.values() for field in fields)))

    def without(self, unwanted: Collection[bytes]) -> Header:
        """Without these very fields, named by their bytes."""
        return Header(tuple(field for field in self.fields if field not in unwanted))

    def raw_fields(self, name: str) -> list[bytes]:
        """Every field `name`, whole, as it came."""
        return list(self._named(name))

    def appended(self, name: str, value: str) -> Header:
        """With one more field at the end; its namesakes stay."""
        return Header((*self.fields, _field(name, value)))

    def to_bytes(self) -> bytes:
        """Every field with CRLF line ends, and the empty line that ends a header."""
        junk_last = sorted(self.fields, key=lambda field: not _NAME.match(field))
        lines = (_LINE_END.sub(b"\r\n", field.rstrip(b"\r\n")) + b"\r\n" for field in junk_last)
        return b"".join(lines) + b"\r\n"

    def _named(self, name: str) -> Iterator[bytes]:
        return (field for field in self.fields if _name(field) == name.lower())


def split(raw: bytes) -> tuple[Header, bytes]:
    """A raw mail as its header and its body.

    The body is what follows the first empty line, whatever stands before it; no empty line = empty
    body. Lines of the header that are no field ("From " of an mbox, junk of a broken gateway) are
    dropped; only in a mail without any empty line, where they may be all that somebody wrote, they
    are kept, behind the fields.
    """
    empty_line = _EMPTY_LINE.search(raw)
    head = raw[: empty_line.end(1)] if empty_line else raw
    body = raw[empty_line.end() :] if empty_line else b""
    starts = [
        (match.start(), bool(_NAME.match(match[0])))
        for match in _LINE.finditer(head)
        if match[0] and (match[0][:1] not in b" \t" or not match.start())
    ]
    ends = [*(start for start, _ in starts[1:]), len(head)]
    fields = [head[start:end] for (start, named), end in zip(starts, ends, strict=True) if named]
    junk = [head[start:end] for (start, named), end in zip(starts, ends, strict=True) if not named]
    return Header(tuple(fields if empty_line else fields + junk)), body


def encoded(text: str) -> str:
    """`text` as an unstructured header value: ASCII as it is, the rest in encoded words (RFC 2047)."""
    clean = " ".join(text.split())
    if clean.isascii() and clean.isprintable():
        return clean
    return email.header.Header(clean, "utf-8", maxlinelen=75).encode(linesep="")


def readable(text: str) -> str:
    """Without control characters and lone surrogates, which no database column or chat can show."""
    return _CONTROL.sub("\ufffd", text)


def _name(field: bytes) -> str:
    name, colon, _ = field.partition(b":")
    return name.rstrip(b" \t").decode("ascii", "replace").lower() if colon else ""


def _value(field: bytes) -> bytes:
    return _LINE_END.sub(b"", field.partition(b":")[2]).strip(b" \t")


def _field(name: str, value: str | bytes) -> bytes:
    octets = value.encode("ascii") if isinstance(value, str) else value
    if _NOT_A_FOLD.search(octets):
        raise ValueError(name)
    folded = octets.replace(b"?= =?", b"?=\r\n =?")  # RFC 2047 section 2: one encoded word a line
    return name.encode("ascii") + b": " + folded + b"\r\n"


def _text(value: bytes) -> str:
    """Raw 8-bit header bytes (RFC 6532 or simply wrong) as text: UTF-8, else cp1252."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace")


def decoded(text: str) -> str:
    """`text` with its encoded words read (RFC 2047); what cannot be read stays as it was written."""
    if _ENCODED_WORD.search(text):
        try:
            text = str(email.header.make_header(email.header.decode_header(text)))
        except (email.errors.MessageError, LookupError, ValueError):
            pass  # an encoded word that cannot be read is shown as it was written
    return readable(text)


def _parsed_addresses(values: list[str]) -> list[tuple[str, str]]:
    try:
        return email.utils.getaddresses(values, strict=False)
    except TypeError:  # Python before 3.11.10 has no `strict` and was never strict
        return email.utils.getaddresses(values)
    except (ValueError, IndexError):
        return []
