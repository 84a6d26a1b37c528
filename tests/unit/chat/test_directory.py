"""Groups and people by chat command."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.chat.dispatch import Dispatcher
from bot.chat.permissions import Permissions
from bot.core.addresses import Address, fold
from bot.core.bounces import Failure, Limit
from bot.core.chat import Place
from bot.core.people import Actor, Role
from tests.support.office import PAUL, STRANGER, Office, buttons_of, text_of

LIST = "adherents@amap.example"


@pytest.fixture
async def grouped(office: Office) -> Office:
    """`@legumes` has Zoé in it and is a member of the list."""
    for line in (
        "/addgroup @Légumes",
        "/addmember @legumes Zoé <zoe@example.org>",
        "/addmember adherents @legumes",
    ):
        done = await office.do(line)
        assert done.ok, done.text
    return office


async def rows(office: Office, line: str) -> list[dict[str, Any]]:
    done = await office.do(line)
    assert done.ok, done.text
    return [dict(row) for row in done.rows]


async def test_a_group_is_made_shown_and_deleted(grouped: Office) -> None:
    (row,) = await rows(grouped, "/groups")
    assert row == {
        "name": "@legumes",
        "people": 1,
        "addresses": 1,
        "source": None,
        "synced_at": None,
        "trouble": None,
        "roles": [{"list": LIST, "role": "member"}],
        "every_list": False,
    }
    assert (
        "@legumes: 1 person, 1 address · adherents@amap.example: member"
        in (await grouped.do("/group legumes")).text
    )
    assert "There is a group @legumes already" in (await grouped.do("/addgroup legumes")).text
    assert "/groups shows" in (await grouped.do("/group pain")).text
    assert "@contrat-legumes is one" in (await grouped.do("/addgroup @")).text
    asked = await grouped.do("/delgroup legumes")
    assert not asked.ok
    assert "1 person would lose" in asked.text
    assert (await grouped.do("/delgroup legumes confirm=yes")).ok
    assert "no group yet" in (await grouped.do("/groups")).text
    assert [row["name"] for row in await rows(grouped, "/members adherents")] == ["Jean Roy"]


async def test_members_tell_where_they_come_from(grouped: Office) -> None:
    jean, zoe = await rows(grouped, "/members adherents")
    assert (jean["name"], jean["via"], jean["by_hand"]) == ("Jean Roy", "", True)
    assert (zoe["name"], zoe["via"], zoe["by_hand"]) == ("Zoé", "@legumes", False)
    shown = await grouped.say("/members adherents")
    assert "2 people, 2 addresses" in shown
    assert "By group: @legumes" in shown
    assert "Zoé <zoe@example.org>, by @legumes" in shown
    assert (await rows(grouped, "/members @legumes"))[0]["addresses"] == ["zoe@example.org"]
    (row,) = await rows(grouped, "/lists")
    assert (row["people"], row["addresses"]) == (2, 2)
    await grouped.do("/addmember adherents zoe@example.org")
    assert "by @legumes and by hand" in await grouped.say("/members adherents")


async def test_who_comes_by_a_group_cannot_be_taken_out_by_hand(grouped: Office) -> None:
    """The group is named, and an exclusion is offered that works."""
    refused = await grouped.do("/delmember adherents zoe@example.org")
    assert not refused.ok
    assert "Zoé <zoe@example.org> is among the members by @legumes" in refused.text
    assert "/addexcluded adherents zoe@example.org" in refused.text

    answer = await grouped.press("/addexcluded list:1 zoe@example.org")

    assert "gets no copies" not in text_of(answer.screens[0])
    statuses = [row["status"] for row in await rows(grouped, "/members adherents")]
    assert statuses == ["active", "excluded"]
    await grouped.do("/addmoderator adherents @legumes")
    refused = await grouped.do("/delmoderator adherents zoe@example.org")
    assert not refused.ok
    assert "addexcluded" not in refused.text


async def test_who_is_there_twice_stays_by_the_group(grouped: Office) -> None:
    await grouped.do("/addmember adherents zoe@example.org")

    done = await grouped.do("/delmember adherents zoe@example.org")

    assert done.ok
    assert "by @legumes" in done.text
    assert "not among" not in (await grouped.do("/members adherents zoe")).text


async def test_moderators_who_are_members_are_told_apart(office: Office) -> None:
    await office.do("/addmoderator adherents paul@example.org")
    await office.do("/set adherents include_moderators=yes")

    refused = await office.do("/delmember adherents paul@example.org")

    assert not refused.ok
    assert "by their role as a moderator" in refused.text
    assert "paul@example.org, by their role as a moderator" in (await office.do("/members adherents")).text


@pytest.mark.parametrize("role", list(Role))
async def test_every_role_can_be_a_groups(grouped: Office, role: Role) -> None:
    await grouped.do(f"/del{role} adherents @legumes")
    listing = {Role.UNMODERATED: "unmoderated", Role.EXCLUDED: "excluded"}.get(role, f"{role}s")

    done = await grouped.do(f"/add{role} adherents @legumes")

    assert "@legumes (1 person)" in done.text
    assert "was already among" in (await grouped.do(f"/add{role} adherents @legumes")).text
    (row,) = await rows(grouped, f"/{listing} adherents zoé")
    assert row["via"] == "@legumes"
    assert (await grouped.do(f"/del{role} adherents @legumes")).ok
    assert "is not among" in (await grouped.do(f"/del{role} adherents @legumes")).text


async def test_groups_do_not_nest(grouped: Office) -> None:
    await grouped.do("/addgroup pain")
    assert "cannot be in a group" in (await grouped.do("/addmember @legumes @pain")).text
    assert "is not in @legumes" in (await grouped.do("/delmember @legumes @pain")).text
    assert (await grouped.do("/delmember @legumes zoe@example.org")).ok
    assert "is not in @legumes" in (await grouped.do("/delmember @legumes zoe@example.org")).text


async def test_a_persons_page_tells_everything(grouped: Office) -> None:
    await grouped.do("/addowner adherents zoe@example.org")
    (row,) = await rows(grouped, "/person zoé")
    assert row == {
        "name": "Zoé",
        "addresses": ["zoe@example.org"],
        "groups": ["@legumes"],
        "roles": [
            {"list": LIST, "role": "member", "via": ["@legumes"]},
            {"list": LIST, "role": "owner", "via": []},
        ],
        "bounces": [],
        "posts": 0,
    }
    text = (await grouped.do("/person Zoé Petit <ZOE@example.org>")).text
    assert "adherents@amap.example: member, by @legumes" in text
    assert "Nobody" in (await grouped.do("/person nobody@example.org")).text
    assert "Nobody" in (await grouped.do("/person Xavier")).text
    await grouped.do("/addmember adherents Zoé Roy <zr@example.org>")
    assert "Which one?" in (await grouped.do("/person zoé")).text


async def test_a_persons_page_tells_what_does_not_reach_them(grouped: Office) -> None:
    """With the button that gives a suspended address another chance."""
    at, mlist, bounces = grouped.clock.now(), grouped.mlist, grouped.desk.stores.bounces
    await grouped.do("/addaddress zoe@example.org z@example.net")
    await bounces.note(mlist.id, Failure(Address("zoe@example.org"), "550 full"), at, Limit(5, timedelta(7)))
    await bounces.note(mlist.id, Failure(Address("z@example.net"), "550 gone"), at, Limit(1, timedelta(7)))

    [screen] = await grouped.screens("/person zoe@example.org")

    assert "⏸ z@example.net · suspended since" in text_of(screen)
    assert "zoe@example.org · 1 point, 10:00: 550 full" in text_of(screen)
    [again] = buttons_of(screen)
    await grouped.press(again)
    (row,) = await rows(grouped, "/person zoé")
    assert [(each["address"], each["points"]) for each in row["bounces"]] == [("zoe@example.org", 1)]


async def test_a_persons_page_tells_which_lists_a_role_brings_them(grouped: Office) -> None:
    await grouped.do("/addmoderator adherents Max <max@example.org>")
    await grouped.do("/set adherents include_moderators=yes")
    assert f"{LIST}: member, by their role as a moderator" in (await grouped.do("/person Max")).text
    (row,) = await rows(grouped, "/person Max")
    assert {"list": LIST, "role": "member", "via": ["moderator"]} in row["roles"]


async def test_addresses_and_names_change(grouped: Office) -> None:
    assert "Zoé Petit <zoe@example.org>" in (await grouped.do("/rename zoe@example.org Zoé Petit")).text
    done = await grouped.do("/addaddress Zoé Petit <zoe@example.org> z@example.net")
    assert list(done.rows[0]["addresses"]) == ["zoe@example.org", "z@example.net"]
    taken = await grouped.do("/addaddress jean@example.org z@example.net")
    assert "z@example.net is an address of Zoé Petit <zoe@example.org> already" in taken.text
    assert (await grouped.do("/deladdress zoe@example.org")).ok
    assert "the only address" in (await grouped.do("/deladdress z@example.net")).text


async def test_somebody_is_forgotten_after_a_confirmation(grouped: Office) -> None:
    asked = await grouped.do("/forget zoe@example.org")
    assert not asked.ok
    assert "confirm=yes" in asked.text
    assert "Erased" in (await grouped.do("/forget zoe@example.org confirm=yes")).text
    assert "Nobody" in (await grouped.do("/person zoe@example.org")).text
    assert [row["name"] for row in await rows(grouped, "/members adherents")] == ["Jean Roy"]


async def test_a_stranger_may_be_somebody_known(office: Office) -> None:
    """➕ More offers whom the address may belong to; the tap gives it to that person."""
    await office.do("/addmember adherents Hélène Petit <helene@home.example>")
    post = await office.hold()
    more = await office.press(f"more:{post.id}:0")
    (data,) = [data for data in buttons_of(more.screens[0]) if data.startswith("same:")]

    answer = await office.press(data)

    assert "Hélène Petit <helene@home.example>, <helene@example.org>" in answer.text
    standing = await office.desk.stores.people.standing(office.mlist, post.author_address)
    assert standing.roles == {Role.MEMBER}
    again = await office.press(f"more:{post.id}:0")
    assert not [data for data in buttons_of(again.screens[0]) if data.startswith("same:")]


async def test_the_directory_is_the_administrators(grouped: Office) -> None:
    dispatcher = Dispatcher(grouped.desk, Permissions(grouped.desk.stores))
    for line in ("/groups", "/person jean@example.org", "/addmember @legumes a@example.org", "/forget zoé"):
        assert not (await dispatcher.run_line(line, STRANGER)).ok, line
    assert (await dispatcher.run_line("/groups", PAUL)).ok


async def test_a_moderator_gives_nobody_else_s_rights_away(office: Office) -> None:
    """Whoever reads an address of an owner would be one."""
    room, louise = Place("telegram", "-1"), Actor("telegram:7", "Louise")
    await office.say("/bind adherents", PAUL, room)
    await office.do("/addowner adherents Hélène Petit <helene@home.example>")
    await office.do("/addgroup secret")
    post = await office.hold()

    more = await office.press(f"more:{post.id}:0", louise, room)
    assert not [data for data in buttons_of(more.screens[0]) if data.startswith("same:")]
    person = await office.desk.stores.people.find(fold("helene@home.example"))
    assert person
    answer = await office.press(f"same:{post.id}:0:{person.id}", louise, room)
    assert "ask an administrator" in answer.text
    assert "none of your lists" in await office.say("/members @secret", louise, room)
    await office.do("/addmember adherents @secret")
    assert "@secret: 0 people" in await office.say("/members @secret", louise, room)
    await office.do("/delowner adherents helene@home.example")
    await office.press(f"same:{post.id}:0:{person.id}", louise, room)
    assert await office.desk.stores.people.find(post.author_address)
