"""Sealing the passwords of accounts, so that a copy of the database alone gives none away."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bot.core.errors import UserError, why
from bot.core.text import Text


class FernetBox:
    """The port `Box`: seals with the first key, unseals with any."""

    def __init__(self, keys: str, origin: str) -> None:
        """Take the keys apart: one a line (or separated by blanks or commas), newest first.

        Args:
            keys: Fernet keys, 32 octets each in URL-safe base64.
            origin: where they came from, named in the error.

        Raises:
            UserError: one of them is no key, or there is none.
        """
        try:
            fernets = [Fernet(key) for key in keys.replace(",", " ").split()]
            self._fernet = MultiFernet(fernets)
        except ValueError:
            raise UserError(
                Text(
                    "{origin} holds no usable key: put back the one that this installation began with",
                    origin=origin,
                )
            ) from None

    def seal(self, secret: str) -> str:
        """Encrypt; two calls never give the same."""
        return self._fernet.encrypt(secret.encode()).decode("ascii")

    def unseal(self, token: str) -> str:
        """Decrypt. Raises ValueError when the token was sealed with another key."""
        try:
            return self._fernet.decrypt(token).decode()
        except InvalidToken:
            raise ValueError("sealed with another key") from None


def box_from_file(path: Path) -> FernetBox:
    """The keys in `path`, which is made with a new one (mode 0600) if it does not exist.

    Raises:
        UserError: the file cannot be read, cannot be made, or holds no key.
    """
    try:
        if not path.exists():
            _create(path)
        return FernetBox(path.read_text(encoding="ascii", errors="replace"), str(path))
    except OSError as error:
        raise UserError(Text("{path} cannot be used: {why}", path=str(path), why=why(error))) from error


def _create(path: Path) -> None:
    """Whole or not at all, also when two processes start at once: the first link wins."""
    handle, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(Fernet.generate_key() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(name, path)
        _sync_folder(path.parent)
    except FileExistsError:
        pass  # another process made one at the same moment: that one counts
    finally:
        Path(name).unlink()


def _sync_folder(folder: Path) -> None:
    """Passwords must never outlive their key in a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
