"""Groups that follow a source, from the sheet to the copies."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.app import database_file
from bot.core.chat import Place
from storage.database import open_stores
from storage.secrets import FernetBox
from tests.support.stores import BOTH
from tests.support.world import World, mail

pytestmark = BOTH

OFFICE = Place("telegram", "-9", title="Bureau")
HEADING = "Nom;Courriel;Contrat"
PEOPLE = {
    name: f"{name};{name.lower()}@example.net;légumes" for name in ("Anne", "Boris", "Carole", "David", "Eve")
}


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    return tmp_path / "contrats.csv"


def write(sheet: Path, *lines: str) -> None:
    sheet.write_bytes("\r\n".join([HEADING, *lines]).encode("cp1252"))


def replace_by(sheet: Path, content: bytes | None) -> None:
    """None = by nothing."""
    sheet.unlink()
    if content is not None:
        sheet.write_bytes(content)


async def names(world: World, target: str = "@legumes") -> list[str]:
    return [row["name"] for row in await world.rows(f"/members {target}")]


async def trouble(world: World) -> str:
    (row,) = await world.rows("/groups")
    return row["trouble"] or ""


async def test_a_list_follows_its_sheet(world: World, sheet: Path) -> None:
    """Who leaves the sheet gets no more copies, who is new does, who was put in by hand stays."""
    write(sheet, *PEOPLE.values(), "Hors;hors@example.net;pain")
    await world.add_list(moderation="open")
    done = await world.do(f"/addgroup legumes source={sheet}")
    assert "5 added" in done["text"]
    await world.do(f"/addmember {world.name} @legumes")
    await world.do("/addmember @legumes Main <main@example.net>")
    write(sheet, *list(PEOPLE.values())[1:], "Fatou;fatou@example.net;Légumes, pain")

    await world.deliver(mail())
    assert "fatou@example.net" not in world.sent_to()
    world.relay.taken.clear()
    await world.later(hours=6)
    await world.deliver(mail())

    assert await names(world) == ["Boris", "Carole", "David", "Eve", "Fatou", "Main"]
    assert "anne@example.net" not in world.sent_to()
    assert {"fatou@example.net", "main@example.net", "boris@example.net"} <= set(world.sent_to())
    told = await world.rows("/audit anne@example.net source")
    assert told[0]["before"] == {"by source": ["Anne <anne@example.net>"]}
    runs = [row["after"] for row in await world.rows("/audit sync")]
    assert {"result": "synchronised", "added": "1", "removed": "1", "kept": "4"} in runs


async def test_a_sheet_that_loses_many_waits_for_a_word(world: World, sheet: Path) -> None:
    write(sheet, *PEOPLE.values())
    await world.do(f"/addgroup legumes source={sheet}")
    write(sheet, *list(PEOPLE.values())[:3], "Fatou;fatou@example.net;Légumes")

    await world.later(hours=7)
    await world.later(hours=7)

    assert len(await names(world)) == 5
    assert await trouble(world) == (
        "2 of 5 people would leave @legumes: David, Eve. 1 person would join: Fatou."
    )
    assert "/sync @legumes confirm=yes" in await world.refused("/sync legumes")
    assert "2 removed" in (await world.do("/sync legumes confirm=yes"))["text"]
    assert await names(world) == ["Anne", "Boris", "Carole", "Fatou"]
    assert await trouble(world) == ""


async def test_a_word_is_about_the_sheet_that_was_shown(world: World, sheet: Path) -> None:
    """Another one that would take people out waits for a word of its own."""
    write(sheet, *PEOPLE.values())
    await world.do(f"/addgroup legumes source={sheet}")
    assert "1 kept" not in await world.said("/sync legumes confirm=yes")
    write(sheet, *list(PEOPLE.values())[:3])
    await world.refused("/sync legumes")
    write(sheet, PEOPLE["Anne"])

    assert "4 of 5 people" in await world.refused("/sync legumes confirm=yes")

    assert len(await names(world)) == 5
    await world.do("/sync legumes confirm=yes")
    assert await names(world) == ["Anne"]


async def test_a_sheet_may_be_passed_over(world: World, sheet: Path) -> None:
    """Nobody is asked about it again; the next one counts."""
    write(sheet, *PEOPLE.values())
    await world.do(f"/addgroup legumes source={sheet}")
    write(sheet, PEOPLE["Anne"])
    await world.refused("/sync legumes")

    assert "stays as it is" in await world.said("/sync legumes confirm=no")

    await world.later(hours=7)
    assert (await trouble(world), len(await names(world))) == ("", 5)
    assert "No sheet waits" in await world.refused("/sync legumes confirm=no")
    write(sheet, *list(PEOPLE.values())[:4])
    await world.later(hours=7)
    assert len(await names(world)) == 4
    results = [row["after"].get("result") for row in await world.rows("/audit sync")]
    assert results[:3] == ["synchronised", "unchanged", "left as it was"]


async def test_the_last_of_a_group_may_leave_with_a_word(world: World, sheet: Path) -> None:
    """A contract has ended: its column names it no more."""
    write(sheet, PEOPLE["Anne"])
    await world.do(f"/addgroup legumes source={sheet}")
    write(sheet, "Anne;anne@example.net;pain")
    assert "No line of the sheet names @legumes" in await world.refused("/sync legumes")
    await world.do("/sync legumes confirm=yes")
    assert await names(world) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"%PDF-1.7", "a PDF"),
        (b"Nom;Courriel\r\nAnne;\r\n", "No line of the sheet names @legumes"),
        (b"Nom;Courriel;Contrat\r\nAnne;anne@example.net;pain\r\n", "No line of the sheet names @legumes"),
        (b"Bonjour\r\n", "No line of this sheet has an e-mail address"),
        (None, "cannot be read"),
    ],
    ids=["empty", "pdf", "nobody", "another group", "other words", "away"],
)
async def test_a_source_in_trouble_changes_nothing(
    world: World, sheet: Path, content: bytes | None, why: str
) -> None:
    write(sheet, *PEOPLE.values())
    await world.do(f"/addgroup legumes source={sheet}")
    replace_by(sheet, content)

    await world.later(hours=7)

    assert len(await names(world)) == 5
    assert why in await trouble(world)
    write(sheet, *PEOPLE.values())
    await world.later(hours=7)
    assert await trouble(world) == ""


async def test_several_groups_share_a_source(world: World, sheet: Path) -> None:
    write(sheet, "Anne;anne@example.net;Légumes, Pain", "Boris;boris@example.net;pain")
    await world.do(f"/addgroup legumes source={sheet}")
    await world.do(f"/addgroup pain source={sheet}")
    assert (await names(world), await names(world, "@pain")) == (["Anne"], ["Anne", "Boris"])
    assert "has not changed" in (await world.do("/sync"))["text"]
    assert "because its source" in await world.refused("/delmember @pain boris@example.net")


async def test_a_group_gets_the_sheet_of_another_season(world: World, sheet: Path) -> None:
    """Its roles and whoever was put in by hand stay; what would take many out waits as ever."""
    write(sheet, *PEOPLE.values())
    await world.add_list(moderation="open")
    await world.do(f"/addgroup legumes source={sheet}")
    await world.do(f"/addmember {world.name} @legumes")
    await world.do("/addmember @legumes Main <main@example.net>")
    next_season = sheet.with_name("saison.csv")
    write(next_season, *list(PEOPLE.values())[1:], "Fatou;fatou@example.net;légumes")

    assert "1 added" in await world.said(f"/addgroup legumes source={next_season}")

    here = ["Boris", "Carole", "David", "Eve", "Fatou", "Main"]
    assert await names(world) == await names(world, world.name) == here
    changed = [row["after"] for row in await world.rows("/audit @legumes source")]
    assert {"source": str(next_season)} in changed
    write(sheet, PEOPLE["Anne"])
    assert "5 of 5 people would leave" in await world.refused(f"/addgroup legumes source={sheet}")
    assert await names(world) == here


async def test_a_source_under_another_key_stops_no_other(world: World, sheet: Path) -> None:
    """After a key was lost: that one is told with what to do, the others are followed on."""
    write(sheet, *PEOPLE.values())
    await world.do(f"/addgroup legumes source={sheet}")
    settings = world.app.settings
    where = settings.database_url.get_secret_value() or database_file(settings)
    async with open_stores(where, FernetBox(Fernet.generate_key().decode(), "a lost key")) as stores:
        await stores.groups.add("pain", "https://example.org/pain.csv")
    write(sheet, *PEOPLE.values(), "Fatou;fatou@example.net;Légumes")

    await world.later(hours=7)

    assert len(await names(world)) == 6
    troubles = {row["name"]: row["trouble"] for row in await world.rows("/groups")}
    assert troubles["@legumes"] is None
    assert "/addgroup pain source=" in troubles["@pain"]
    write(sheet, "Anne;anne@example.net;pain", *PEOPLE.values())
    assert "1 added" in await world.said(f"/addgroup pain source={sheet}")


async def test_a_source_is_an_https_address_or_a_path(world: World) -> None:
    for source in ("http://example.org/a.csv", "ftp://example.org/a", "a.csv"):
        assert "https://" in await world.refused(f"/addgroup legumes source={source}")
    await world.do("/addgroup legumes")
    assert "follows no source" in await world.refused("/sync legumes")


async def test_administrators_are_told_once_and_when_it_is_over(world: World, sheet: Path) -> None:
    """With the people who would leave, and the words that let them."""
    rooms, clock = world.app.stores.rooms, world.clock
    await rooms.bind(OFFICE, None, clock.now())
    room = await rooms.at(OFFICE)
    assert room
    write(sheet, *PEOPLE.values())
    await world.do(f"/addgroup legumes source={sheet}")
    write(sheet, *list(PEOPLE.values())[:3])
    for _ in range(2):
        await world.later(hours=7)

    [card] = await rooms.cards_due(room, clock.now(), 10)
    incident = await rooms.incident(card.about)
    assert incident
    assert str(incident.what) == "The source of @legumes"
    assert "David, Eve" in str(incident.trouble)
    assert incident.sheet
    await rooms.shown(card, "m1", clock.now(), None)
    await world.do("/sync legumes confirm=yes")
    [card] = await rooms.cards_due(room, clock.now(), 10)
    incident = await rooms.incident(card.about)
    assert incident
    assert incident.closed_at
