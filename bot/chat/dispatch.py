"""From what is said or tapped to what is shown: parse, test the right, run, answer.

The only place where every exception is caught: somebody who asked gets an answer, whatever happens,
and never more than the answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from bot.chat import incidents, presses, waves
from bot.chat.commands.general import RANKS
from bot.chat.desk import Call, Desk, Reply, Row, mistakes, say
from bot.chat.dialogues import BACK, CANCEL, Dialogue, Dialogues, ask, ask_step, in_private, privately, tapped
from bot.chat.drawing import Shown, drawn, flat
from bot.chat.kinds import known_post
from bot.chat.permissions import Permissions
from bot.chat.questions import Asked, promised
from bot.chat.registry import Command, Unanswered, commands, find
from bot.chat.slips import corrected, holds_secret, holds_setting
from bot.chat.words import Typed, typed
from bot.core.audit import acting
from bot.core.chat import Answer, File, Place, Press, Utterance
from bot.core.errors import Conflict, FacteurError, Meant, UserError
from bot.core.header import readable
from bot.core.lists import MailingList
from bot.core.people import Actor, Rank
from bot.core.posts import Post
from bot.core.text import Text
from bot.flow.runner import alone

_SCRIPT = Place("local", "", private=True)
"""Where ``facteur do`` speaks."""

_NOTHING: Mapping[str, str] = {}

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a script gets of a command; `rows` are JSON values and complete."""

    ok: bool
    text: str
    rows: Sequence[Row]
    files: tuple[File, ...] = ()
    written: Path | None = None


class Dispatcher:
    """The `Listener` of every chat network, and of ``facteur do``."""

    def __init__(self, desk: Desk, permissions: Permissions) -> None:
        self._desk = desk
        self._permissions = permissions
        self._dialogues = Dialogues(desk.stores.notes, desk.clock)

    async def said(self, utterance: Utterance) -> Answer | None:
        """Answer a command, or the answer to a question; other words are not for the bot."""
        spoken, speaker, place = typed(utterance.text), utterance.speaker, utterance.place
        secret = holds_setting(utterance.text)
        if spoken and spoken.name not in commands() and await self.expects_secret(speaker, place):
            spoken = None  # a password may well begin like a command
        if spoken and utterance.forwarded:
            return Answer(screens=(await self._guarded("forwarded", speaker, place, _not_forwarded)).screens)
        if spoken:
            run = partial(self._interrupting, spoken)
            secret = secret or holds_secret(spoken)
        else:
            found = await alone("dialogue", partial(self._dialogues.open, place, speaker))
            if found is None or (utterance.files and not utterance.text and not found.dialogue.takes_file):
                return None
            run = partial(self._answered, readable(utterance.text), found.place)
            secret = secret or found.dialogue.secret

        async def told(call: Call) -> Reply:
            return await run(replace(call, files=utterance.files))

        shown = await self._guarded(spoken.name if spoken else "answer", speaker, place, told)
        return Answer(screens=shown.screens, secret=secret)

    async def expects_secret(self, speaker: Actor, place: Place) -> bool:
        """Whether the answer to a question that waits would be a secret."""
        found = await alone("dialogue", partial(self._dialogues.open, place, speaker))
        return bool(found and found.dialogue.secret)

    async def reminded(self, speaker: Actor, place: Place) -> Answer | None:
        """The question that waits for them there, put once more; None where none does."""
        found = await alone("dialogue", partial(self._dialogues.open, place, speaker))
        if not found or found.place != place or typed(found.dialogue.line) is None:
            return None
        again = await self._guarded("question", speaker, place, partial(self._put_again, found.dialogue))
        return Answer(screens=again.screens)

    async def pressed(self, press: Press) -> Answer:
        """Answer a tap, be it on a card, on a question or on a button that carries a command line."""
        shown = await self._guarded("press", press.speaker, press.place, partial(self._press, press.data))
        reply = shown.reply
        if reply.in_place and len(shown.screens) == 1:
            said = "" if reply.options or typed(press.data) else shown.text
            return Answer(said, instead=shown.screens[0])
        if typed(press.data) or tapped(press.data) or reply.options or reply.asks:
            return Answer(screens=shown.screens, instead=shown.remains)
        return Answer(shown.text, reply.screens, shown.remains)

    async def moved(self, transport: str, before: str, after: str) -> None:
        """A room has another address now: it keeps what it is bound to."""
        _log.info("room moved", transport=transport, before=before, after=after)
        moved = partial(self._desk.stores.rooms.moved, transport, before, after, self._desk.clock.now())
        await alone("room moved", moved)

    async def unreachable(self, place: Place, why: Text | None) -> None:
        """The bot cannot write there; for None, it can again."""
        _log.info("room", transport=place.transport, address=place.address, trouble=str(why or ""))
        reached = partial(self._desk.stores.rooms.reached, place, why, self._desk.clock.now())
        await alone("room reached", reached)

    async def away(self, transport: str, why: Text | None) -> None:
        """Nobody is heard on a network; for None, all are again. Administrators elsewhere are told."""
        now, what = self._desk.clock.now(), Text("The connection to {network}", network=transport.title())
        works = partial(self._desk.stores.rooms.works, f"chat {transport}", what, why, now)
        await alone("network heard", works)

    async def run_line(self, text: str, speaker: Actor, place: Place = _SCRIPT) -> Outcome:
        """Run one command line for a script: all rows at once, nothing is asked."""
        spoken = typed(text if text.lstrip().startswith(("/", "!")) else f"/{text}")

        async def run(call: Call) -> Reply:
            if spoken is None:
                raise UserError(Text("A command is a word such as /lists or /help, and what belongs to it."))
            return await self._command(spoken, replace(call, paged=False))

        shown = await self._guarded(spoken.name if spoken else "", speaker, place, run)
        reply = shown.reply
        return Outcome(reply.ok, flat(shown.screens), reply.rows, reply.files, reply.written)

    async def _press(self, data: str, call: Call) -> Reply:
        answered = tapped(data)
        if answered:
            return await self._chosen(*answered, call)
        if privately(data):
            return await self._asked_elsewhere(call)
        spoken = typed(data)
        if spoken:
            return await self._asking(spoken, call)
        if of_incident := incidents.tapped(data):
            _require(Rank.ADMIN, call.rank, call)
            return await incidents.pressed(self._desk, of_incident)
        if of_wave := waves.tapped(data):
            _require(Rank.MODERATOR, call.rank, call)
            return await waves.pressed(self._desk, call, of_wave)
        return await self._tap(presses.tap(data), call)

    async def _tap(self, what: presses.Tap, call: Call) -> Reply:
        _require(Rank.MODERATOR, call.rank, call)
        post = known_post(await self._desk.stores.posts.get(what.post_id), call)
        rank = call.rights.on(post.mlist_id)
        return await presses.pressed(self._desk, replace(call, rank=rank), post, what)

    async def _interrupting(self, spoken: Typed, call: Call) -> Reply:
        """A command; what was asked before needs no answer any more."""
        ended = await self._dialogues.take(call.place, call.speaker)
        return await self._asking(spoken, replace(call, interrupts=ended is not None))

    async def _asking(self, spoken: Typed, call: Call, given: Mapping[str, str] = _NOTHING) -> Reply:
        """Run a command, or ask for what it lacks."""
        try:
            return await self._command(spoken, call, given)
        except Meant as slip:
            return corrected(slip, spoken)
        except Unanswered as lacking:
            known = find(spoken.name)
            if known.script:
                return await self._scripted(known, known.script.begun(lacking.arguments), call)
            if lacking.param.secret and not call.place.private:
                return in_private(spoken.name, await self._list_of(lacking.arguments))
            about = replace(call, needed=known.rank)
            line = f"/{spoken.name} {spoken.rest}"
            asked = await ask(self._desk, about, line, lacking.param, given)
            mistake = mistakes(lacking) if lacking.mistake else ()
            return replace(asked, said=(*mistake, *asked.said), ok=False)

    async def _scripted(
        self, known: Command, given: Mapping[str, str], call: Call, wrong: Sequence[Text] = ()
    ) -> Reply:
        """The next question of a command's own dialogue, or what the answers come to."""
        assert known.script
        return await self._led(known, await known.script.next(self._desk, call, given), call, wrong)

    async def _led(self, known: Command, asked: Asked, call: Call, wrong: Sequence[Text] = ()) -> Reply:
        """Put the question that the answers lead to, or do what they come to."""
        assert known.script
        if asked.step is None:
            done = await known.script.finish(self._desk, call, asked.given, self._said_for)
            return replace(done, said=(*asked.said, *done.said))
        put = await ask_step(self._desk, call, f"/{known.name}", asked.step.name, asked.given, asked.question)
        return replace(put, said=(*wrong, *asked.said, *put.said), ok=not wrong)

    async def _said_for(self, line: str, call: Call) -> Reply:
        """Do a command line as if the one who answered had typed it."""
        spoken = typed(line)
        assert spoken
        return await self._command(spoken, call)

    async def _stepped(self, known: Command, dialogue: Dialogue, answer: str, call: Call) -> Reply:
        """An answer in a command's own dialogue."""
        assert known.script
        _require(known.rank, call.rank, call, known)
        if answer == BACK:
            return await self._scripted(known, known.script.before(dialogue.given, dialogue.asked), call)
        try:
            async with self._dialogues.kept(call.place, call.speaker, dialogue):  # servers may take a minute
                given = await known.script.step(dialogue.asked).read(self._desk, call, dialogue.given, answer)
                asked = await known.script.next(self._desk, call, given)
            await self._dialogues.take(call.place, call.speaker, dialogue.token)
            return await self._led(known, asked, call)
        except UserError as error:
            return await self._scripted(known, dialogue.given, call, mistakes(error))

    async def _answered(self, words: str, where: Place, call: Call) -> Reply:
        """Words that are no command; the question may be one of another place."""
        dialogue = await self._dialogues.take(where, call.speaker)
        if dialogue is None:
            raise _over()
        if where == call.place:
            return await self._resumed(dialogue, words, call)
        there = await self._call(call.speaker, where)
        resume = partial(self._resumed, dialogue, words, there)
        shown = drawn(await self._replied("answer", call.speaker, resume), there.language)
        for screen in shown.screens:
            await self._desk.chats[where.transport].post(where.address, screen)
        return say(Text("Thank you, I have it. It goes on in {room}.", room=where.title or where.address))

    async def _asked_elsewhere(self, call: Call) -> Reply:
        """Wait, where they are alone with the bot, for what was asked in a room."""
        if await self._dialogues.open(call.place, call.speaker) is None:
            raise _over()
        return Reply(said=(Text("Please write it here."), promised(call)), asks=True)

    async def _put_again(self, dialogue: Dialogue, call: Call) -> Reply:
        spoken = typed(dialogue.line)
        assert spoken
        known = find(spoken.name)
        if known.script:
            return await self._scripted(known, dialogue.given, call)
        return await self._asking(spoken, call, dialogue.given)

    async def _chosen(self, token: str, number: int, call: Call) -> Reply:
        """A button below a question, which tells from then on what was chosen."""
        dialogue = await self._dialogues.take(call.place, call.speaker, token)
        choice = dialogue.chosen(number) if dialogue else None
        if dialogue is None or choice is None:
            raise _over()
        label, answer = choice
        reply = await self._replied("answer", call.speaker, partial(self._resumed, dialogue, answer, call))
        return replace(reply, leaves=(Text("✔ {answer}", answer=label),))

    async def _resumed(self, dialogue: Dialogue, answer: str, call: Call) -> Reply:
        """Do what was said or tapped, now that there is one more answer."""
        spoken = typed(dialogue.line)
        if spoken is None:
            return await self._tap(replace(presses.tap(dialogue.line), words=answer), call)
        if answer == CANCEL:
            return await self._command(Typed("cancel", ""), replace(call, interrupts=True))
        known = find(spoken.name)
        if known.script:
            return await self._stepped(known, dialogue, answer, call)
        return await self._asking(spoken, call, {**dialogue.given, dialogue.asked: answer})

    async def _command(self, spoken: Typed, call: Call, given: Mapping[str, str] = _NOTHING) -> Reply:
        known = find(spoken.name)
        _require(known.rank, call.rank, call, known)
        call = replace(call, needed=known.rank)
        try:
            arguments = await known.parsed(spoken.rest, self._desk, call, given)
        except Unanswered as lacking:  # whoever may not do it is not asked either
            _require(known.rank, await self._rank_about(lacking.arguments, call), call, known)
            raise
        rank = await self._rank_about(arguments, call)
        _require(known.rank_for(arguments), rank, call, known)
        return await known.run(self._desk, replace(call, rank=rank), **arguments)

    async def _rank_about(self, arguments: Mapping[str, Any], call: Call) -> Rank:
        """What they may do about the list that the arguments name, if they name one."""
        mlist = await self._list_of(arguments)
        return call.rights.on(mlist.id) if mlist else call.rank

    async def _call(self, speaker: Actor, place: Place) -> Call:
        """Who speaks, where, and what they may do; an administrator's own room is remembered."""
        rooms = self._desk.stores.rooms
        room = await rooms.at(place)
        own = place.private and not speaker.is_login and (room is None or room.private_of != speaker.id)
        if own and await self._permissions.is_admin(speaker):
            await rooms.meet(place, speaker.id, self._desk.clock.now())
            room = await rooms.at(place)
        rights = await self._permissions.rights(speaker, room)
        language = self._desk.languages.of(room.language if room else "")
        return Call(speaker, place, rights, rights.highest, Rank.MODERATOR, language)

    async def _list_of(self, arguments: Mapping[str, Any]) -> MailingList | None:
        """The list that a command concerns; None for several or none."""
        for value in arguments.values():
            if isinstance(value, MailingList):
                return value
            if isinstance(value, Post):
                return await self._desk.stores.lists.get(value.mlist_id)
        return None

    async def _guarded(
        self, name: str, speaker: Actor, place: Place, run: Callable[[Call], Awaitable[Reply]]
    ) -> Shown:
        """Run it and draw the answer; whatever goes wrong becomes a sentence."""
        language = self._desk.languages.default

        async def called() -> Reply:
            nonlocal language
            call = await self._call(speaker, place)
            language = call.language
            with acting(speaker, _where(place)):
                return await run(call)

        try:
            return drawn(await self._replied(name, speaker, called), language)
        except Exception:  # noqa: BLE001 - see above
            _log.exception("command crashed", command=name, speaker=speaker.id)
            sorry = Text("Sorry, that went wrong here. Nothing of it is lost; the log says more.")
            return drawn(Reply(said=(sorry,), ok=False), language)

    async def _replied(self, name: str, speaker: Actor, run: Callable[[], Awaitable[Reply]]) -> Reply:
        """What it says, or what is wrong. The line itself is not logged: it may hold a password."""
        try:
            reply = await run()
        except UserError as error:
            _log.info("refused", command=name, speaker=speaker.id)
            return Reply(said=mistakes(error), ok=False)
        except Conflict:
            return Reply(
                said=(Text("Somebody changed that at the same moment: please try again."),), ok=False
            )
        except FacteurError as error:
            _log.warning("command failed", command=name, speaker=speaker.id, reason=str(error))
            return Reply(said=(error.text,), ok=False)
        _log.info("command", command=name, speaker=speaker.id, ok=reply.ok)
        return reply


async def _not_forwarded(_: Call) -> Reply:
    """Who passes on a command of somebody else has not said it."""
    raise UserError(Text("A command that is forwarded does not count: please type it yourself."))


def _over() -> UserError:
    return UserError(Text("That question is over, or was somebody else's. Please say the command again."))


def _require(needed: Rank, rank: Rank, call: Call, known: Command | None = None) -> None:
    """Raises UserError if `rank` is below what is needed."""
    if rank >= needed:
        return
    name = f"/{known.name}" if known else Text("This button")
    raise UserError(
        Text(
            "{name} is for {rank}. Your id here is {id}: an administrator can let you in.",
            name=name,
            rank=Text(RANKS[needed]),
            id=call.speaker.id,
        )
    )


def _where(place: Place) -> str:
    """A place as the trail of changes names it: ``telegram Modération``, ``terminal``."""
    return f"{place.transport} {place.title or ('' if place.private else place.address)}".strip()
