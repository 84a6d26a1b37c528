"""A mail for a relay that takes no 8-bit content (RFC 6152): the one case where parts are encoded anew."""

from __future__ import annotations

import base64
import binascii

from bot.core.deliveries import Obstacle
from bot.core.header import Header, split, with_crlf
from bot.core.parts import Part, take_apart

_ENCODED = {"base64", "quoted-printable"}
_ENCLOSED_LIMIT = 10
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
    if not taken.whole or depth > _ENCLOSED_LIMIT:
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
    octets = part.content() if part.encoding in _ENCODED else bytes(part.raw)
    if part.content_type.startswith("text/"):
        return _how("quoted-printable"), binascii.b2a_qp(with_crlf(octets), istext=True)
    return _how("base64"), base64.encodebytes(octets).replace(b"\n", b"\r\n").removesuffix(b"\r\n")


def _how(encoding: str) -> list[tuple[str, str]]:
    return [("Content-Transfer-Encoding", encoding)]
