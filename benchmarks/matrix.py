"""How soon a held post is a complete card in Matrix, and what a stock homeserver's limits make of fifty.

    python -m benchmarks.matrix

The service in this process on the demonstration's mail servers, a Synapse with the limits that it is shipped
with, and the tests' Bot API server for the list's second room. Prints each figure in seconds, in a plain and
in an encrypted room, beside its limit and the load of the machine; exits 1 if one is over it.

`complete`: from the mailbox to a card with its three reactions. `there`, `back`: a decision in Telegram
closes the card in Matrix, and the other way round. `reachable`: fifty mails at once, until each is a card
or a line of one. `decided`: a moderator's fifty commands, until nothing waits. All of these within nine
events at once and then one in five seconds. `fifty`: with that limit lifted, fifty complete cards, posted as
ten rooms at once do it: none shows more than five posts singly. Most of it is the homeserver's own work, for
two hundred events: 25 ms of processor time each, and twice that where they come one after the other.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import structlog
from pydantic import SecretStr

from bot.app import PARTS, App, local_person, open_app
from bot.chat.cards import card as card_of
from bot.chat.facts import facts_of
from bot.demo.mailbox import DemoMailbox, demo_mailbox
from bot.demo.posts import LIST
from bot.demo.relay import DemoRelay, demo_relay
from config.settings import Matrix, Poll, Settings, Smtp, Telegram
from tests.support.bot_api import BotApi, Chat, Person
from tests.support.matrix_people import Member, logged_in, posts_shown
from tests.support.synapse import MatrixUser, Synapse, running_synapse

LIMITS = {"complete": 2.0, "there": 2.0, "back": 2.0, "reachable": 60.0, "decided": 60.0, "fifty": 10.0}
FIFTY = 50
ROOMS_AT_ONCE = 10
BUTTONS = {"✅", "❌", "🔇"}
PATIENCE_S = 120.0
MAIL = b"From: Paul <paul@example.net>\r\nSubject: %b\r\nMessage-ID: <%d@example.net>\r\n\r\nBonjour\r\n"


@dataclass
class Hall:
    """A list with a room on each network, and one moderator who is in both."""

    app: App
    mailbox: DemoMailbox
    bot: MatrixUser
    room_id: str
    anne: Member
    group: Chat
    anne_there: Person
    mails: int = 0

    async def deliver(self, *subjects: str) -> None:
        for subject in subjects:
            self.mails += 1
            await self.mailbox.deliver(MAIL % (subject.encode(), self.mails))

    def is_complete(self, event_id: str) -> bool:
        return set(self.anne.reactions(event_id, self.bot.id)) >= BUTTONS

    async def waiting(self) -> list[int]:
        """The numbers of the posts that are held."""
        done = await self.app.dispatcher.run_line(f"/pending {LIST}", local_person())
        return [int(row["id"]) for row in done.rows]


async def measured(synapse: Synapse, *, encrypted: bool) -> bool:
    """Print every figure of `LIMITS`; whether all are within theirs."""
    steps = (_complete, _there, _back, _reachable, _decided, _fifty)
    well = True
    async with _hall(synapse, encrypted=encrypted) as hall:
        for step, (name, limit) in zip(steps, LIMITS.items(), strict=True):
            if name == "fifty":
                await synapse.lift_limit(hall.bot)
                await _none_waits(hall)
            figure = await step(hall)
            well = well and figure <= limit
            kind = "encrypted" if encrypted else "plain"
            load = os.getloadavg()[0]
            print(f"{kind:10} {name:10} {figure:6.2f}   limit {limit:2.0f}   load {load:4.1f}", flush=True)
    return well


async def _complete(hall: Hall) -> float:
    began = time.monotonic()
    await hall.deliver("Carottes")
    event = await hall.anne.message("Carottes", by=hall.bot.id)
    await hall.anne.until(lambda: hall.is_complete(event.event_id))
    return time.monotonic() - began


async def _there(hall: Hall) -> float:
    card = await hall.group.shows("Carottes")
    event = await hall.anne.message("Carottes", by=hall.bot.id)
    began = time.monotonic()
    await hall.anne_there.taps(card, "❌")
    await hall.anne.edited(event.event_id, "Rejected by Anne")
    return time.monotonic() - began


async def _back(hall: Hall) -> float:
    await hall.deliver("Poireaux")
    card = await hall.group.shows("Poireaux")
    event = await hall.anne.message("Poireaux", by=hall.bot.id)
    began = time.monotonic()
    await hall.anne.react(hall.room_id, event.event_id, "❌")
    await hall.group.becomes(card, "Rejected by")
    return time.monotonic() - began


async def _reachable(hall: Hall) -> float:
    began = time.monotonic()
    numbers = range(hall.mails + 1, hall.mails + 1 + FIFTY)
    await hall.deliver(*(f"Post {number}" for number in numbers))
    await hall.anne.until(lambda: posts_shown(hall.anne, hall.bot.id) >= set(numbers), PATIENCE_S)
    return time.monotonic() - began


async def _decided(hall: Hall) -> float:
    """Each command is one more event; what the bot answers waits in line."""
    waiting = await hall.waiting()
    assert len(waiting) == FIFTY, waiting
    began = time.monotonic()
    for number in waiting:
        await hall.anne.say(hall.room_id, f"!discard {number}")
    while await hall.waiting():
        await asyncio.sleep(0.1)
    return time.monotonic() - began


async def _none_waits(hall: Hall) -> None:
    """Without the limit everything is brought up to date and answered."""

    def told() -> bool:
        said = [each.body for each in hall.anne.messages(hall.bot.id)]
        answers = [
            each for each in said if "rejected silently; that" in each or "is rejected silently" in each
        ]
        return any("none waits any more" in each for each in said) and len(answers) >= FIFTY

    await hall.anne.until(told, PATIENCE_S)


async def _fifty(hall: Hall) -> float:
    """Each of the workers posts its cards one after the other; the mails are there already."""
    await hall.deliver("Navets")
    while not (waiting := await hall.waiting()):
        await asyncio.sleep(0.1)
    app = hall.app
    post = await app.stores.posts.get(waiting[0])
    facts = await facts_of(post, app.stores, app.desk.accounts, app.clock)
    screen, _ = card_of(post, facts, app.desk.languages.of("en"))
    network = app.desk.chats["matrix"]

    async def work(first: int) -> list[str]:
        numbers = range(first, FIFTY, ROOMS_AT_ONCE)
        return [await network.post(hall.room_id, replace(screen, key=f"card {each}")) for each in numbers]

    began = time.monotonic()
    posted = await asyncio.gather(*map(work, range(ROOMS_AT_ONCE)))
    cards = [card for each in posted for card in each]
    await hall.anne.until(lambda: all(map(hall.is_complete, cards)), PATIENCE_S)
    return time.monotonic() - began


@asynccontextmanager
async def _hall(synapse: Synapse, *, encrypted: bool) -> AsyncIterator[Hall]:
    bot, anne = await synapse.add_user("facteur", limited=True), await synapse.add_user("anne")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "anne").mkdir()
        async with (
            demo_mailbox() as mailbox,
            demo_relay() as relay,
            BotApi().listening() as api,
            logged_in(synapse, anne, Path(folder) / "anne") as member,
            open_app(_settings(Path(folder), synapse, bot, anne, api, relay)) as app,
        ):
            api.limits.on = False
            await _do(
                app,
                f"/addlist {LIST} host={mailbox.host} port={mailbox.port} security=none moderation=all "
                f"username={mailbox.username} password={mailbox.password} undo_s=0",
            )
            app.start(PARTS)
            anne_there = api.person("Anne", 101)
            group = api.group("Modération", anne_there)
            await anne_there.says(group, f"/bind {LIST}")
            await group.shows("decided in this room")
            room_id = await member.room(bot, encrypted=encrypted)
            await member.joined(room_id, bot)
            await member.say(room_id, f"!bind {LIST}")
            await member.message("decided in this room", by=bot.id)
            yield Hall(app, mailbox, bot, room_id, member, group, anne_there)


def _settings(
    folder: Path, synapse: Synapse, bot: MatrixUser, anne: MatrixUser, api: BotApi, relay: DemoRelay
) -> Settings:
    return Settings(
        language="en",
        data_dir=folder / "data",
        poll=Poll(interval_s=5),  # the demonstration's mailbox does not tell of each mail in a flood
        admins=["telegram:101", f"matrix:{anne.id}"],
        smtp=Smtp(host=relay.host, port=relay.port, security="none"),
        telegram=Telegram(token=SecretStr(api.token), base_url=api.url),
        matrix=Matrix(homeserver=synapse.url, user_id=bot.id, password=SecretStr(bot.password)),
    )


async def _do(app: App, command: str) -> None:
    done = await app.dispatcher.run_line(command, local_person())
    assert done.ok, done.text


def main() -> int:
    """Print and judge."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with running_synapse(on_disk=True) as synapse:
        both = [asyncio.run(measured(synapse, encrypted=encrypted)) for encrypted in (False, True)]
    return int(not all(both))


if __name__ == "__main__":
    sys.exit(main())
