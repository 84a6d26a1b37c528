"""A moderator who is a program: decides the sample posts and checks everything that comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Any

from typing_extensions import override

from bot.app import App, local_person
from bot.core.chat import Place, Press, Screen, Utterance
from bot.core.header import Header, split
from bot.core.ports import ChatTransport, Listener
from bot.core.posts import PostState
from bot.core.text import Text, verbatim
from bot.demo.mailbox import DemoMailbox
from bot.demo.posts import LIST, MEMBERS, STRANGER
from bot.demo.relay import DemoRelay, Relayed

_PATIENCE_S = 120.0
"""For the whole play, which takes a few seconds on a machine that does nothing else."""
_PLACE = Place("auto", "auto", private=True)


class AutomaticModerator(ChatTransport):
    """A room whose only person plays the demonstration from its first card to the last copy."""

    name = _PLACE.transport

    def __init__(self, app: App, mailbox: DemoMailbox, relay: DemoRelay, posts: Sequence[bytes]) -> None:
        """`posts`: the member's, the stranger's and the farm's mail, as delivered to `mailbox`."""
        self._app = app
        self._mailbox = mailbox
        self._relay = relay
        self._bodies = [split(raw)[1] for raw in posts]
        self._cards: dict[str, Screen] = {}
        self._shown = asyncio.Condition()
        self.exit_code = 1

    @override
    async def run(self, listener: Listener) -> None:
        """Play; `exit_code` is 0 afterwards if every step did what it says."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._play(listener)
        except AssertionError as error:
            _print(f"✗ {error}")
        except TimeoutError:
            late = Text("it did not happen in time")
            _print(f"✗ {self._worded(late)}")
        else:
            self.exit_code = 0

    @override
    async def drain(self, listener: Listener) -> None:
        """Nothing is said before `run`."""

    @override
    async def check(self, address: str = "") -> Text | None:
        return None

    @override
    async def part_of(self, place: Place, title: str, among: Collection[str]) -> Place:
        return place

    @override
    async def close(self) -> None:
        """There is nothing to leave."""

    @override
    async def post(self, address: str, screen: Screen) -> str:
        message_id = str(len(self._cards))
        await self.edit(address, message_id, screen)
        return message_id

    @override
    async def edit(self, address: str, message_id: str, screen: Screen) -> None:
        self._cards[message_id] = screen
        async with self._shown:
            self._shown.notify_all()

    async def _play(self, listener: Listener) -> None:
        await self._until(Text("three held posts have a card"), lambda: len(self._with("distribute:")) == 3)
        member, stranger, farm = [row["id"] for row in reversed(await self._rows("/pending"))]

        await self._press(listener, f"distribute:{member}:")
        await self._until(Text("a decision can be undone"), lambda: bool(self._with(f"undo:{member}:")))
        await self._press(listener, f"undo:{member}:")
        await self._until(
            Text("undone, the post waits again"), lambda: bool(self._with(f"distribute:{member}:"))
        )
        self._tick(Text("nothing left meanwhile"), holds=not self._relay.taken)
        await self._rows(f"/set {LIST} undo_s=0")

        await self._press(listener, f"distribute:{member}:")
        await self._press(listener, f"distribute:{farm}:")
        await listener.said(Utterance(local_person(), _PLACE, f"/reject {stranger} Écrivez à l'accueil"))
        await self._relay.wait_for(2 * len(MEMBERS) + 1)
        await self._until(Text("every card is closed"), lambda: not self._with(""))
        self._check_copies()
        self._check_notice()
        await self._check_archive({member: "distributed", stranger: "rejected", farm: "distributed"})

    def _check_copies(self) -> None:
        copies = [mail for mail in self._relay.taken if mail.recipients != (STRANGER.address,)]
        everybody = {member.address for member in MEMBERS}
        wanted = (
            (Text("the member's post reached every member, its body untouched"), self._bodies[0]),
            (Text("the farm's post reached every member, its body untouched"), self._bodies[2]),
        )
        for what, body in wanted:
            got = [copy for copy in copies if split(copy.raw)[1] == body]
            self._tick(what, holds=_recipients(got) == everybody)
        headers = [split(copy.raw)[0] for copy in copies]
        self._tick(Text("every copy is the list's"), holds=all(map(_is_the_lists, headers)))

    def _check_notice(self) -> None:
        notices = [mail for mail in self._relay.taken if mail.recipients == (STRANGER.address,)]
        answers = [split(mail.raw)[0].first("auto-submitted") for mail in notices]
        self._tick(Text("the stranger was told, once"), holds=answers == ["auto-replied"])

    async def _check_archive(self, expected: dict[int, str]) -> None:
        states = {row["id"]: row["state"] for row in await self._rows("/archives")}
        self._tick(Text("the archive says what became of each"), holds=states == expected)
        self._tick(Text("the mailbox is empty"), holds=await self._mailbox.count() == 0)
        held = [row for row in await self._rows("/pending") if row["state"] == PostState.HELD]
        self._tick(Text("nothing waits any more"), holds=not held)

    async def _rows(self, line: str) -> Sequence[dict[str, Any]]:
        done = await self._app.dispatcher.run_line(line, local_person())
        self._tick(verbatim(line), holds=done.ok)
        return [dict(row) for row in done.rows]

    async def _press(self, listener: Listener, start: str) -> None:
        [data] = self._with(start)
        answer = await listener.pressed(Press(local_person(), _PLACE, data))
        _print(f"  {answer.text}")

    def _with(self, start: str) -> list[str]:
        """What the buttons on the cards carry, as far as it starts so."""
        buttons = [button for card in self._cards.values() for row in card.buttons for button in row]
        return [button.data for button in buttons if button.data.startswith(start)]

    async def _until(self, what: Text, holds: Callable[[], bool]) -> None:
        async with self._shown:
            await self._shown.wait_for(holds)
        self._tick(what, holds=True)

    def _tick(self, what: Text, *, holds: bool) -> None:
        """Tell a step that is done. Raises AssertionError if it did not do what it says."""
        if not holds:
            raise AssertionError(self._worded(what))
        _print(f"✓ {self._worded(what)}")

    def _worded(self, text: Text) -> str:
        return text.render(self._app.desk.languages.default)


def _is_the_lists(header: Header) -> bool:
    authors = [author.address for author in header.mailboxes("from")]
    return authors == [LIST] and header.first("subject").startswith("[adherents] ") and header.has("list-id")


def _recipients(mails: Sequence[Relayed]) -> set[str]:
    return {recipient for mail in mails for recipient in mail.recipients}


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a command line speaks on standard output
