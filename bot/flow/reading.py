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
from bot.core.text import unseen
from bot.flow.markup import plain_text

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

_SUBJECT_LIMIT = 500
_MESSAGE_ID_LIMIT = 1_000
_AUTHOR_LIMIT = 50
_TEXT_LIMIT = 20_000
_NAME_LIMIT = 150
_EXTENSION_LIMIT = 20

# What it may cost to take a mail apart (a mail made to be expensive is held with its .eml)
_PART_LIMIT = 500
_TEXT_PART_LIMIT = 20
_TEXT_PART_OCTETS = 1_000_000
_NESTING_LIMIT = 100
_MIME_FIELD_OCTETS = 20_000

_MIME_FIELDS = ("Content-Type", "Content-Disposition", "Content-Transfer-Encoding")
_ANY_MIME_FIELD = re.compile(
    rb"(?:\A|[\r\n])content-(?:type|disposition):[^\r\n]*(?:(?:\r\n|\n|\r)[ \t][^\r\n]*)*", re.IGNORECASE
)
_NESTING = re.compile(rb"boundary[ \t]*[*=]|message/", re.IGNORECASE)
_CONTENT_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)


def read(mlist_id: int, cursor: Cursor, raw: bytes, received_at: datetime) -> NewPost:
    """Everything that intake stores of a mail; never fails on odd mail (see `NewPost.unparsed`)."""
    header, body = split(raw)
    unparsed = ""
    try:
        text, attachments = _taken_apart(header, body)
    except PARSE_ERRORS as error:
        text, attachments, unparsed = "", (), f"{type(error).__name__}: {error}"
    return NewPost(
        mlist_id=mlist_id,
        cursor=cursor,
        raw=raw,
        received_at=received_at,
        authors=tuple(header.mailboxes("from")[:_AUTHOR_LIMIT]),
        subject=" ".join(header.first("subject").split())[:_SUBJECT_LIMIT],
        message_id=" ".join(header.first("message-id").split())[:_MESSAGE_ID_LIMIT],
        body_sha256=hashlib.sha256(body).hexdigest(),
        text=text,
        attachments=attachments,
        unparsed=readable(unparsed)[:200],
    )


def attached_files(raw: bytes) -> list[File]:
    """The attachments of a mail with their content, in order; none where it cannot be taken apart."""
    try:
        return [
            File(_name(part, number), _content_type(part), _content(part))
            for number, part in enumerate(_attachments(_parsed(*split(raw))), 1)
        ]
    except PARSE_ERRORS:
        return []


def _taken_apart(header: Header, body: bytes) -> tuple[str, tuple[Attachment, ...]]:
    message = _parsed(header, body)
    attachments = tuple(
        Attachment(_name(part, number), _content_type(part), len(_content(part)))
        for number, part in enumerate(_attachments(message), 1)
    )
    plain = "\n\n".join(part_text(part) for part in _inline(message, "text/plain")).strip()
    text = plain or "\n\n".join(plain_text(part_text(part)) for part in _inline(message, "text/html"))
    return readable(text.strip())[:_TEXT_LIMIT], attachments


def _parsed(header: Header, body: bytes) -> Message:
    """The mail as parts, from the fields that say what the body is and the body as `split` found it.

    The email package would take the rest of a damaged header for the body. Raises ValueError where
    taking it apart would cost too much.
    """
    mime = [(name, raw) for name in _MIME_FIELDS if (raw := header.raw(name)) is not None]
    return affordable(Header(()).edited(add=mime).to_bytes() + body)


def affordable(mail: bytes) -> Message:
    """A mail as parts. Raises ValueError where taking it apart would cost too much."""
    fields = _ANY_MIME_FIELD.findall(mail)
    if any(len(field) > _MIME_FIELD_OCTETS for field in fields):
        raise ValueError("a field about its parts is too long")
    if sum(bool(_NESTING.search(field)) for field in fields) > _NESTING_LIMIT:
        raise ValueError("too many parts within parts")
    return email.message_from_bytes(mail, policy=email.policy.compat32)


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


def _content_type(part: Message) -> str:
    """Lower case; what announces parts and has none is read as text."""
    content_type = part.get_content_type()
    if content_type.startswith("multipart/"):
        return "text/plain"
    return content_type if _CONTENT_TYPE.fullmatch(content_type) else "application/octet-stream"


def _is_attachment(part: Message) -> bool:
    if part.get_content_disposition() == "attachment" or _file_name(part):
        return True
    return _content_type(part) not in {"text/plain", "text/html"}


def _attachments(message: Message) -> Iterator[Message]:
    return (part for part in _leaves(message) if _is_attachment(part))


def _inline(message: Message, content_type: str) -> list[Message]:
    parts = [part for part in _leaves(message) if not _is_attachment(part)]
    return [part for part in parts if _content_type(part) == content_type][:_TEXT_PART_LIMIT]


def _content(part: Message) -> bytes:
    if part.is_multipart():  # message/rfc822: the enclosed mail
        return b"".join(inner.as_bytes() for inner in _inner(part))
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _inner(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [inner for inner in payload if isinstance(inner, Message)] if isinstance(payload, list) else []


def part_text(part: Message) -> str:
    """The beginning of a part's text: in its declared charset, else as well as can be guessed."""
    content = _whole_characters(_content(part))
    try:
        text = in_charset(content, str(part.get_content_charset() or "utf-8"))
    except (LookupError, ValueError):
        text = undeclared(content)
    return text.replace("\r\n", "\n")


def _whole_characters(content: bytes) -> bytes:
    """At most so much, cut behind a line, where no charset has half a character."""
    if len(content) <= _TEXT_PART_OCTETS:
        return content
    beginning = content[:_TEXT_PART_OCTETS]
    return beginning[: beginning.rfind(b"\n") + 1] or beginning


def _name(part: Message, number: int) -> str:
    """The part's file name, decoded and harmless; a plain one where it has none."""
    written = decoded(_file_name(part))
    harmless = "".join("_" if each in "/\\" or unseen(each) else each for each in written).strip(" .")
    if len(harmless) > _NAME_LIMIT:
        stem, dot, extension = harmless.rpartition(".")
        ending = dot + extension[:_EXTENSION_LIMIT] if stem else ""
        harmless = harmless[: _NAME_LIMIT - len(ending)] + ending
    return harmless or f"part-{number}{_extension(part)}"


def _file_name(part: Message) -> str:
    """As it was written. The email package would lose raw 8-bit octets, so they are decoded before."""
    fields = Message()
    for name, value in part.raw_items():
        if name.lower() in {"content-disposition", "content-type"}:
            fields[name] = undeclared(str(value).encode("utf-8", "surrogateescape"))
    return fields.get_filename() or ""


def _extension(part: Message) -> str:
    if _content_type(part) == "message/rfc822":
        return ".eml"
    return mimetypes.guess_extension(_content_type(part)) or ""
