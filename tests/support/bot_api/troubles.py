"""Trouble on demand: refusals, floods, slow answers, connections that break.

``api.troubles.add("sendMessage", flooded(3), times=2)`` spoils the next two; ``"*"`` is any method but
getUpdates.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal

from tests.support.bot_api.refusals import Refusal, flood

EVERY = 1_000_000


@dataclass(eq=False)
class Trouble:
    """What happens to a request: refused, held until released, its connection cut; or several of them.

    `when` says whether the request takes effect before it is held or cut.
    """

    refusal: Refusal | None = None
    cut: bool = False
    when: Literal["before", "after"] = "before"
    held: bool = False
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def hold(self) -> None:
        """Wait for the test if it holds this back."""
        self.arrived.set()
        if self.held:
            await self.released.wait()


def flooded(retry_after_s: int) -> Trouble:
    """429; real servers go on refusing that chat for that long."""
    return Trouble(flood(retry_after_s))


def broken(code: int = 502, description: str = "Bad Gateway") -> Trouble:
    """A server error: core.telegram.org/bots/api#making-requests has no list of them."""
    return Trouble(Refusal(code, description))


def cut(when: Literal["before", "after"]) -> Trouble:
    """The connection breaks without an answer, before or after the effect."""
    return Trouble(cut=True, when=when)


def slow(when: Literal["before", "after"] = "after") -> Trouble:
    """No answer until ``trouble.released.set()``; ``trouble.arrived`` tells that the request is there."""
    return Trouble(held=True, when=when)


@dataclass(eq=False)
class _Planned:
    method: str
    trouble: Trouble
    times: int
    chat_id: int


class Troubles:
    """What is planned, oldest first."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []

    def add(self, method: str, trouble: Trouble, *, times: int = 1, chat_id: int = 0) -> Trouble:
        """Spoil the next requests of a method, in one chat or in all; `EVERY` = until `clear`."""
        self._planned.append(_Planned(method.lower(), trouble, times, chat_id))
        return trouble

    def clear(self) -> None:
        """No more of it; what is held back goes on."""
        for planned in self._planned:
            planned.trouble.released.set()
        self._planned = []

    def meets(self, method: str, chat_id: int) -> Trouble:
        """What this request runs into."""
        for planned in self._planned:
            any_method = planned.method == "*" and method != "getupdates"
            fits = planned.method == method or any_method
            if planned.times > 0 and fits and planned.chat_id in {0, chat_id}:
                planned.times -= 1
                return planned.trouble
        return Trouble()
