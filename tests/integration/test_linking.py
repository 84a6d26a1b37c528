"""Who is who: a code that is mailed to an address ties a chat account to the person who reads there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.core.addresses import Address
from bot.core.chat import Answer, Place, Utterance
from bot.core.people import ANONYMOUS, Actor
from bot.flow.linking import WrongCode
from tests.support.clock import ManualClock
from tests.support.dovecot import Dovecot
from tests.support.office import text_of
from tests.support.smtp_server import SmtpServers, Taken
from tests.support.world import World, mail, opened_world, parsed

LOUISE = Actor("telegram:7", "Louise")
MALLORY = Actor("telegram:8", "Mallory\r\nBcc: x@y.example")
GROUP = Place("telegram", "-1", title="Modération")
ADDRESS = "louise@example.org"


@dataclass
class Chat:
    """Somebody alone with the bot."""

    world: World
    speaker: Actor = LOUISE
    place: Place = field(default_factory=lambda: Place("telegram", "7", private=True))

    async def says(self, words: str, *, forwarded: bool = False) -> str:
        answer = await self.world.app.dispatcher.said(
            Utterance(self.speaker, self.place, words, forwarded=forwarded)
        )
        return _read(answer)

    async def asks_for_code(self, address: str = ADDRESS) -> str:
        said = await self.says(f"/link {address}")
        await self.world.pass_()
        return said


def _read(answer: Answer | None) -> str:
    assert answer
    return "\n".join(map(text_of, answer.screens))


def codes(world: World) -> list[str]:
    return [code_in(taken) for taken in world.relay.taken if b"X-Auto-Response-Suppress" in taken.raw]


def code_in(taken: Taken) -> str:
    found = re.search(r"\d{6}", str(parsed(taken)["Subject"]))
    assert found
    return found[0]


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


@pytest.fixture
async def louise(
    tmp_path: Path, dovecot: Dovecot, smtp_servers: SmtpServers, clock: ManualClock
) -> AsyncIterator[Chat]:
    """She moderates a list whose room wants linked moderators; facteur has an address of its own."""
    relay = await smtp_servers()
    smtp: dict[str, Any] = {"from": "facteur@amap.example"}
    async with opened_world(tmp_path / "data", dovecot, relay, clock, **smtp) as world:
        await world.add_list(room_policy="moderators")
        await world.do(f"/addmoderator {world.name} Louise Roy <{ADDRESS}>")
        yield Chat(world)


async def test_a_code_by_mail_makes_a_chat_account_a_person(louise: Chat) -> None:
    assert "is for moderators" in await louise.says("/pending")

    assert "If louise@example.org is in our directory" in await louise.asks_for_code()
    [taken] = louise.world.relay.taken
    assert (taken.mail_from, taken.recipients) == ("facteur@amap.example", (ADDRESS,))
    written = parsed(taken)
    assert str(written["From"]) == "AMAP des Trois Rivières <facteur@amap.example>"
    assert written["Auto-Submitted"] == "auto-generated"
    body = written.get_body(("plain",))
    assert body
    assert "Louise (telegram:7)" in body.get_content()

    code = code_in(taken)
    assert "You are Louise Roy <louise@example.org>" in await louise.says(f" {code[:3]} {code[3:]} ")
    assert "Louise Roy" in await louise.says("/whoami")
    assert "No post waits" in await louise.says("/pending")
    assert "not linked" in await louise.says("/unlink")
    assert "is for moderators" in await louise.says("/pending")
    assert "not linked" in await louise.says("/unlink")
    assert "louise" not in (await louise.says("/whoami")).replace("Louise, id", "")


async def test_a_linked_moderator_decides_where_the_room_wants_one_and_elsewhere(louise: Chat) -> None:
    world = louise.world
    await world.app.stores.rooms.bind(GROUP, 1, world.clock.now())
    await world.deliver(mail(), mail(subject="Poireaux"))
    await louise.asks_for_code()
    await louise.says(codes(world)[0])

    assert "is for moderators" in await Chat(world, MALLORY, GROUP).says("/discard 1")
    assert "is for owners" in await louise.says(f"/set {world.name} moderation=open")
    await Chat(world, LOUISE, GROUP).says("/discard 1")
    await louise.says("/discard 2")
    assert {(await world.state(number))[0] for number in (1, 2)} == {"discarded"}


async def test_nothing_tells_whether_the_directory_knows_an_address(louise: Chat) -> None:
    mallory = Chat(louise.world, MALLORY)
    known = await louise.asks_for_code()
    unknown = await mallory.asks_for_code("nobody@example.org")
    assert known.replace(ADDRESS, "X") == unknown.replace("nobody@example.org", "X")
    assert louise.world.sent_to() == [ADDRESS]
    code = codes(louise.world)[0]
    assert (await louise.says(wrong(code))).splitlines()[0] == (await mallory.says(code)).splitlines()[0]


async def test_five_tries_and_no_more(louise: Chat) -> None:
    await louise.asks_for_code()
    code = codes(louise.world)[0]
    left = [await louise.says(wrong(code)) for _ in range(5)]
    assert [re.findall(r"(\d) tr", said) for said in left] == [["4"], ["3"], ["2"], ["1"], []]
    assert "not waiting for a code" in await louise.says(f"/link {ADDRESS} code={code}")
    assert "nobody in the directory" in await louise.says("/whoami")


async def test_tries_at_once_are_five_all_the_same(louise: Chat) -> None:
    """Of several processes, or of one that is asked faster than it answers."""
    await louise.asks_for_code()
    code = codes(louise.world)[0]
    linking = louise.world.app.desk.linking
    tries = [wrong(code)] * 9

    found = await asyncio.gather(
        *(linking.link(LOUISE, Address(ADDRESS), each) for each in tries), return_exceptions=True
    )

    assert sorted(each.left for each in found if isinstance(each, WrongCode)) == [0, 1, 2, 3, 4]
    assert [str(each) for each in found if not isinstance(each, WrongCode)] == [
        "I am not waiting for a code from you any more: /link sends one."
    ] * 4
    assert "not waiting for a code" in await louise.says(f"/link {ADDRESS} code={code}")


async def test_codes_asked_for_at_once_are_few_all_the_same(louise: Chat) -> None:
    linking = louise.world.app.desk.linking
    asked = (linking.send_code(LOUISE, Address(ADDRESS), "en") for _ in range(7))
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [str(each) for each in found].count("None") == 3


async def test_a_code_serves_once_its_own_account_and_a_quarter_of_an_hour(louise: Chat) -> None:
    world, mallory = louise.world, Chat(louise.world, MALLORY)
    await louise.asks_for_code()
    said = f"/link {ADDRESS} code={codes(world)[0]}"
    assert "not waiting for a code" in await mallory.says(said)
    assert "not waiting for a code" in await louise.says(said.replace(ADDRESS, "other@example.org"))
    assert "You are Louise Roy" in await louise.says(said)
    assert "not waiting for a code" in await louise.says(said)

    await mallory.asks_for_code()
    await world.later(minutes=15)
    assert "not waiting for a code" in await mallory.says(f"/link {ADDRESS} code={codes(world)[1]}")


async def test_codes_are_few_for_an_account_and_for_an_address(louise: Chat) -> None:
    """Whoever tries from many accounts, or for many addresses, fills nobody's mailbox."""
    for number in range(3):
        assert "on its way" in await louise.asks_for_code(f"{number}@example.org")
    assert "wait until" in await louise.asks_for_code()
    others = [Chat(louise.world, Actor(f"telegram:{number}", "Mallory")) for number in range(100, 104)]
    said = [await other.asks_for_code() for other in others]
    assert ["on its way" in each for each in said] == [True, True, True, False]
    assert louise.world.sent_to() == [ADDRESS] * 3
    await louise.world.later(hours=1, minutes=1)
    assert "on its way" in await louise.asks_for_code()


async def test_the_name_of_an_account_adds_nothing_to_the_mail(louise: Chat) -> None:
    await Chat(louise.world, MALLORY).asks_for_code()
    [taken] = louise.world.relay.taken
    assert parsed(taken)["Bcc"] is None
    assert taken.recipients == (ADDRESS,)


async def test_who_cannot_be_known_is_nobody(louise: Chat) -> None:
    """A group's anonymous administrator, the machine itself, a command of somebody else."""
    anonymous = Chat(louise.world, Actor(f"{ANONYMOUS}telegram:-1", "Somebody"), GROUP)
    assert "as yourself" in await anonymous.says(f"/link {ADDRESS}")
    assert "is no id" in await louise.world.refused(f"/addadmin {ANONYMOUS}telegram:-1")
    assert "Only accounts in a chat" in await louise.world.refused(f"/link {ADDRESS}")
    assert "in private" in await Chat(louise.world, LOUISE, GROUP).says(f"/link {ADDRESS}")
    assert "forwarded does not count" in await louise.says(f"/link {ADDRESS}", forwarded=True)
    await louise.world.pass_()
    assert louise.world.relay.taken == []


async def test_without_an_address_of_its_own_the_code_is_mail_of_the_person_s_list(world: World) -> None:
    louise = Chat(world)
    assert "cannot send mail yet" in await louise.says(f"/link {ADDRESS}")
    await world.another().add_list()
    await world.add_list()
    await world.do(f"/addmember {world.name} Louise Roy <{ADDRESS}>")
    await louise.asks_for_code()
    [taken] = world.relay.taken
    assert taken.mail_from == world.address


async def test_mail_of_no_list_is_seen_by_administrators_and_forgotten_with_the_person(louise: Chat) -> None:
    world = louise.world
    await louise.says(f"/link {ADDRESS}")
    [row] = await world.rows("/queue")
    assert (row["list"], row["post_id"], row["recipient"]) == (None, None, ADDRESS)
    await world.pass_()
    assert "from facteur itself" in await world.said(f"/trace {ADDRESS}")
    await world.do(f"/forget {ADDRESS} confirm=yes")
    assert await world.rows(f"/trace {ADDRESS}") == []


async def test_mail_of_no_list_is_forgotten_in_time(louise: Chat) -> None:
    await louise.asks_for_code()
    assert len(await louise.world.rows(f"/trace {ADDRESS}")) == 1
    await louise.world.later(days=91)
    assert await louise.world.rows(f"/trace {ADDRESS}") == []
