"""Every command as everybody: whoever lacks the role gets nothing out of it, and changes nothing.

The lines are made from the commands' definitions, so that a new command is among them by itself.
"""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

import asyncpg
import pytest

from bot.chat.permissions import Rights
from bot.chat.registry import Command, Unanswered, commands
from bot.core.addresses import Address, Mailbox
from bot.core.chat import Answer, Place, Screen, Utterance
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.people import ANONYMOUS, Actor, Rank, Role
from bot.core.posts import Post
from storage.engines import Where
from tests.support.office import ANNE, CONSOLE, MAIL, PAUL, STRANGER, Office, desk
from tests.support.office import office as an_office
from tests.support.patience import WAIT_S
from tests.support.ranks import last, lines_of, member_of, trial_of, words_for
from tests.support.stores import SQLITE
from tests.support.terminals import Watcher, pipes
from transports.terminal.room import Terminal, face_for

__all__ = ["an_office", "desk"]

NAMES = ("adherents", "bureau", "conseil")
"""Of the lists: the second is another one, the third asks for linked moderators."""

MEMBER = Actor("telegram:11", "Fatou")
MODERATOR = Actor("telegram:12", "Gaston")
OWNER = Actor("telegram:13", "Ines")
OTHER_OWNER = Actor("telegram:14", "Omar")
NOBODY = Actor(f"{ANONYMOUS}telegram:-1", "Somebody anonymous")
ROOMS = {name: Place("telegram", f"-{n}", title=f"Salle {name}") for n, name in enumerate(NAMES, 1)}
ALONE = Place("telegram", "99", private=True)

REFUSED = re.compile(r"is for (moderators|owners of the list|administrators)\.")


@dataclass(frozen=True)
class Standpoint:
    """Somebody somewhere, and what they may do by the name of the list; one not named is nothing to them."""

    name: str
    speaker: Actor
    place: Place
    ranks: Mapping[str, Rank] = field(default_factory=dict)
    admin: bool = False

    def rank(self, about: MailingList | None) -> Rank:
        if self.admin:
            return Rank.ADMIN
        if about:
            return self.ranks.get(about.local_part, Rank.ANYONE)
        return max(self.ranks.values(), default=Rank.ANYONE)


STANDPOINTS = (
    Standpoint("anyone", STRANGER, ALONE),
    Standpoint("member in the room of another list", MEMBER, ROOMS["bureau"], {"bureau": Rank.MODERATOR}),
    Standpoint("anyone in the list's room", STRANGER, ROOMS["adherents"], {"adherents": Rank.MODERATOR}),
    Standpoint(
        "somebody anonymous in the list's room", NOBODY, ROOMS["adherents"], {"adherents": Rank.MODERATOR}
    ),
    Standpoint("somebody anonymous of a room that wants linked moderators", NOBODY, ROOMS["conseil"]),
    Standpoint("anyone in a room that wants linked moderators", STRANGER, ROOMS["conseil"]),
    Standpoint(
        "linked moderator in such a room",
        MODERATOR,
        ROOMS["conseil"],
        {"adherents": Rank.MODERATOR, "conseil": Rank.MODERATOR},
    ),
    Standpoint(
        "linked moderator elsewhere",
        MODERATOR,
        ALONE,
        {"adherents": Rank.MODERATOR, "conseil": Rank.MODERATOR},
    ),
    Standpoint("owner of the list", OWNER, ALONE, {"adherents": Rank.OWNER}),
    Standpoint("owner of another list", OTHER_OWNER, ALONE, {"bureau": Rank.OWNER}),
    Standpoint(
        "owner of another list in the list's room",
        OTHER_OWNER,
        ROOMS["adherents"],
        {"bureau": Rank.OWNER, "adherents": Rank.MODERATOR},
    ),
    Standpoint("administrator", PAUL, ALONE, admin=True),
    Standpoint("local administrator", ANNE, CONSOLE, admin=True),
)


ON_POSTGRES = next(each for each in STANDPOINTS if len(set(each.ranks.values())) > 1)
"""Who is something else to each list; the others are tried on SQLite alone, as it takes them seconds."""

Version: TypeAlias = Callable[[], Awaitable[object]]
"""Another one after each commit of somebody else's that changes anything."""


@asynccontextmanager
async def watching(database: Where) -> AsyncIterator[Version]:
    """By what the database itself tells of its rows, not by what our stores say."""
    if isinstance(database, Path):
        with closing(sqlite3.connect(database)) as watch:

            async def version() -> object:
                return watch.execute("PRAGMA data_version").fetchone()

            yield version
        return
    connection = await asyncpg.connect(database)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [f"SELECT count(*), max(xmin::text::bigint) FROM {name}" for (name,) in tables]
        yield partial(connection.fetch, " UNION ALL ".join(rows))
    finally:
        await connection.close()


@dataclass
class Installation:
    """Three lists, each with a person of every role, a held post and a room."""

    office: Office
    version: Version
    lists: dict[str, MailingList] = field(default_factory=dict)
    posts: dict[str, Post] = field(default_factory=dict)

    @classmethod
    async def furnished(cls, office: Office, version: Version) -> Installation:
        made = cls(office, version)
        before = await version()
        await office.do("/addgroup voisins")
        assert await version() != before
        for name in NAMES:
            mlist = (
                office.mlist
                if name == office.mlist.local_part
                else await office.add_list(f"{name}@amap.example")
            )
            await made._furnish(name, mlist)
        await office.do("/set conseil room_policy=moderators")
        linked = {MODERATOR: ("adherents", "conseil"), OWNER: ("adherents",), OTHER_OWNER: ("bureau",)}
        for actor, where in {**linked, MEMBER: ()}.items():
            await made._link(actor, where)
        made.lists = {each.local_part: each for each in await office.desk.stores.lists.all()}
        return made

    async def _furnish(self, name: str, mlist: MailingList) -> None:
        office, stores = self.office, self.office.desk.stores
        await stores.people.grant(mlist, Role.MEMBER, Mailbox(f"Secret {name}", member_of(name)))
        person, _ = await stores.people.grant(mlist, Role.MEMBER, Mailbox("", member_of(name)))
        await stores.people.add_address(person.id, Address(f"other.address.{name}@example.org"))
        mail = MAIL.replace(b"adherents@", f"{name}@".encode()).replace(b"poireaux", f"texte-{name}".encode())
        mail = mail.replace(b"Panier de jeudi", f"Sujet-{name}".encode())
        self.posts[name] = await office.hold(mail, on=mlist)
        await stores.rooms.bind(ROOMS[name], mlist.id, office.clock.now())

    async def _link(self, actor: Actor, names: tuple[str, ...]) -> None:
        stores = self.office.desk.stores
        role = Role.MODERATOR if actor is MODERATOR else Role.OWNER
        address = Address(f"{actor.name.lower()}@example.org")
        for name in names or ("adherents",):
            mlist = next(each for each in await stores.lists.all() if each.local_part == name)
            await stores.people.grant(mlist, role if names else Role.MEMBER, Mailbox(actor.name, address))
        assert await stores.admins.link(actor.id, address)

    def lines(self, known: Command, standpoint: Standpoint) -> Iterator[str]:
        """The command about one list of each kind for who says it, and about what there is beside them."""
        about = {standpoint.rank(each): name for name, each in self.lists.items()}
        words = [words_for(self.lists[name], self.posts[name]) for name in about.values()]
        return iter(dict.fromkeys(line for some in words for line in lines_of(known, some)))

    async def needed(self, known: Command, line: str) -> tuple[Rank, MailingList | None]:
        """The rank that it takes, and about which list; what cannot be read takes the command's own."""
        call = replace(self.office.call, rights=Rights(admin=True))
        try:
            arguments = await known.parsed(line.partition(" ")[2], self.office.desk, call)
        except Unanswered as lacking:
            arguments = dict(lacking.arguments)
            rank = known.rank
        except UserError:
            return known.rank, None
        else:
            rank = known.rank_for(arguments)
        about = [each for each in arguments.values() if isinstance(each, MailingList)]
        posts = [each for each in arguments.values() if isinstance(each, Post)]
        about += [each for post in posts for each in self.lists.values() if each.id == post.mlist_id]
        return rank, about[0] if about else None

    async def told(self, line: str, standpoint: Standpoint) -> str:
        """All that they get, hidden parts of buttons and contents of files included."""
        answer = await self.office.dispatcher.said(Utterance(standpoint.speaker, standpoint.place, line))
        return everything(answer) if answer else ""


def everything(answer: Answer) -> str:
    return "\n".join([answer.text, *map(_all_of, answer.screens)])


def _all_of(screen: Screen) -> str:
    lines = ["".join(span.text for span in line) for line in (*screen.lines, *screen.below)]
    buttons = [f"{button.label} {button.data}" for row in screen.buttons for button in row]
    files = [f"{file.name} {file.content.decode(errors='replace')}" for file in screen.files]
    return "\n".join([*lines, screen.quote, *buttons, *files])


def secrets_of(name: str) -> tuple[str, ...]:
    """What nobody may read to whom the list is nothing."""
    return (
        f"{name}@amap",
        f"Secret {name}",
        f"other.address.{name}",
        f"Sujet-{name}",
        f"texte-{name}",
        f"Salle {name}",
    )


@pytest.fixture
async def installation(an_office: Office, database: Where) -> AsyncIterator[Installation]:
    async with watching(database) as version:
        yield await Installation.furnished(an_office, version)


@pytest.mark.parametrize(
    ("standpoint", "database"),
    [*((each, "sqlite") for each in STANDPOINTS), (ON_POSTGRES, "postgres")],
    ids=lambda each: each.name if isinstance(each, Standpoint) else each,
    indirect=["database"],
)
async def test_whoever_lacks_the_role_gets_nothing_and_changes_nothing(
    installation: Installation, standpoint: Standpoint
) -> None:
    allowed = []
    for known in commands().values():
        for line in installation.lines(known, standpoint):
            needed, about = await installation.needed(known, line)
            if standpoint.rank(about) >= needed:
                allowed.append((known, line))
                continue
            before = await installation.version()
            assert_kept_secret(await installation.told(line, standpoint), standpoint, line)
            assert await installation.version() == before, f"{line} changed something"
    ends = [line for known, line in allowed if last(known)]
    for line in [*(line for known, line in allowed if not last(known)), *reversed(ends)]:
        told = await installation.told(line, standpoint)
        assert not REFUSED.search(told), f"{line}: {told}"
        assert_kept_secret(told, standpoint, line)


def assert_kept_secret(told: str, standpoint: Standpoint, line: str) -> None:
    for name in () if standpoint.admin else NAMES:
        if name not in standpoint.ranks:
            assert [secret for secret in secrets_of(name) if secret in told] == [], f"{line}: {told}"


@SQLITE
async def test_a_refusal_says_whose_it_is_and_asks_nothing(installation: Installation) -> None:
    """Although something is missing: what there is to choose from is not theirs to know."""
    anyone = STANDPOINTS[0]
    for known in commands().values():
        if known.rank > Rank.ANYONE:
            assert REFUSED.search(await installation.told(f"/{known.name}", anyone)), known.name


@SQLITE
@pytest.mark.parametrize(
    ("speaker", "rank"),
    [(STRANGER, Rank.ANYONE), (MODERATOR, Rank.MODERATOR), (OWNER, Rank.OWNER), (ANNE, Rank.ADMIN)],
    ids=["anyone", "moderator", "owner", "administrator"],
)
async def test_every_command_typed_in_a_terminal(
    installation: Installation, tmp_path: Path, speaker: Actor, rank: Rank
) -> None:
    """The place lends nobody a right; only a login of this machine is an administrator."""
    with pipes() as (source, sink, keyboard, watched):
        terminal = Terminal(speaker, downloads=tmp_path, face=face_for(source, sink))
        screen = Watcher(watched)

        running = asyncio.create_task(terminal.run(installation.office.dispatcher))
        trial = trial_of(rank, installation.lists["adherents"], installation.posts["adherents"])
        for line in (*trial.lines, *trial.ends, "/quit"):
            os.write(keyboard, f"{line}\n".encode())
        await asyncio.wait_for(running, WAIT_S)
        os.write(sink.fileno(), b"that is all")
        await screen.until("that is all")
        screen.stop()
    assert sorted(re.findall(r"^/(\w+) is for ", screen.text, re.MULTILINE)) == sorted(trial.refused)
    for name in NAMES if rank is Rank.ANYONE else ():
        assert [secret for secret in secrets_of(name) if secret in screen.text] == []
