"""How fast the account sends: the homeserver's limit is met, not guessed, and what matters goes first.

A stock Synapse lets an account send about nine events at once and then one in five seconds
(``rc_message``), and one that was refused costs nothing. So everything is simply sent until the
server asks to wait; from then on reactions leave some of what it allows to cards and answers, until
it has refused nothing for a minute or has taken more than a stock one would.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import IntEnum

_AT_ONCE = 9
_A_SECOND = 0.2
_KEPT_BACK = 3
_FORGOTTEN_AFTER_S = 60.0
_TOGETHER = 8
_QUIET_S = 0.2
_FIRST_TURN_S = 1.0
_ASK_AGAIN_S = 1.0
"""Whatever is sent meanwhile may show that somebody has lifted the limit."""


class Urgency(IntEnum):
    """What is sent; lower goes first."""

    ANSWER = 0
    CARD = 1
    REACTION = 2


class Budget:
    """When what may be tried; times are seconds of a monotonic clock."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._shut_until = 0.0
        self._limited_at: float | None = None
        self._level = float(_AT_ONCE)
        self._counted_at = now()
        self._from = dict.fromkeys(Urgency, 0.0)

    @property
    def together(self) -> int:
        """How many reactions may be on their way at the same time: one, until there seems to be no limit."""
        return _TOGETHER if self._current(self._now()) < -_AT_ONCE else 1

    @property
    def limited(self) -> bool:
        """Whether the server has asked to wait, and does so still as far as is known."""
        return self._limited_at is not None

    def wait(self, urgency: Urgency) -> float:
        """The seconds after which to ask again; 0 = send now."""
        now = self._now()
        until = max(self._shut_until, self._from[urgency])
        if urgency is Urgency.REACTION:
            until = max(until, min(self._affordable_at(now), now + _ASK_AGAIN_S))
        return max(0.0, until - now)

    def sent(self, urgency: Urgency) -> None:
        """The server took one."""
        now = self._now()
        self._level = self._current(now) - 1
        self._counted_at = now
        if self._level < -_AT_ONCE:  # somebody has lifted the limit
            self._limited_at = None
        if urgency is not Urgency.REACTION:  # more of them may follow at once
            self._hold_back(Urgency.REACTION, now + _QUIET_S)

    def shut(self, urgency: Urgency, seconds: float) -> None:
        """The server asks to wait."""
        now = self._now()
        self._shut_until = max(self._shut_until, now + seconds)
        self._limited_at, self._level, self._counted_at = now, 0.0, now
        later = {Urgency.CARD: (Urgency.ANSWER, Urgency.REACTION), Urgency.ANSWER: (Urgency.REACTION,)}
        for other in later.get(urgency, ()):  # what was refused has the first turn, cards before all
            self._hold_back(other, now + seconds + _FIRST_TURN_S)

    def _hold_back(self, urgency: Urgency, until: float) -> None:
        self._from[urgency] = max(self._from[urgency], until)

    def _affordable_at(self, now: float) -> float:
        """When the server would take a reaction and still something more; at once where it never refused."""
        if self._limited_at is None or now > self._limited_at + _FORGOTTEN_AFTER_S:
            return now
        return now + (_KEPT_BACK - self._current(now)) / _A_SECOND

    def _current(self, now: float) -> float:
        return min(_AT_ONCE, self._level + (now - self._counted_at) * _A_SECOND)
