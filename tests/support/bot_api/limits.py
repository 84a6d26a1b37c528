"""Flood limits, as far as Telegram tells them.

core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this: in one chat no more than one
message per second, short bursts allowed; in a group no more than 20 messages per minute; about 30 messages
per second in all. How long a burst may be is not told: `burst` messages here, then one per second. Edits
and answers are not counted.
"""

from __future__ import annotations

from collections import defaultdict, deque
from math import ceil

from tests.support.bot_api.refusals import flood


class Limits:
    """Counts new messages; set a figure to 0 for no such limit, `on` to False for none at all."""

    def __init__(self) -> None:
        self.on = True
        self.per_group_minute = 20
        self.per_second = 30
        self.burst = 10
        self.refused = 0
        self._sent: defaultdict[int, deque[float]] = defaultdict(deque)

    def count(self, chat_id: int, now: float, number: int = 1) -> None:
        """Let `number` messages into a chat at the moment `now`, in seconds.

        Raises:
            Refusal: 429 with ``retry_after`` in whole seconds; nothing was counted.
        """
        if not self.on:
            return
        # A private chat's burst flows off at one per second: `burst` in any `burst` seconds.
        window = (self.per_group_minute, 60.0) if chat_id < 0 else (self.burst, float(self.burst))
        for place in (chat_id, 0):
            self._forget(place, now - (window[1] if place else 1.0))
        waits = [
            self._wait_s(chat_id, number, now, *window),
            self._wait_s(0, number, now, self.per_second, 1.0),
        ]
        if max(waits) > 0:
            self.refused += 1
            raise flood(max(1, ceil(max(waits))))
        for place in (chat_id, 0):
            self._sent[place].extend([now] * number)

    def _forget(self, place: int, before: float) -> None:
        while self._sent[place] and self._sent[place][0] <= before:
            self._sent[place].popleft()

    def _wait_s(self, place: int, number: int, now: float, most: int, window_s: float) -> float:
        """How long until `number` more fit into the window; 0 where there is no limit."""
        sent = self._sent[place]
        if not most or len(sent) + number <= most or not sent:
            return 0.0
        return sent[min(len(sent) + number - most, len(sent)) - 1] + window_s - now
