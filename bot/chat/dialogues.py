"""Questions that wait for an answer: one for each person in each place, for a quarter of an hour.

What was said or tapped is kept with the answers so far, sealed, until nothing is missing any more;
then it is done as if it had been said at once. The question comes from the kind of the parameter
that is missing (`bot.chat.registry.Kind`), so that nothing but the definition of a command knows of it.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from bot.chat.desk import Call, Desk, Option, Reply
from bot.chat.registry import Param
from bot.core.chat import Place
from bot.core.clock import Clock
from bot.core.people import Actor
from bot.core.stores import NoteStore
from bot.core.text import Text

LIFE = timedelta(minutes=15)

_OWNER = "dialogue"
_TAP = re.compile(r"answer:([0-9a-f]{8}):([0-9]{1,2})")
_NONE: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What somebody was asked, and why.

    Attributes:
        line: the command line that lacks something, or the data of the button that does.
        asked: the parameter that is missing.
        given: the answers so far, by parameter.
        choices: what the buttons of the question say and stand for, in their order.
        token: tells this question's buttons from those of earlier ones.
        at: when it was asked, in ISO 8601.
        secret: the answer is one, and goes from the chat.
    """

    line: str
    asked: str
    given: Mapping[str, str]
    choices: tuple[tuple[str, str], ...]
    token: str
    at: str
    secret: bool = False

    def chosen(self, number: int) -> tuple[str, str] | None:
        """What button `number` says, and the answer that it is; None if there is no such button."""
        return self.choices[number] if number < len(self.choices) else None


class Dialogues:
    """The questions that are open."""

    def __init__(self, notes: NoteStore, clock: Clock) -> None:
        self._notes = notes
        self._clock = clock

    async def begin(self, place: Place, speaker: Actor, dialogue: Dialogue) -> None:
        """It takes the place of an earlier one there."""
        now = self._clock.now()
        await self._notes.forget(_OWNER, "", now - LIFE)
        await self._notes.keep(_OWNER, {_name(place, speaker): json.dumps(asdict(dialogue))}, now)

    async def open(self, place: Place, speaker: Actor) -> Dialogue | None:
        """The question that words of theirs would answer."""
        stored = await self._recalled(place, speaker)
        return _loaded(stored) if stored else None

    async def take(self, place: Place, speaker: Actor, token: str = "") -> Dialogue | None:
        """The question that is open, which it is no longer; with `token` only that very one."""
        stored = await self._recalled(place, speaker)
        found = _loaded(stored) if stored else None
        if found is None or (token and found.token != token):
            return None
        return found if await self._notes.take(_OWNER, _name(place, speaker), stored) else None

    async def _recalled(self, place: Place, speaker: Actor) -> str:
        stored = await self._notes.recall(_OWNER, _name(place, speaker))
        too_old = stored and datetime.fromisoformat(_loaded(stored).at) <= self._clock.now() - LIFE
        return "" if too_old else stored


async def ask(desk: Desk, call: Call, line: str, param: Param, given: Mapping[str, str] = _NONE) -> Reply:
    """Ask who speaks for a parameter of what they said or tapped."""
    offered = await param.kind.choices(desk, call)
    token = secrets.token_hex(4)
    dialogue = Dialogue(
        line=line,
        asked=param.name,
        given={name: answer for name, answer in given.items() if name != param.name},
        choices=tuple((option.label.render(call.language), option.data) for option in offered),
        token=token,
        at=desk.clock.now().isoformat(),
        secret=param.secret,
    )
    await Dialogues(desk.stores.notes, desk.clock).begin(call.place, call.speaker, dialogue)
    buttons = ((Option(each.label, f"answer:{token}:{n}"),) for n, each in enumerate(offered))
    return Reply(
        said=(Text(param.kind.question), Text("/cancel ends it.")), options=tuple(buttons), asks=True
    )


def tapped(data: str) -> tuple[str, int] | None:
    """The token of a question and the number of its button; None for other buttons."""
    match = _TAP.fullmatch(data)
    return (match[1], int(match[2])) if match else None


def _name(place: Place, speaker: Actor) -> str:
    return f"{place.transport} {place.address} {speaker.id}"


def _loaded(stored: str) -> Dialogue:
    found = json.loads(stored)
    choices = tuple((label, answer) for label, answer in found.pop("choices"))
    return Dialogue(**found, choices=choices)
