"""What became of a mail that is no post but a matter between its author and facteur."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.deliveries import NewMailing
from bot.core.text import Text


@dataclass(frozen=True, slots=True)
class Handled:
    """It is kept as discarded with `reason`; `mailings` leave. `shown`: the list's rooms are told too."""

    reason: Text
    mailings: tuple[NewMailing, ...] = ()
    shown: bool = False
