"""What a person would read in a mail: derived once at intake; the raw bytes stay the truth."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Iterable, Iterator
from datetime import datetime

from bot.core.charsets import in_charset, undeclared
from bot.core.chat import File
from bot.core.header import ADDRESS_FIELDS, ADDRESSES_OCTETS, Header, decoded, readable, split
from bot.core.parts import PARSE_ERRORS, Part, take_apart
from bot.core.posts import Attachment, Cursor, NewPost, Unread
from bot.core.text import unseen
from bot.flow.markup import plain_text

_SUBJECT_LIMIT = 500
_MESSAGE_ID_LIMIT = 1_000
_AUTHOR_LIMIT = 50
_TEXT_LIMIT = 20_000
_TEXT_OCTETS = 1_000_000
"""Of all parts with text together."""
_NAME_LIMIT = 150
_EXTENSION_LIMIT = 20


def read(mlist_id: int, cursor: Cursor, raw: bytes, received_at: datetime) -> NewPost:
    """Everything that intake stores of a mail; never fails on odd mail (see `NewPost.unread`)."""
    header, body = split(raw)
    text, attachments, unread = _taken_apart(header, body)
    authors, named = header.mailboxes("from"), header.raw_fields("from")
    if (
        header.cut
        or len(authors) > _AUTHOR_LIMIT
        or len(named) > ADDRESS_FIELDS
        or sum(map(len, named)) > ADDRESSES_OCTETS
    ):
        unread = (Unread.HEADER, *unread)
    return NewPost(
        mlist_id=mlist_id,
        cursor=cursor,
        raw=raw,
        received_at=received_at,
        authors=tuple(authors[:_AUTHOR_LIMIT]),
        subject=" ".join(header.first("subject").split())[:_SUBJECT_LIMIT],
        message_id=" ".join(header.first("message-id").split())[:_MESSAGE_ID_LIMIT],
        body_sha256=hashlib.sha256(body).hexdigest(),
        text=text,
        attachments=attachments,
        unread=unread,
    )


def attached_files(raw: bytes) -> list[File]:
    """The attachments of a mail with their content, in order; none where it cannot be taken apart."""
    try:
        parts = take_apart(*split(raw)).parts
        return [File(name, part.content_type, part.content()) for name, part in _attached(parts)]
    except PARSE_ERRORS:
        return []


def _taken_apart(header: Header, body: bytes) -> tuple[str, tuple[Attachment, ...], tuple[Unread, ...]]:
    """The text, the attachments, and what of them is not known."""
    try:
        taken = take_apart(header, body)
        attachments = tuple(
            Attachment(name, part.content_type, part.size_octets) for name, part in _attached(taken.parts)
        )
        shown = [part for part in taken.parts if not part.is_attachment]
        text = _text(shown, "text/plain") or _text(shown, "text/html")
    except PARSE_ERRORS:
        return "", (), (Unread.DAMAGED,)
    return text, attachments, () if taken.whole else (Unread.PARTS,)


def _attached(parts: Iterable[Part]) -> Iterator[tuple[str, Part]]:
    """The attachments, each with its name."""
    attached = (part for part in parts if part.is_attachment)
    return ((_name(part, number), part) for number, part in enumerate(attached, 1))


def _text(parts: Iterable[Part], content_type: str) -> str:
    """The beginning of what stands in the parts of this type."""
    texts, octets, characters = [], _TEXT_OCTETS, 0
    for part in parts:
        if part.content_type == content_type and octets > 0 and characters < _TEXT_LIMIT:
            content = part.beginning(octets)
            octets -= len(content)
            text = text_of(content, part.charset)
            texts.append(plain_text(text) if content_type == "text/html" else text)
            characters += len(texts[-1])
    return readable("\n\n".join(texts).strip()[:_TEXT_LIMIT])


def text_of(content: bytes, charset: str) -> str:
    """Text in its declared charset, else as well as can be guessed; line ends are LF."""
    try:
        text = in_charset(content, charset or "utf-8")
    except (LookupError, ValueError):
        text = undeclared(content)
    return text.replace("\r\n", "\n")


def _name(part: Part, number: int) -> str:
    """The part's file name, decoded and harmless; a plain one where it has none."""
    written = decoded(part.file_name)
    harmless = "".join("_" if each in "/\\" or unseen(each) else each for each in written).strip(" .")
    if len(harmless) > _NAME_LIMIT:
        stem, dot, extension = harmless.rpartition(".")
        ending = dot + extension[:_EXTENSION_LIMIT] if stem else ""
        harmless = harmless[: _NAME_LIMIT - len(ending)] + ending
    return harmless or f"part-{number}{_extension(part)}"


def _extension(part: Part) -> str:
    if part.content_type == "message/rfc822":
        return ".eml"
    return mimetypes.guess_extension(part.content_type) or ""
