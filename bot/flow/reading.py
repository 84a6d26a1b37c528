"""What a person would read in a mail: derived once at intake; the raw bytes stay the truth."""

from __future__ import annotations

import email
import email.policy
import hashlib
import mimetypes
import re
from collections.abc import Iterator
from datetime import datetime
from email.message import Message

from bot.core.charsets import in_charset, undeclared
from bot.core.chat import File
from bot.core.header import Header, decoded, readable, split
from bot.core.posts import Attachment, Cursor, NewPost

PARSE_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What the email package raises on mail that is wrong enough; such a mail is held with its .eml."""

_TEXT_LIMIT = 20_000
_PART_LIMIT = 2_000
_PATH_CHARACTERS = re.compile(r"[/\\\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


def read(mlist_id: int, cursor: Cursor, raw: bytes, received_at: datetime) -> NewPost:
    """Everything that intake stores of a mail; never fails on odd mail (see `NewPost.unparsed`)."""
    header, body = split(raw)
    unparsed = ""
    try:
        text, attachments = _body(_parsed(header, body))
    except PARSE_ERRORS as error:
        text, attachments, unparsed = "", (), f"{type(error).__name__}: {error}"
    return NewPost(
        mlist_id=mlist_id,
        cursor=cursor,
        raw=raw,
        received_at=received_at,
        authors=tuple(header.mailboxes("from")),
        subject=" ".join(header.first("subject").split()),
        message_id=header.first("message-id").strip(),
        body_sha256=hashlib.sha256(body).hexdigest(),
        text=text,
        attachments=attachments,
        unparsed=readable(unparsed)[:200],
    )


def attached_files(raw: bytes) -> list[File]:
    """The attachments of a mail with their content, in order; none where it cannot be taken apart."""
    try:
        return [
            File(_name(part, number), part.get_content_type(), _content(part))
            for number, part in enumerate(_attachments(_parsed(*split(raw))), 1)
        ]
    except PARSE_ERRORS:
        return []


def _body(message: Message) -> tuple[str, tuple[Attachment, ...]]:
    attachments = tuple(
        Attachment(_name(part, number), part.get_content_type(), len(_content(part)))
        for number, part in enumerate(_attachments(message), 1)
    )
    plain = "\n\n".join(_text(part) for part in _inline(message, "text/plain")).strip()
    text = plain or "\n\n".join(_html_text(_text(part)) for part in _inline(message, "text/html"))
    return readable(text.strip())[:_TEXT_LIMIT], attachments


def _parsed(header: Header, body: bytes) -> Message:
    """The parts of a mail; a line that is no field must not pass for the end of its header."""
    return email.message_from_bytes(header.to_bytes() + body, policy=email.policy.compat32)


def _leaves(message: Message) -> Iterator[Message]:
    """Every part that holds content, in order; an enclosed mail is one part, as people see it."""
    waiting = [message]
    for _ in range(_PART_LIMIT):
        if not waiting:
            return
        part = waiting.pop(0)
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            waiting[:0] = _inner(part)
        else:
            yield part


def _is_attachment(part: Message) -> bool:
    if part.get_content_disposition() == "attachment" or part.get_filename():
        return True
    return part.get_content_type() not in {"text/plain", "text/html"}


def _attachments(message: Message) -> Iterator[Message]:
    return (part for part in _leaves(message) if _is_attachment(part))


def _inline(message: Message, content_type: str) -> Iterator[Message]:
    return (
        part
        for part in _leaves(message)
        if part.get_content_type() == content_type and not _is_attachment(part)
    )


def _content(part: Message) -> bytes:
    if part.is_multipart():  # message/rfc822: the enclosed mail
        return b"".join(inner.as_bytes() for inner in _inner(part))
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _inner(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [inner for inner in payload if isinstance(inner, Message)] if isinstance(payload, list) else []


def _text(part: Message) -> str:
    """The text of a part: in its declared charset, else as well as can be guessed."""
    content = _content(part)
    try:
        text = in_charset(content, str(part.get_content_charset() or "utf-8"))
    except (LookupError, ValueError):
        text = undeclared(content)
    return text.replace("\r\n", "\n")


def _html_text(markup: str) -> str:
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(markup)
    for node in tree.css("script, style, head, title"):
        node.decompose()
    for node in tree.css("br, p, div, tr, li, h1, h2, h3, h4, blockquote"):
        node.insert_after("\n")
    root = tree.body or tree.root
    lines = (" ".join(line.split()) for line in (root.text(deep=True) if root else "").splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _name(part: Message, number: int) -> str:
    """The part's file name, decoded and harmless; a plain one where it has none."""
    name = decoded(str(part.get_filename() or ""))
    harmless = _PATH_CHARACTERS.sub("_", name).strip(" .")[:150]
    return harmless or f"part-{number}{_extension(part)}"


def _extension(part: Message) -> str:
    return (
        ".eml"
        if part.get_content_type() == "message/rfc822"
        else mimetypes.guess_extension(part.get_content_type()) or ""
    )
