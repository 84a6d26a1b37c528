"""A mail taken apart (RFC 2046): found in its raw octets, which are never copied as a whole.

The email package makes an object of each line and each part, which costs ten times the mail and, for
mails made to be expensive, minutes. Here the raw octets are searched once for boundaries, so that time
and memory are bounded by their number, whatever they hold. What a part's fields say is read by `email`.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from email.message import Message
from itertools import takewhile

from bot.core.charsets import undeclared
from bot.core.header import Header

# What it may cost to take a mail apart; what lies beyond is not looked at
PARTS_LIMIT = 500
DEPTH_LIMIT = 30
_DASHED_LINES = 50_000
_PART_HEADER_OCTETS = 50_000
_PART_FIELDS = 100
_FIELD_OCTETS = 5_000
_PARAMETERS = 50
_DELIMITER_OCTETS = 250
_UUENCODED_OCTETS = 1_000_000

PARSE_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What the email package raises on mail that is wrong enough."""

_NAMES = ("content-type", "content-disposition", "content-transfer-encoding")
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:([^\r\n]*(?:(?:\r\n|\n|\r)[ \t][^\r\n]*)*+)(?:\r\n|\n|\r|\Z)")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_CONTENT_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Part:
    """A part that holds content: an enclosed mail too, as people see it."""

    content_type: str
    """Lower case; what announces parts and has none is read as text."""
    charset: str
    """As it is declared, in lower case; empty if it is not."""
    file_name: str
    """As it was written, with its encoded words; empty if there is none."""
    encoding: str
    is_attachment: bool
    """Whether it is something else than text that is shown with the mail."""
    raw: memoryview = field(repr=False)
    """The content as it was sent."""
    header_at: int
    start: int
    """Where its own header begins in the body of the mail, and where its content does."""

    @property
    def size_octets(self) -> int:
        """Of the decoded content."""
        return len(self.content()) if self.encoding in _DECODERS else len(self.raw)

    def content(self) -> bytes:
        """All of it, decoded."""
        return _DECODERS.get(self.encoding, bytes)(self.raw)

    def beginning(self, limit: int) -> bytes:
        """At most `limit` octets, decoded, cut behind a line, where no charset has half a character."""
        # quoted-printable needs three octets for one
        content = replace(self, raw=self.raw[: 3 * limit + 3]).content()
        if len(content) <= limit:
            return content
        return content[: content.rfind(b"\n", 0, limit) + 1] or content[:limit]


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of taking a mail apart: its parts in order; `whole` = there are no others.

    `signed`: where in the body octets stand for which a signature beside them vouches (RFC 1847), and
    what else is in the same multipart.
    """

    parts: tuple[Part, ...]
    whole: bool
    signed: tuple[slice, ...]


def take_apart(header: Header, body: bytes) -> Taken:
    """A mail: its header says what the body is, wherever the body began. Never fails on odd mail."""
    return _Taking(body).done(_described((name, header.raw(name)) for name in _NAMES))


class _Taking:
    """The multiparts that are open at a place in the body, and the parts that ended before it."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._view = memoryview(body)
        self._parts: list[Part] = []
        self._whole = True
        self._open: list[tuple[bytes, str, int]] = []
        """The delimiter and the content type of each, and where it began; outermost first."""
        self._fields: Message | None = None
        """Of what is under way since `_start`; None between the end of a multipart and what follows."""
        self._start = 0
        self._header_at = 0
        self._signed: list[slice] = []
        self._before_parts = False
        """A multipart is under way, and no part of it has begun."""

    def done(self, fields: Message) -> Taken:
        self._begin(fields, 0, 0)
        for at in self._dashed_lines():
            if len(self._parts) == PARTS_LIMIT:
                self._whole = False
                self._fields = None
                break
            self._pass(at)
        self._end(len(self._body))
        self._close(0, len(self._body))
        return Taken(tuple(self._parts), self._whole, tuple(self._signed))

    def _begin(self, fields: Message, header_at: int, start: int) -> None:
        self._fields, self._header_at, self._start = fields, header_at, start
        delimiter = _delimiter(fields)
        self._before_parts = bool(delimiter) and len(self._open) < DEPTH_LIMIT
        if self._before_parts:
            self._open.append((delimiter, fields.get_content_type(), start))
        elif delimiter:
            self._whole = False

    def _end(self, end: int) -> None:
        if self._fields is not None:
            raw = self._view[self._start : max(self._start, end)]
            self._parts.append(_part(self._fields, raw, self._header_at, self._start))
        self._fields = None

    def _close(self, level: int, end: int) -> None:
        """The multiparts from this level on hold nothing more."""
        self._signed += [
            slice(start, end) for _, kind, start in self._open[level:] if kind == "multipart/signed"
        ]
        del self._open[level:]

    def _pass(self, at: int) -> None:
        """A line that may end parts, and begin the next one."""
        line = _LINE_END.split(self._body[at : at + 2 * _DELIMITER_OCTETS], maxsplit=1)[0].rstrip(b" \t")
        written = (line, line.removesuffix(b"--"))
        level = next((n for n in reversed(range(len(self._open))) if self._open[n][0] in written), -1)
        if level < 0:
            return
        delimiter, parent, _ = self._open[level]
        if self._before_parts and level == len(self._open) - 1:
            self._fields = None  # what stands before the first part is shown to nobody
        self._end(at - (2 if self._body.startswith(b"\r\n", at - 2) else 1))
        if line == delimiter:
            self._close(level + 1, at)
            after = _LINE_END.search(self._body, at)
            header_at = after.end() if after else len(self._body)
            self._begin(*_part_header(self._body, header_at, parent))
        else:
            self._close(level, at)

    def _dashed_lines(self) -> Iterator[int]:
        """Where lines begin with ``--``, as delimiters do; no more once no multipart is open."""
        if self._open and self._body.startswith(b"--"):
            yield 0
        ahead = {mark: self._body.find(mark) for mark in (b"\n--", b"\r--")}
        for _ in range(_DASHED_LINES):
            found = [(at, mark) for mark, at in ahead.items() if at >= 0]
            if not found or not self._open:
                return
            at, mark = min(found)
            yield at + 1
            ahead[mark] = self._body.find(mark, at + 1)
        self._whole = False


def _part_header(body: bytes, header_at: int, parent: str) -> tuple[Message, int, int]:
    """A part's fields, where they begin, and where its content does: the empty line may be missing."""
    start = header_at
    end = min(start + _PART_HEADER_OCTETS, len(body))
    fields: list[tuple[str, bytes]] = []
    for _ in range(_PART_FIELDS):
        if not (found := _FIELD.match(body, start, end)):
            break
        fields.append((found[1].decode("ascii").lower(), found[2]))
        start = found.end()
    empty_line = _LINE_END.match(body, start)
    described = _described(fields)
    if parent == "multipart/digest":
        described.set_default_type("message/rfc822")  # RFC 2046 section 5.1.5
    return described, header_at, empty_line.end() if empty_line else start


def _described(fields: Iterable[tuple[str, bytes | None]]) -> Message:
    """Of these fields the first of each name that says something about content."""
    described = Message()
    for name, value in fields:
        if value is not None and name in _NAMES and name not in described:
            parameters = _LINE_END.sub(b"", value[:_FIELD_OCTETS]).split(b";", _PARAMETERS)[:_PARAMETERS]
            # the email package would lose raw 8-bit octets, so they are decoded before
            described[name] = undeclared(b";".join(parameters).strip())
    return described


def _part(fields: Message, raw: memoryview, header_at: int, start: int) -> Part:
    content_type = fields.get_content_type()
    if content_type.startswith("multipart/"):
        content_type = "text/plain"
    elif not _CONTENT_TYPE.fullmatch(content_type):
        content_type = "application/octet-stream"
    file_name = _parameter(lambda: fields.get_filename(""))
    return Part(
        content_type,
        _parameter(lambda: fields.get_content_charset("")),
        file_name,
        str(fields.get("content-transfer-encoding", "")).strip().lower(),
        bool(file_name)
        or fields.get_content_disposition() == "attachment"
        or content_type not in {"text/plain", "text/html"},
        raw,
        header_at,
        start,
    )


def _delimiter(fields: Message) -> bytes:
    """What stands before each part of a multipart; empty for what is none, or does not say."""
    if fields.get_content_maintype() != "multipart":
        return b""
    delimiter = f"--{_parameter(lambda: fields.get_boundary(''))}".encode("utf-8", "replace")
    return delimiter if 2 < len(delimiter) <= _DELIMITER_OCTETS else b""


def _parameter(read: Callable[[], str | None]) -> str:
    """What the email package makes of a parameter; nothing where it stumbles over how it is written."""
    try:
        return read() or ""
    except PARSE_ERRORS:
        return ""


def _from_base64(raw: memoryview) -> bytes:
    """As far as it can be read: what was cut off, or lost its padding, lacks at most its last octets."""
    try:
        return binascii.a2b_base64(raw)
    except binascii.Error:
        pass
    for missing, superfluous in ((b"=", 0), (b"==", 0), (b"A==", 1)):
        try:
            octets = binascii.a2b_base64(bytes(raw) + missing)
        except binascii.Error:
            continue
        return octets[: len(octets) - superfluous]
    return bytes(raw)


def _from_uuencoded(raw: memoryview) -> bytes:
    """The lines between ``begin`` and ``end`` that can be read; as it was written if there are none.

    Nobody writes this any more, and it costs some time for each line: only a beginning is read.
    """
    octets = bytes(raw[:_UUENCODED_OCTETS])
    lines = iter(octets.splitlines())
    if not any(line.startswith(b"begin ") for line in lines):
        return bytes(raw)
    decoded = []
    for line in takewhile(lambda each: each.strip() != b"end", lines):
        try:
            decoded.append(binascii.a2b_uu(line))
        except binascii.Error:
            continue
    return b"".join(decoded)


_DECODERS: Mapping[str, Callable[[memoryview], bytes]] = {
    "base64": _from_base64,
    "quoted-printable": binascii.a2b_qp,
    **dict.fromkeys(("x-uuencode", "uuencode", "x-uue", "uue"), _from_uuencoded),
}
"""By content-transfer-encoding (RFC 2045 section 6); all others are the content itself."""
