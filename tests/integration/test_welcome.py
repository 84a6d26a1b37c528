"""New members are told how to write and how to leave, where the list wants that: each of them once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.world import World, parsed

FIRST = "name,e-mail\nAnne,anne@example.org\nBruno,bruno@example.org\nChloé,chloe@example.org\n"


@pytest.fixture
async def greeting(world: World, tmp_path: Path) -> World:
    """A list that greets, after its first import."""
    await world.add_list(notify_welcome="yes", description="Les adhérents")
    await imported(world, tmp_path, FIRST)
    return world


async def imported(world: World, folder: Path, sheet: str, target: str = "") -> None:
    path = folder / "people.csv"
    path.write_text(sheet)
    await world.do(f"/import {target or world.name} {path} confirm=yes")
    await world.later(minutes=1)


async def test_the_first_import_greets_nobody_unless_asked(greeting: World) -> None:
    assert greeting.sent_to() == []
    assert "3 people" in await greeting.refused(f"/welcome {greeting.name}")
    assert "goes to 3 people" in await greeting.said(f"/welcome {greeting.name} confirm=yes")
    await greeting.pass_()
    assert greeting.sent_to() == ["anne@example.org", "bruno@example.org", "chloe@example.org"]
    assert "Every member" in await greeting.said(f"/welcome {greeting.name} confirm=yes")


async def test_who_comes_by_hand_by_import_or_by_a_group_is_greeted_once(
    greeting: World, tmp_path: Path
) -> None:
    await greeting.members("Dora <dora@example.org>")
    await greeting.pass_()
    await imported(greeting, tmp_path, FIRST + "Emil,emil@example.org\n")
    await greeting.do("/addgroup voisins")
    await greeting.do(f"/addmember {greeting.name} @voisins")
    await imported(greeting, tmp_path, "Fatou,fatou@example.org\n", "@voisins")
    await greeting.later(days=1)
    assert greeting.sent_to() == ["dora@example.org", "emil@example.org", "fatou@example.org"]

    await greeting.pass_()
    await greeting.members("dora@example.org")
    await greeting.pass_()
    assert greeting.sent_to().count("dora@example.org") == 1


async def test_a_sheet_that_a_group_follows_greets_those_whom_it_adds(
    greeting: World, tmp_path: Path
) -> None:
    sheet = tmp_path / "followed.csv"
    sheet.write_text("e-mail\ngina@example.org\n")
    await greeting.do(f"/addgroup suivi source={sheet}")
    await greeting.do(f"/addmember {greeting.name} @suivi")
    await greeting.pass_()
    sheet.write_text("e-mail\ngina@example.org\nhugo@example.org\n")
    await greeting.do("/sync suivi")
    await greeting.pass_()
    assert greeting.sent_to() == ["gina@example.org", "hugo@example.org"]


async def test_the_mail_says_how_to_write_and_how_to_leave(greeting: World) -> None:
    await greeting.do(f"/set {greeting.name} language=fr")
    await greeting.members("Dora <dora@example.org>")
    await greeting.pass_()
    [taken] = greeting.relay.taken
    mail = parsed(taken)
    assert (taken.mail_from, mail["Auto-Submitted"]) == (greeting.address, "auto-generated")
    assert mail["List-Unsubscribe"] == f"<mailto:{greeting.address}?subject=unsubscribe>"
    assert str(mail["Subject"]) == "Bienvenue sur la liste Les adhérents"
    body = mail.get_body(("plain",))
    assert body
    assert "Bonjour Dora," in body.get_content()
    assert "désinscription" in body.get_content()


async def test_its_text_can_be_changed_and_is_shown(greeting: World) -> None:
    shown = await greeting.said(f"/template {greeting.name} welcome fr Bienvenue {{{{ author }}}} !")
    assert "Bienvenue Anne Martin !" in shown
    await greeting.do(f"/set {greeting.name} language=fr")
    await greeting.members("Dora <dora@example.org>")
    await greeting.pass_()
    body = parsed(greeting.relay.taken[0]).get_body(("plain",))
    assert body
    assert body.get_content().strip() == "Bienvenue Dora !"
    assert "(welcome, English): the shipped text" in await greeting.said(f"/templates {greeting.name}")


async def test_whoever_gets_no_mail_of_the_list_gets_no_welcome(greeting: World) -> None:
    await greeting.do(f"/addexcluded {greeting.name} ida@example.org")
    await greeting.members("ida@example.org", "jo@nomail.org", "kim@example.org")
    await greeting.pass_()
    assert greeting.sent_to() == ["kim@example.org"]


async def test_a_list_that_does_not_greet_knows_those_who_came_meanwhile(
    greeting: World, tmp_path: Path
) -> None:
    """Switched on later, it greets those who come from then on, or all on a word."""
    await greeting.do(f"/set {greeting.name} notify_welcome=no")
    await greeting.members("dora@example.org")
    await greeting.pass_()
    assert greeting.sent_to() == []


async def test_a_welcome_keeps_to_the_quota(world: World, tmp_path: Path) -> None:
    await world.add_list(notify_welcome="yes", smtp_max_per_hour="2")
    await imported(world, tmp_path, FIRST)
    await world.do(f"/welcome {world.name} confirm=yes")
    await world.pass_()
    assert len(world.sent_to()) == 2
    await world.later(hours=1, minutes=1)
    assert len(world.sent_to()) == 3
