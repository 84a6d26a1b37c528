"""Whether a post comes from whom its From names, and what their domain asks of receivers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.core.addresses import Mailbox
from bot.core.text import Text


class Policy(StrEnum):
    """What a domain asks to be done with mail in its name that it does not vouch for (RFC 7489)."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"
    UNKNOWN = "unknown"
    """Nobody asked, or nobody answered."""

    @property
    def is_strict(self) -> bool:
        """Whether it asks for anything at all."""
        return self in {Policy.QUARANTINE, Policy.REJECT}


class Finding(StrEnum):
    """Whether the domain in From vouches for a post."""

    GENUINE = "genuine"
    FORGED = "forged"
    """It says that it does not."""
    UNPROVEN = "unproven"
    """The receiving host looked, and found nothing that speaks for it."""
    UNKNOWN = "unknown"
    """Nobody looked, or nobody could tell."""

    @property
    def is_suspicious(self) -> bool:
        """Whether a person should look before it counts as its author's."""
        return self in {Finding.FORGED, Finding.UNPROVEN}


@dataclass(frozen=True, slots=True)
class Authentication:
    """What was found out about a post's author when it came in.

    `policy` is the strictest of the authors' domains, the list's own domain not counted. `said` tells
    the finding and who found it, in one sentence. `resembles` is somebody of the list whose name or
    address the author's could be taken for.
    """

    policy: Policy = Policy.UNKNOWN
    finding: Finding = Finding.UNKNOWN
    said: Text | None = None
    resembles: Mailbox | None = None


UNEXAMINED = Authentication()
"""Nothing was asked about it."""
