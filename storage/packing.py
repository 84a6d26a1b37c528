"""Mails as they are stored, compressed by zlib."""

from __future__ import annotations

import zlib

_LARGE_OCTETS = 1_000_000


def packed(mail: bytes) -> bytes:
    """Compressed; a large one by Huffman codes alone.

    It is base64 for the most part, of which they take away the quarter that it wastes; the search for
    repetitions finds nothing more and takes ten times as long.
    """
    strategy = zlib.Z_HUFFMAN_ONLY if len(mail) > _LARGE_OCTETS else zlib.Z_DEFAULT_STRATEGY
    packing = zlib.compressobj(strategy=strategy)
    return b"".join((packing.compress(mail), packing.flush()))


def unpacked(octets: bytes) -> bytes:
    """The mail, byte for byte."""
    # room for all of a large one at once: it would be put together of pieces otherwise, and be there twice
    return zlib.decompress(octets, bufsize=2 * len(octets))
