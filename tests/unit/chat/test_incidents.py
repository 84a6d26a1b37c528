"""What administrators see of an incident, and the button that accepts a certificate."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.chat.rooms import RoomWorker
from bot.core.chat import Place
from bot.core.lists import Certificate
from bot.core.people import Actor
from bot.core.text import Text
from tests.support.office import PAUL, Office, buttons_of, text_of
from tests.support.wall import Wall
from transports.matrix.keyboard import keys_of

OFFICE = Place("test", "-9", title="Bureau")
SEEN = Certificate("imap.example.org:993", "ab" * 32)
LOUISE = Actor("telegram:7", "Louise")


@pytest.fixture
async def worker(office: Office) -> tuple[RoomWorker, Wall]:
    desk, wall = office.desk, Wall()
    await desk.stores.rooms.bind(OFFICE, None, office.clock.now())
    room = await desk.stores.rooms.at(OFFICE)
    assert room
    return RoomWorker(desk.stores, desk.accounts, desk.languages, desk.clock, wall, room), wall


async def fail(office: Office, trouble: Text | None, seen: Certificate | None = None) -> None:
    await office.desk.stores.lists.polled(office.mlist.id, office.clock.now(), trouble, seen)


async def test_one_card_tells_the_beginning_and_the_end(
    office: Office, worker: tuple[RoomWorker, Wall]
) -> None:
    step, wall = worker[0].step, worker[1]
    await fail(office, Text("the password is refused"))
    await step()
    assert wall.screens == []
    office.clock.advance(timedelta(minutes=1))
    await step()
    assert "⚠️ The mailbox of adherents@amap.example does not work, since 10:00" in text_of(wall.screens[0])
    assert "the password is refused" in text_of(wall.screens[0])
    office.clock.advance(timedelta(minutes=119))
    await fail(office, None)
    await step()
    assert "works again since 12:00; it was away for 2 hours" in text_of(wall.screens[0])
    assert len(wall.screens) == 1


async def test_an_administrator_accepts_the_certificate_that_was_read(
    office: Office, worker: tuple[RoomWorker, Wall]
) -> None:
    step, wall = worker[0].step, worker[1]
    await fail(office, Text("another certificate"), SEEN)
    await step()
    [data] = buttons_of(wall.screens[0])
    refused = await office.press(data, LOUISE, OFFICE)
    assert "is for administrators" in refused.text
    await fail(office, Text("yet another"), Certificate(SEEN.server, "cd" * 32))
    assert "has changed since" in (await office.press(data, PAUL, OFFICE)).text
    assert dict((await office.desk.stores.lists.get(office.mlist.id)).pins) == {}
    await step()
    [data] = buttons_of(wall.screens[0])
    assert "CD:CD" in (await office.press(data, PAUL, OFFICE)).text
    assert dict((await office.desk.stores.lists.get(office.mlist.id)).pins) == {SEEN.server: "cd" * 32}


@pytest.mark.parametrize(
    "data", ["trust:1:1", "trust:999999999:0", "trust::", "trust:1:1:1", "sheet:1:1", "leave:1:1"]
)
async def test_an_invented_acceptance_is_refused(office: Office, data: str) -> None:
    assert (await office.press(data)).text
    assert dict((await office.desk.stores.lists.get(office.mlist.id)).pins) == {}


def write(sheet: Path, *names: str) -> None:
    sheet.write_text("\n".join(["mail", *(f"{name}@example.org" for name in names)]), encoding="utf-8")


@pytest.fixture
async def shrunk(office: Office, tmp_path: Path) -> Path:
    """The sheet of @legumes, which named three people before."""
    sheet = tmp_path / "legumes.csv"
    write(sheet, "anne", "boris", "carole")
    assert (await office.do(f"/addgroup legumes source={sheet}")).ok
    write(sheet, "anne", "david")
    assert not (await office.do("/sync legumes")).ok
    return sheet


async def in_group(office: Office) -> list[str]:
    rows = (await office.do("/members @legumes")).rows
    return [row["addresses"][0].partition("@")[0] for row in rows]


async def test_a_button_lets_a_waiting_sheet_have_its_way(
    office: Office, worker: tuple[RoomWorker, Wall], shrunk: Path
) -> None:
    """Told at once, to administrators; only what was read can be agreed to, and the card says who did."""
    step, wall = worker[0].step, worker[1]
    await step()
    [card] = wall.screens
    assert "❓ The source of @legumes needs your word, since 10:00" in text_of(card)
    assert "2 of 3 people would leave @legumes: boris@example.org, carole@example.org." in text_of(card)
    assert "1 person would join: david@example.org." in text_of(card)
    assert keys_of(card).shown == ("✅", "✋")
    stale, _ = buttons_of(card)
    assert "is for administrators" in (await office.press(stale, LOUISE, OFFICE)).text
    write(shrunk, "anne", "eve")
    await office.do("/sync legumes")
    assert "has changed since" in (await office.press(stale, PAUL, OFFICE)).text
    assert await in_group(office) == ["anne", "boris", "carole"]
    await step()
    [card] = wall.screens
    do, _ = buttons_of(card)

    assert "1 added, 2 removed, 1 kept" in (await office.press(do, PAUL, OFFICE)).text

    assert await in_group(office) == ["anne", "eve"]
    assert "has changed since" in (await office.press(do, PAUL, OFFICE)).text
    await step()
    assert "✅ The source of @legumes: settled by Paul, 10:00." in text_of(wall.screens[0])
    assert buttons_of(wall.screens[0]) == []
    trail = (await office.do("/audit Bureau legumes")).rows
    assert {row["by"] for row in trail} == {"Paul"}


async def test_a_sheet_that_changed_since_the_card_is_not_agreed_to(
    office: Office, worker: tuple[RoomWorker, Wall], shrunk: Path
) -> None:
    """Nobody has looked at it yet when the button is pressed."""
    step, wall = worker[0].step, worker[1]
    await step()
    do, _ = buttons_of(wall.screens[0])
    write(shrunk, "eve")

    assert "3 of 3 people would leave" in (await office.press(do, PAUL, OFFICE)).text

    assert await in_group(office) == ["anne", "boris", "carole"]
    await step()
    assert "3 of 3 people would leave" in text_of(wall.screens[0])


async def test_a_button_lets_a_group_be(
    office: Office, worker: tuple[RoomWorker, Wall], shrunk: Path
) -> None:
    step, wall = worker[0].step, worker[1]
    await step()
    _, leave = buttons_of(wall.screens[0])

    assert "stays as it is" in (await office.press(leave, PAUL, OFFICE)).text

    assert await in_group(office) == ["anne", "boris", "carole"]
    assert "has not changed" in (await office.do("/sync legumes")).text
    await step()
    assert "settled by Paul" in text_of(wall.screens[0])


async def test_a_waiting_sheet_goes_with_its_group_or_mends_itself(
    office: Office, worker: tuple[RoomWorker, Wall], shrunk: Path
) -> None:
    step, wall = worker[0].step, worker[1]
    await step()
    do, _ = buttons_of(wall.screens[0])
    write(shrunk, "anne", "boris", "carole")
    assert (await office.do("/sync legumes")).ok
    await step()
    assert "settled by Anne" in text_of(wall.screens[0])
    write(shrunk, "anne")
    await office.do("/sync legumes")
    await office.do("/delgroup legumes confirm=yes")
    assert "has changed since" in (await office.press(do, PAUL, OFFICE)).text
