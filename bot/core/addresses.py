"""E-mail addresses: one normal form for comparing, careful parsing for everything else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NewType

Address = NewType("Address", str)
"""An address in the form in which it is compared: see `fold`."""

LENGTH_LIMIT = 320
"""RFC 5321 section 4.5.3.1: 64 octets before the @ and 255 behind it."""

PUBLIC_PROVIDERS = tuple(
    """
    aol.com bbox.fr club-internet.fr free.fr gmail.com gmx.com gmx.de gmx.fr gmx.net googlemail.com
    hotmail.com hotmail.fr icloud.com laposte.net live.com live.fr mac.com mail.com mailo.com me.com
    msn.com neuf.fr numericable.fr orange.fr outlook.com outlook.fr pm.me posteo.de posteo.net proton.me
    protonmail.com sfr.fr tutanota.com wanadoo.fr web.de yahoo.com yahoo.fr ymail.com
    """.split()  # noqa: SIM905 - easier to read and to add to
)
"""Where half of an association has its mail, and everybody else: one domain, and nothing else in common."""

_PLACEHOLDER_DOMAIN = "nomail.org"
_UNSAFE = re.compile(r"[\x00-\x20\x7f<>,;:\"()\[\]\\]")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A display name (may be empty) and a folded address (RFC 5322 section 3.4)."""

    name: str
    address: Address


def fold(address: str) -> Address:
    """Lower case, NFKC, domain as A-labels (IDNA), no surrounding blanks.

    What cannot be folded keeps its lower case: comparing must never fail on odd mail.
    """
    lower = unicodedata.normalize("NFKC", address).lower()
    folded = unicodedata.normalize("NFKC", lower).strip()  # lower case may compose anew
    local, at, domain = folded.rpartition("@")
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            pass  # an impossible domain is still a name that can be compared
    return Address(f"{local}{at}{domain}")


def domain_of(address: str) -> str:
    """What stands behind the last @; empty if there is none."""
    return address.rpartition("@")[2] if "@" in address else ""


def local_part_of(address: str) -> str:
    """What stands before the last @."""
    return address.rpartition("@")[0]


def is_deliverable(address: str) -> bool:
    """False for placeholders (``@nomail.org``), for text without ``@`` and for what SMTP cannot carry."""
    local, at, domain = address.rpartition("@")
    if not (local and at and domain) or domain == _PLACEHOLDER_DOMAIN:
        return False
    if len(address) > LENGTH_LIMIT:
        return False
    return not _UNSAFE.search(local + domain) and "@" not in local


def unique(addresses: Iterable[Address]) -> list[Address]:
    """Each address once, in the order of its first appearance."""
    return list(dict.fromkeys(addresses))
