"""The header of a mail as raw fields, in order, byte for byte (RFC 5322 section 2.2).

Bytes that are not edited are never touched: `email` is used to *read* values, never to write a
mail, because its generators change bodies and headers of mail that is slightly wrong.
"""

from __future__ import annotations

import binascii
import email.header
import email.utils
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import cast

from bot.core.addresses import Mailbox, fold
from bot.core.charsets import in_charset, undeclared

_FIELD = re.compile(rb"[^\r\n]*(?:(?:\r\n|\n|\r)[ \t][^\r\n]*)*+(?:\r\n|\n|\r)?")
_NAME = re.compile(rb"[\x21-\x39\x3b-\x7e]+[ \t]*:")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_NOT_A_FOLD = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?![ \t])")
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bq])\?(.{0,1000}?)\?=", re.IGNORECASE)
_QUOTED_OCTET = re.compile(rb"=([0-9a-f]{2})", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
LONG_LINE = 900
"""Octets, of the 998 of RFC 5322 section 2.1.1: no name of ours is longer than the rest."""

# A header of megabytes must not stop intake: what lies beyond these limits is not read.
FIELDS_LIMIT = 2_000
HEADER_OCTETS = 4_000_000
_VALUE_OCTETS = 50_000
ADDRESS_FIELDS = 10
ADDRESSES_OCTETS = 30_000


@dataclass(frozen=True, slots=True)
class Header:
    """Raw fields in order; each keeps its name, folds and last line end as they came.

    `cut`: more followed in the mail than is read of any header (`FIELDS_LIMIT`, `HEADER_OCTETS`).
    """

    fields: tuple[bytes, ...]
    cut: bool = False

    def all(self, name: str) -> list[str]:
        """Every value of the field `name`, unfolded and decoded (RFC 2047), top to bottom."""
        return [decoded(undeclared(_value(field))) for field in self._named(name)]

    def first(self, name: str) -> str:
        """The first value of `name`, unfolded and decoded; empty if the field is missing."""
        return next((decoded(undeclared(_value(field))) for field in self._named(name)), "")

    def raw(self, name: str) -> bytes | None:
        """The first value of `name` as it came, with its folds and encoded words; or None."""
        return next((field.partition(b":")[2].strip(b" \t\r\n") for field in self._named(name)), None)

    def has(self, name: str) -> bool:
        """Whether there is such a field at all."""
        return any(True for _ in self._named(name))

    def mailboxes(self, name: str) -> list[Mailbox]:
        """Every mailbox of the fields `name`, each address once, in order (RFC 5322 section 3.4).

        Group syntax is taken apart; a field that cannot be read at all gives nothing, nor does what
        stands beyond `ADDRESSES_OCTETS`.
        """
        return list(_mailboxes(tuple(self._named(name))))

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
        unwanted = frozenset(unwanted)
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
        return b"".join(with_crlf(field.rstrip(b"\r\n")) + b"\r\n" for field in junk_last) + b"\r\n"

    def _named(self, name: str) -> Iterator[bytes]:
        return (field for field in self.fields if _name(field) == name.lower())


def split(raw: bytes) -> tuple[Header, bytes]:
    """A raw mail as its header and its body.

    The body is what follows the first empty line, whatever stands before it; no empty line = empty
    body. Lines of the header that are no field ("From " of an mbox, junk of a broken gateway) are
    dropped; only in a mail without any empty line, where they may be all that somebody wrote, they
    are kept, behind the fields, without blanks before them: they continue none of those. Of a header
    beyond all measure only the beginning is read (`Header.cut`).
    """
    end, begins = _empty_line(raw)
    head = raw[: min(end, HEADER_OCTETS)]
    lines: list[bytes] = []
    read = 0
    while read < len(head) and len(lines) <= FIELDS_LIMIT:
        line = cast("re.Match[bytes]", _FIELD.match(head, read))
        lines.append(line[0])
        read = line.end()
    cut = read < end or len(lines) > FIELDS_LIMIT
    if cut:
        lines.pop()  # perhaps half of it
    fields = [line for line in lines if _NAME.match(line)]
    if end == begins:
        fields += [junk for line in lines if not _NAME.match(line) and (junk := line.lstrip(b" \t\r\n"))]
    return Header(tuple(fields), cut), raw[begins:]


def _empty_line(raw: bytes) -> tuple[int, int]:
    """Where the header ends, and where the body begins; both at the end if no line is empty."""
    if raw.startswith((b"\r", b"\n")):
        end = 0
    else:
        end, searched = len(raw), len(raw)
        for pair in (b"\n\r", b"\n\n", b"\r\r"):  # two line ends in a row, of any kind
            if (found := raw.find(pair, 0, searched)) >= 0:
                end, searched = found + 1, found + 1
    if end == len(raw):
        return end, end
    return end, end + (2 if raw.startswith(b"\r\n", end) else 1)


def encoded(text: str) -> str:
    """`text` as an unstructured header value: ASCII as it is, else folded encoded words (RFC 2047).

    Blanks and line ends become single blanks. What looks like an encoded word is encoded too, so
    that a reader sees it as it is written here.
    """
    clean = readable(" ".join(text.split()))
    if clean.isascii() and clean.isprintable() and "=?" not in clean:
        return clean
    return email.header.Header(clean, "utf-8", maxlinelen=75).encode(linesep="\r\n")


def decoded(text: str) -> str:
    """`text` with its encoded words read (RFC 2047); what cannot be read stays as it was written."""
    if "=?" not in text:
        return readable(text)
    # Words of one charset belong together: many programs cut a character in two
    runs = groupby(_words(text), key=lambda word: word[0])
    return readable("".join(_run(charset, list(words)) for charset, words in runs))


def with_crlf(octets: bytes) -> bytes:
    """With every line end, bare CR and bare LF too, made CRLF."""
    pairs = octets.count(b"\r\n")
    if octets.count(b"\r") == pairs == octets.count(b"\n"):  # a large mail need not be copied
        return octets
    return octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def readable(text: str) -> str:
    """Without control characters and lone surrogates, which no database column or chat can show."""
    return _CONTROL.sub("\ufffd", text)


def _name(field: bytes) -> str:
    name, colon, _ = field.partition(b":")
    return name.rstrip(b" \t").decode("ascii", "replace").lower() if colon else ""


def _value(field: bytes) -> bytes:
    """Unfolded, the beginning of what is too long."""
    return _LINE_END.sub(b"", field.partition(b":")[2][:_VALUE_OCTETS]).strip(b" \t")


def _field(name: str, value: str | bytes) -> bytes:
    octets = value.encode("ascii") if isinstance(value, str) else value
    if _NOT_A_FOLD.search(octets):
        raise ValueError(name)
    # A long first line moves down as a whole, so that a longer name makes none of over 998 octets
    long = len(_LINE_END.split(octets, 1)[0]) > LONG_LINE
    return name.encode("ascii") + (b":\r\n " if long else b": ") + octets + b"\r\n"


def _words(text: str) -> Iterator[tuple[str, bytes, str]]:
    """Charset, octets and writing of each encoded word; "" as the charset of what stands between.

    Blanks between two encoded words are not part of the text (RFC 2047 section 6.2).
    """
    end = 0
    for word in _ENCODED_WORD.finditer(text):
        between = text[end : word.start()]
        if between.strip() or not end:
            yield "", b"", between
        end = word.end()
        charset, _, _language = word[1].partition("*")  # RFC 2231 section 5
        try:
            yield charset.lower(), _octets(word[2], word[3]), word[0]
        except ValueError:
            yield "", b"", word[0]
    yield "", b"", text[end:]


def _octets(encoding: str, payload: str) -> bytes:
    if encoding in "bB":
        return binascii.a2b_base64(payload + "==")
    spaced = payload.replace("_", " ").encode()
    return _QUOTED_OCTET.sub(lambda match: bytes([int(match[1], 16)]), spaced)


def _run(charset: str, words: list[tuple[str, bytes, str]]) -> str:
    octets = b"".join(word[1] for word in words)
    try:
        return in_charset(octets, charset) if charset else "".join(word[2] for word in words)
    except UnicodeError:
        return octets.decode("utf-8", "replace") if charset == "utf-8" else undeclared(octets)
    except (LookupError, ValueError):
        return "".join(word[2] for word in words)


@lru_cache(maxsize=32)  # one mail is asked the same again and again
def _mailboxes(fields: tuple[bytes, ...]) -> tuple[Mailbox, ...]:
    left, values = ADDRESSES_OCTETS, []
    for field in fields[:ADDRESS_FIELDS]:
        value = _value(field)
        # a cut address would be another one
        values.append(undeclared(value if len(value) <= left else value[:left].rpartition(b",")[0]))
        left = max(0, left - len(value))
    found: dict[str, Mailbox] = {}
    for display, written in _parsed_addresses(values):
        address = fold(readable(written))
        if "@" in address:
            found.setdefault(address, Mailbox(decoded(display), address))
    return tuple(found.values())


def _parsed_addresses(values: list[str]) -> list[tuple[str, str]]:
    # Since Python 3.11.10 it gives nothing at all for many a field that people can read
    lenient = {"strict": False} if getattr(email.utils, "supports_strict_parsing", False) else {}
    try:
        return email.utils.getaddresses(values, **lenient)
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return []
