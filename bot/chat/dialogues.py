"""Questions that wait for an answer: one for each person in each place, for a quarter of an hour.

What was said or tapped is kept with the answers so far, sealed, until nothing is missing any more;
then it is done as if it had been said at once. The question comes from the kind of the parameter
that is missing (`bot.chat.registry.Kind`), so that nothing but the definition of a command knows of it,
or from a step of the command's own dialogue (`bot.chat.questions`).
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from bot.chat.desk import Call, Desk, Option, Reply
from bot.chat.kinds import by_id
from bot.chat.questions import Given, Question, promised
from bot.chat.registry import Param
from bot.core.chat import Place
from bot.core.clock import Clock
from bot.core.lists import MailingList
from bot.core.people import Actor
from bot.core.stores import NoteStore
from bot.core.text import Text

LIFE = timedelta(minutes=15)
BACK, CANCEL = "/back", "/cancel"
"""Answers that are tapped: nobody types them, as words they would be commands."""

_OWNER = "dialogue"
_TAP = re.compile(r"answer:([0-9a-f]{8}):([0-9]{1,2})")
_PRIVATELY = re.compile(r"private:([0-9a-f]{8})")
_NONE: Given = {}


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What somebody was asked, and why.

    Attributes:
        line: the command line that lacks something, or the data of the button that does.
        asked: the parameter that is missing, or the step of the command's dialogue.
        given: the answers so far, by parameter or step.
        choices: what the buttons of the question say and stand for, in their order.
        token: tells this question's buttons from those of earlier ones.
        at: when it was asked, in ISO 8601.
        secret: the answer is one, and goes from the chat.
        elsewhere: words count only where the person is alone with the bot.
        takes_file: a file may be the answer.
    """

    line: str
    asked: str
    given: Given
    choices: tuple[tuple[str, str], ...]
    token: str
    at: str
    secret: bool = False
    elsewhere: bool = False
    takes_file: bool = False

    def chosen(self, number: int) -> tuple[str, str] | None:
        """What button `number` says, and the answer that it is; None if there is no such button."""
        return self.choices[number] if number < len(self.choices) else None


@dataclass(frozen=True, slots=True)
class Open:
    """A question that waits, and where it was asked."""

    dialogue: Dialogue
    place: Place


class Dialogues:
    """The questions that are open."""

    def __init__(self, notes: NoteStore, clock: Clock) -> None:
        self._notes = notes
        self._clock = clock
        self._worked_on: set[str] = set()

    @asynccontextmanager
    async def kept(self, place: Place, speaker: Actor, dialogue: Dialogue) -> AsyncIterator[None]:
        """While the answer is worked on, nobody can answer the question again; after a restart they can."""
        self._worked_on.add(dialogue.token)
        try:
            await self.begin(place, speaker, dialogue)
            yield
        finally:
            self._worked_on.discard(dialogue.token)

    async def begin(self, place: Place, speaker: Actor, dialogue: Dialogue) -> None:
        """It takes the place of an earlier one there."""
        now = self._clock.now()
        await self._notes.forget(_OWNER, "", now - LIFE)
        kept = {_name(place, speaker): _stored(dialogue)}
        if dialogue.elsewhere:
            kept[_alone(place, speaker)] = json.dumps({"address": place.address, "title": place.title})
        await self._notes.keep(_OWNER, kept, now)

    async def open(self, place: Place, speaker: Actor) -> Open | None:
        """The question that words of theirs would answer.

        Where they are alone with the bot it is perhaps one that was asked in another place, but is not
        to be answered there.
        """
        found = await self._recalled(place, speaker)
        if found:
            return None if found.elsewhere and not place.private else Open(found, place)
        if not place.private:
            return None
        home = await self._notes.recall(_OWNER, _alone(place, speaker))
        if not home:
            return None
        where = Place(place.transport, **json.loads(home))
        found = await self._recalled(where, speaker)
        return Open(found, where) if found and found.elsewhere else None

    async def take(self, place: Place, speaker: Actor, token: str = "") -> Dialogue | None:
        """The question that is open there, which it is no longer; with `token` only that very one."""
        found = await self._recalled(place, speaker)
        if found is None or (token and found.token != token):
            return None
        return found if await self._notes.take(_OWNER, _name(place, speaker), _stored(found)) else None

    async def _recalled(self, place: Place, speaker: Actor) -> Dialogue | None:
        stored = await self._notes.recall(_OWNER, _name(place, speaker))
        found = _loaded(stored) if stored else None
        if found is None or found.token in self._worked_on:
            return None
        if datetime.fromisoformat(found.at) <= self._clock.now() - LIFE:
            return None
        return found


async def ask(desk: Desk, call: Call, line: str, param: Param, given: Given = _NONE) -> Reply:
    """Ask who speaks for a parameter of what they said or tapped."""
    offered = await param.kind.choices(desk, call)
    promise = (promised(call),) if param.secret else ()
    question = Question(
        said=(Text(param.kind.question), *promise, Text("/cancel ends it.")),
        rows=tuple((option,) for option in offered),
        secret=param.secret,
    )
    others = {name: answer for name, answer in given.items() if name != param.name}
    return await put(desk, call, line, param.name, others, question)


async def ask_step(desk: Desk, call: Call, line: str, name: str, given: Given, question: Question) -> Reply:
    """Ask who speaks for a step of a dialogue, from which ways lead on, back and out."""
    ways = [Option(Text("✖️ Cancel"), CANCEL)]
    if given:
        ways.insert(0, Option(Text("◀️ Back"), BACK))
    whole = Question(question.said, (*question.rows, tuple(ways)), question.secret, question.takes_file)
    return await put(desk, call, line, name, given, whole)


async def put(desk: Desk, call: Call, line: str, asked: str, given: Given, question: Question) -> Reply:
    """Ask it, and keep it until it is answered."""
    token = secrets.token_hex(4)
    elsewhere = question.secret and not call.place.private
    options = [option for row in question.rows for option in row]
    dialogue = Dialogue(
        line=line,
        asked=asked,
        given=given,
        choices=tuple((option.label.render(call.language), option.data) for option in options),
        token=token,
        at=desk.clock.now().isoformat(),
        secret=question.secret,
        elsewhere=elsewhere,
        takes_file=question.takes_file,
    )
    await Dialogues(desk.stores.notes, desk.clock).begin(call.place, call.speaker, dialogue)
    numbers = iter(range(len(options)))
    rows = [
        tuple(Option(each.label, f"answer:{token}:{next(numbers)}", each.tone) for each in row)
        for row in question.rows
    ]
    if elsewhere:
        said = (
            *question.said[:-1],
            Text(
                "🔑 Nobody else here is to read the answer: write it to me in private, and it goes on here."
            ),
        )
        there = Option(Text("🔑 Answer in private"), f"private:{token}", private=True)
        return Reply(said=said, options=((there,), *rows))
    return Reply(said=question.said, options=tuple(rows), asks=True)


def in_private(name: str, mlist: MailingList | None) -> Reply:
    """Where others read what is typed, a secret is not asked for."""
    line = f"/{name} {by_id(mlist)}" if mlist else f"/{name}"
    button = Option(Text("🔑 Go on in private"), line, private=True)
    said = Text("Nobody else is to read that: please tell me in private.")
    return Reply(said=(said,), options=((button,),), ok=False)


def tapped(data: str) -> tuple[str, int] | None:
    """The token of a question and the number of its button; None for other buttons."""
    match = _TAP.fullmatch(data)
    return (match[1], int(match[2])) if match else None


def privately(data: str) -> bool:
    """Whether it is the button that leads to where a secret can be told."""
    return bool(_PRIVATELY.fullmatch(data))


def _name(place: Place, speaker: Actor) -> str:
    return f"{place.transport} {place.address} {speaker.id}"


def _alone(place: Place, speaker: Actor) -> str:
    """Where it is noted which place asked for something that is told alone with the bot."""
    return f"alone {place.transport} {speaker.id}"


def _stored(dialogue: Dialogue) -> str:
    return json.dumps(asdict(dialogue))


def _loaded(stored: str) -> Dialogue:
    found = json.loads(stored)
    choices = tuple((label, answer) for label, answer in found.pop("choices"))
    return Dialogue(**found, choices=choices)
