"""Files from a mail put on the disk of the person at the terminal, under harmless names."""

from __future__ import annotations

import os
import unicodedata
from itertools import count
from pathlib import Path

from bot.core.text import unseen

_LONGEST_OCTETS = 200
"""Of a name: file systems take 255 octets, and a number may be added."""


def safe_name(name: str) -> str:
    """A plain file name: no folder, no control character, not hidden, not too long, not empty."""
    normal = unicodedata.normalize("NFC", name)
    plain = "".join("_" if character in "/\\:" or unseen(character) else character for character in normal)
    plain = plain.strip(". ")
    stem, suffix = os.path.splitext(plain)  # noqa: PTH122 - a Path would take "a/.." apart
    suffix = _first_octets(suffix, 20)
    return (_first_octets(stem, _LONGEST_OCTETS - len(suffix.encode())) + suffix) or "file"


def _first_octets(text: str, limit: int) -> str:
    return text.encode()[:limit].decode(errors="ignore")


def save(folder: Path, name: str, content: bytes) -> Path:
    """Write a new file that only its owner may read; ``-2``, ``-3`` is added where the name is taken.

    Raises:
        OSError: the folder or the file can not be written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted = folder / safe_name(name)
    for number in count(1):
        path = wanted if number == 1 else wanted.with_stem(f"{wanted.stem}-{number}")
        try:
            # O_EXCL: neither a file nor a link that is already there is ever written to
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        return path
    raise AssertionError
