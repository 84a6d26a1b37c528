"""What can go wrong, sorted by what to do next; adapters translate every library's error into these."""

from __future__ import annotations

import errno
from datetime import timedelta
from enum import StrEnum

from typing_extensions import override

from bot.core.text import N_, Text, verbatim


class FacteurError(Exception):
    """Base class, never raised itself; `text` is the sentence for people, without any secret."""

    def __init__(self, text: Text) -> None:
        super().__init__(text)
        self.text = text

    @override
    def __str__(self) -> str:
        return str(self.text)


class TransientError(FacteurError):
    """Later may work: back off, keep the work."""


class Busy(TransientError):
    """The other side asks to wait: nothing went wrong, and nothing more is tried for `delay`."""

    def __init__(self, text: Text, delay: timedelta) -> None:
        super().__init__(text)
        self.delay = delay


class PermanentError(FacteurError):
    """Never works as it stands: record it, tell a moderator."""


class Trouble(StrEnum):
    """Why a server could not be used, as far as the person who set it up can mend it."""

    NAME = "name"  # the host name does not exist
    REFUSED = "refused"  # nothing listens on that port
    TIMEOUT = "timeout"  # no answer
    TLS = "tls"  # something answers, but not TLS (or TLS where none was expected)
    CERTIFICATE = "certificate"  # the certificate does not verify
    LOGIN = "login"  # user name or password refused
    APP_LOGIN = "application login"  # refused: a password made for programs is wanted
    SWITCHED_OFF = "switched off"  # refused: the protocol is not switched on for this mailbox
    NO_PASSWORDS = "no passwords"  # refused: no password at all is taken
    IN_USE = "in use"  # another program has the mailbox to itself
    FOLDER = "folder"  # the folder does not exist
    LOST = "lost"  # the connection broke
    ANSWER = "answer"  # the server answered something unusable


class ServerTrouble(TransientError):
    """A mail or chat server could not be used; `trouble` says why, `text` what to do."""

    def __init__(self, trouble: Trouble, text: Text) -> None:
        super().__init__(text)
        self.trouble = trouble


class UnknownCertificate(ServerTrouble):
    """A server that is trusted by its certificate alone showed another; nobody logged in.

    Attributes:
        server: ``host:port``.
        seen: SHA-256 of the certificate that it showed, in hexadecimal.
        pinned: that of the one it should have shown; empty if none is known yet.
        told: what was shown, for people: its fingerprint, for whom it was made, until when it is valid.
    """

    def __init__(self, text: Text, *, server: str, seen: str, pinned: str, told: Text) -> None:
        super().__init__(Trouble.CERTIFICATE, text)
        self.server = server
        self.told = told
        self.seen = seen
        self.pinned = pinned


_REASONS = {
    errno.ENOENT: N_("there is no such file or folder"),
    errno.EACCES: N_("facteur has no right to it"),
    errno.EPERM: N_("facteur has no right to it"),
    errno.EISDIR: N_("it is a folder"),
    errno.ENOTDIR: N_("part of that path is no folder"),
    errno.ENOSPC: N_("the disk is full"),
    errno.EROFS: N_("the disk can only be read"),
    errno.EEXIST: N_("it is there already"),
}


def why(error: OSError) -> Text:
    """What the system says, in the reader's language where it is one of the usual reasons."""
    reason = _REASONS.get(error.errno or 0)
    return Text(reason) if reason else verbatim(error.strerror or str(error))


class UserError(FacteurError):
    """The person who asked can mend it: `text` says what is wrong and what to do; nothing changed."""


class Meant(UserError):
    """A slip: `written` is what was typed, `meant` what there is that is nearly called so."""

    def __init__(self, text: Text, written: str, meant: str) -> None:
        super().__init__(text)
        self.written = written
        self.meant = meant


class AlreadyDecided(UserError):
    """Somebody was first, or the button is of an earlier decision."""


class Conflict(FacteurError):
    """The row changed since it was read: read again and repeat."""
