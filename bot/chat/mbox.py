"""The mbox format (RFC 4155) in its reversible variant "mboxrd": many mails in one file."""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from bot.core.addresses import Address, is_deliverable

_FROM_LINE = re.compile(rb"^(>*From )", re.MULTILINE)


class Mbox:
    """A new file of mails that only its owner may read; every method may raise OSError."""

    def __init__(self, path: Path) -> None:
        """Make the file, and its folder if need be; nothing that is there already is written to."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        finally:
            if kind and issubclass(kind, OSError):
                self._path.unlink()  # half a file helps nobody, least of all on a full disk

    def add(self, author: Address, received_at: datetime, raw: bytes) -> None:
        """Write one mail, with its author and when it was received; line ends become LF."""
        sender = author if is_deliverable(author) and author.isascii() else "MAILER-DAEMON"
        moment = time.asctime(received_at.astimezone(UTC).timetuple())
        lines = _FROM_LINE.sub(rb">\1", raw.replace(b"\r\n", b"\n"))
        self._file.write(f"From {sender} {moment}\n".encode())
        self._file.write(lines)
        self._file.write(b"\n" if lines.endswith(b"\n") else b"\n\n")

    def sync(self) -> None:
        """Return when all of it, and the file's name, would survive a power cut."""
        self._file.flush()
        os.fsync(self._file.fileno())
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
