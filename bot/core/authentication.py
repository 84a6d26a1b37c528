"""Whether a post comes from whom its From names, and what their domain asks of receivers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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


@dataclass(frozen=True, slots=True)
class Authentication:
    """What was found out about a post's author when it came in.

    `policy` is the strictest of the authors' domains, the list's own domain not counted.
    """

    policy: Policy = Policy.UNKNOWN


UNEXAMINED = Authentication()
"""Nothing was asked about it."""
