"""Whether Telegram takes bytes for a photo.

core.telegram.org/bots/api#sendphoto: width and height together at most 10000, their ratio at most 20. What
is no picture at all is refused with the MTProto error IMAGE_PROCESS_FAILED. Formats: JPEG, PNG, GIF, WebP
and BMP.
"""

from __future__ import annotations

import struct

from tests.support.bot_api.refusals import bad_request

_OTHERS = (b"GIF87a", b"GIF89a", b"RIFF", b"BM")


def check(content: bytes) -> None:
    """Raises:
    Refusal: 400, no picture, or one of unfit shape.
    """
    width, height = size(content)
    if not width or not height:
        raise bad_request("IMAGE_PROCESS_FAILED")
    if width + height > 10_000 or max(width, height) > 20 * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")


def size(content: bytes) -> tuple[int, int]:
    """Width and height; (0, 0) = no picture. GIF, WebP and BMP are not measured."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) >= 33:
        width, height = struct.unpack(">II", content[16:24])
        return width, height
    if content.startswith(b"\xff\xd8"):
        return _jpeg_size(content)
    return (320, 240) if content.startswith(_OTHERS) else (0, 0)


def _jpeg_size(content: bytes) -> tuple[int, int]:
    """From the first start-of-frame segment (ITU T.81, annex B)."""
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return 0, 0
