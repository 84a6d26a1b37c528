"""A mail for a relay that takes no 8-bit content (RFC 6152): the one case where parts are encoded anew."""

from __future__ import annotations

import base64
import binascii

from bot.core.deliveries import Obstacle
from bot.core.header import Header, split, with_crlf
from bot.core.parts import Part, take_apart

_ENCODED = {"base64", "quoted-printable"}
_ENCLOSED_LIMIT = 10
_OCTETS_LIMIT = 25_000_000
"""What is written anew is there four times meanwhile; such a relay takes no mail as large as that."""
_BASE64_OCTETS = 57 * 1_000
"""Encoded at once, a number of whole lines: an object for each line would take three times the room."""
_EIGHT_BIT = bytes(range(128, 256))
_ASCII = bytes(octet if octet < 128 else ord("?") for octet in range(256))


def seven_bit(mail: bytes, depth: int = 0) -> bytes | Obstacle:
    """The same mail with a 7-bit body, which says the same, or why there is none.

    Delimiters and all that is ASCII stay as they are, and so does what a signature beside it vouches for
    (RFC 1847), which must be ASCII therefore. The author's DKIM signatures go: they cover the body, and a
    copy without them arrives all the same. The header stays as it is, but where the mail is itself the
    content of another (`depth`).
    """
    header, body = split(mail)
    if body.isascii():
        return mail.translate(_ASCII) if depth else mail
    taken = take_apart(header, body)
    if not all(body[signed].isascii() for signed in taken.signed):
        return Obstacle.SIGNED
    if not taken.whole or depth > _ENCLOSED_LIMIT or len(mail) > _OCTETS_LIMIT:
        return Obstacle.INTRICATE
    header = header.edited(remove=["DKIM-Signature"])
    pieces: list[bytes] = []
    read = 0
    for part in taken.parts:
        if bytes(part.raw).isascii():
            continue
        encoded = _encoded(part, depth)
        if isinstance(encoded, Obstacle):
            return encoded
        field, content = encoded
        if part.start == 0:  # the mail itself is the part
            return _written(header.edited(add=field), depth) + content
        own, _ = split(body[part.header_at : part.start])
        # what stands between parts is shown to nobody, but for their fields, which are ASCII by right
        pieces += [body[read : part.header_at].translate(_ASCII), own.edited(add=field).to_bytes(), content]
        read = part.start + len(part.raw)
    pieces.append(body[read:].translate(_ASCII))
    return _written(header, depth) + b"".join(pieces)


def _written(header: Header, depth: int) -> bytes:
    """Of an enclosed mail the header is content too, and 8-bit octets had no business there."""
    octets = header.to_bytes()
    return octets.translate(_ASCII) if depth else octets


def _encoded(part: Part, depth: int) -> tuple[list[tuple[str, str]], bytes] | Obstacle:
    """The field that says how, and the content; or why it cannot be done."""
    if part.content_type.startswith("message/"):  # may not be encoded itself (RFC 2046 section 5.2.1)
        enclosed = seven_bit(bytes(part.raw), depth + 1)
        return enclosed if isinstance(enclosed, Obstacle) else (_how("7bit"), enclosed)
    octets = part.content() if part.encoding in _ENCODED else part.raw
    if not part.content_type.startswith("text/"):
        return _how("base64"), _base64(octets)
    text = with_crlf(bytes(octets))
    eight_bit = len(text) - len(text.translate(None, _EIGHT_BIT))
    if 6 * eight_bit > len(text):  # quoted-printable would be the longer one, and no more readable
        return _how("base64"), _base64(text)
    return _how("quoted-printable"), binascii.b2a_qp(text, istext=True)


def _base64(octets: bytes | memoryview) -> bytes:
    """In lines of 76 letters, without the last line end, which belongs to the delimiter behind it."""
    starts = range(0, len(octets), _BASE64_OCTETS)
    coded = (base64.encodebytes(octets[at : at + _BASE64_OCTETS]) for at in starts)
    return b"".join(each.replace(b"\n", b"\r\n") for each in coded).removesuffix(b"\r\n")


def _how(encoding: str) -> list[tuple[str, str]]:
    return [("Content-Transfer-Encoding", encoding)]
