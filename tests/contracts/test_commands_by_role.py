"""Every command as everybody: whoever lacks the role gets nothing out of it, and changes nothing.

The lines are made from the commands' definitions, so that a new command is among them by itself.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bot.chat.kinds import ADMINS, ALL, by_id
from bot.chat.permissions import Rights
from bot.chat.registry import Command, Unanswered, commands
from bot.core.addresses import Address, Mailbox
from bot.core.chat import Answer, Place, Screen, Utterance
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.people import ANONYMOUS, Actor, Rank, Role
from bot.core.posts import Post
from tests.support.office import ANNE, CONSOLE, MAIL, PAUL, STRANGER, Office, desk
from tests.support.office import office as an_office
from tests.support.stores import SQLITE

__all__ = ["an_office", "desk"]

pytestmark = SQLITE

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


@dataclass
class Installation:
    """Three lists, each with a person of every role, a held post and a room."""

    office: Office
    watch: sqlite3.Connection
    lists: dict[str, MailingList] = field(default_factory=dict)
    posts: dict[str, Post] = field(default_factory=dict)

    @classmethod
    async def furnished(cls, office: Office, watch: sqlite3.Connection) -> Installation:
        made = cls(office, watch)
        await office.do("/addgroup voisins")
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

    def version(self) -> int:
        """Moves with each commit of others."""
        return int(self.watch.execute("PRAGMA data_version").fetchone()[0])

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


def member_of(name: str) -> Address:
    return Address(f"member.{name}@example.org")


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
async def installation(an_office: Office, database: Path) -> AsyncIterator[Installation]:
    with closing(sqlite3.connect(database)) as watch:
        yield await Installation.furnished(an_office, watch)


def words_for(mlist: MailingList, post: Post) -> Mapping[str, str]:
    """What to type for each kind of parameter, by its label; a new kind needs a line here."""
    return {
        "ADDRESS": member_of(mlist.local_part),
        "CODE": "123456",
        "COMMAND": "set",
        "GROUP": "@voisins",
        "ID": str(post.id),
        "LANG": "en",
        "LIST": by_id(mlist),
        "LIST|ID": by_id(mlist),
        "LIST|admins": by_id(mlist),
        "LIST|all": by_id(mlist),
        "NAME": "held",
        "PASSWORD": "s3cret",
        "PATH": "/nowhere.csv",
        "PATTERN": "*@example.net",
        "REASON": "no",
        "KEY": "moderation",
        "SECTION": "notices",
        "TARGET": by_id(mlist),
        "URL|PATH": "/nowhere.csv",
        "VALUE": "open",
        "WHO": "somebody.new@example.net",
        "WORDS": "zzz",
        "[LANG] TEXT": "Bonjour",
        "key=value...": "moderation=open",
        "yes": "yes",
    }


def lines_of(known: Command, words: Mapping[str, str]) -> Iterator[str]:
    """The command about one list: with all that it takes, with what it needs, alone, and for all."""
    written = [
        f"{param.name}={words[param.kind.label]}" if param.option else words[param.kind.label]
        for param in known.params
    ]
    needed = [word for word, param in zip(written, known.params, strict=True) if param.required]
    yield from dict.fromkeys(" ".join([f"/{known.name}", *some]) for some in (written, needed, []))
    for param in known.params:
        for word in {ALL, ADMINS} & set(param.kind.label.split("|")):
            yield " ".join(
                [f"/{known.name}", *(word if each == words[param.kind.label] else each for each in written)]
            )


def last(known: Command) -> bool:
    """What takes away what the other commands are about comes behind them."""
    return known.name.startswith(("del", "forget", "rename", "un"))


@pytest.mark.parametrize("standpoint", STANDPOINTS, ids=lambda each: each.name)
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
            before = installation.version()
            assert_kept_secret(await installation.told(line, standpoint), standpoint, line)
            assert installation.version() == before, f"{line} changed something"
    ends = [line for known, line in allowed if last(known)]
    for line in [*(line for known, line in allowed if not last(known)), *reversed(ends)]:
        told = await installation.told(line, standpoint)
        assert not REFUSED.search(told), f"{line}: {told}"
        assert_kept_secret(told, standpoint, line)


def assert_kept_secret(told: str, standpoint: Standpoint, line: str) -> None:
    for name in () if standpoint.admin else NAMES:
        if name not in standpoint.ranks:
            assert [secret for secret in secrets_of(name) if secret in told] == [], f"{line}: {told}"


async def test_a_refusal_says_whose_it_is_and_asks_nothing(installation: Installation) -> None:
    """Although something is missing: what there is to choose from is not theirs to know."""
    anyone = STANDPOINTS[0]
    for known in commands().values():
        if known.rank > Rank.ANYONE:
            assert REFUSED.search(await installation.told(f"/{known.name}", anyone)), known.name
