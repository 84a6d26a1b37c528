"""How much is sent into a chat: Telegram's limits kept from our side, and its own wishes to wait.

Telegram takes about 20 messages a minute into a group and 30 a second altogether (Bot FAQ, "My bot
is hitting limits"); whoever sends more is shut out for longer. Topics share what their group may.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

_ALTOGETHER_A_SECOND = 25


@dataclass(frozen=True, slots=True)
class _Pace:
    """At most `most` in any `span_s`: a strict window, a little wider than Telegram's own.

    What left evenly may arrive crowded.
    """

    most: int
    span_s: float


class Kind(Enum):
    """What is sent, with its pace in a group and in a private chat.

    Cards leave some of the messages to the answers that people wait for. Edits have a budget of their
    own; answers to taps have no limit.
    """

    CARD = (_Pace(12, 61.0), _Pace(8, 10.5))
    ANSWER = (_Pace(15, 61.0), _Pace(10, 10.5))
    EDIT = (_Pace(30, 61.0), _Pace(10, 10.5))


class Budget:
    """Counts what was sent; times are seconds of a monotonic clock."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._sent: defaultdict[tuple[int, bool], deque[float]] = defaultdict(deque)
        self._shut: dict[tuple[int, bool], float] = {}
        self._altogether: deque[float] = deque()

    def take(self, chat: int, kind: Kind, count: int = 1) -> float:
        """Count so many as sent and return 0, or return the seconds after which to ask again."""
        now = self._now()
        account = (chat, kind is Kind.EDIT)
        sent = self._sent[account]
        in_group, in_private = kind.value
        pace = in_private if chat > 0 else in_group
        _forget(sent, now - pace.span_s)
        _forget(self._altogether, now - 1.0)
        wait = max(
            self._shut.get(account, 0.0) - now,
            _until_room(sent, pace.most - count, pace.span_s) - now,
            _until_room(self._altogether, _ALTOGETHER_A_SECOND - count, 1.0) - now,
        )
        if wait > 0:
            return wait
        sent.extend([now] * count)
        self._altogether.extend([now] * count)
        return 0.0

    def shut(self, chat: int, kind: Kind, seconds: float) -> None:
        """Telegram asks to wait: nothing of the kind goes to this chat meanwhile, all others go on."""
        account = (chat, kind is Kind.EDIT)
        self._shut[account] = max(self._shut.get(account, 0.0), self._now() + seconds)


def _forget(times: deque[float], before: float) -> None:
    while times and times[0] <= before:
        times.popleft()


def _until_room(times: deque[float], most: int, span: float) -> float:
    """When at most `most` of these lie within `span` seconds."""
    return times[len(times) - most - 1] + span if len(times) > most else 0.0
