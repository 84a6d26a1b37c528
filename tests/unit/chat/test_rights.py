"""Who may do what where: who moderates, seen from the outside."""

from __future__ import annotations

import pytest

from bot.core.chat import Place
from bot.core.lists import MailingList
from bot.core.people import Actor
from bot.core.posts import PostState
from bot.core.text import Text
from tests.support.office import MAIL, PAUL, Office

LOUISE = Actor("telegram:7", "Louise")
GROUP = Place("telegram", "-1", title="Adhérents")
ELSEWHERE = Place("telegram", "-2", title="Ailleurs")
PRIVATE = Place("telegram", "7", private=True)
PAULS = Place("telegram", "42", private=True)


@pytest.fixture
async def other(office: Office) -> MailingList:
    """A second list; the first one is moderated in GROUP."""
    assert "are decided in this room" in await office.say("/bind adherents", PAUL, GROUP)
    return await office.add_list("bureau@amap.example")


async def state(office: Office, number: int) -> PostState:
    return (await office.desk.stores.posts.get(number)).state


async def test_everybody_in_the_room_of_a_list_decides_about_it(office: Office, other: MailingList) -> None:
    post = await office.hold()
    await office.press(f"discard:{post.id}:0", LOUISE, GROUP)
    assert await state(office, post.id) is PostState.DISCARDED


@pytest.mark.parametrize("place", [ELSEWHERE, PRIVATE])
async def test_a_press_where_the_list_is_not_moderated_decides_nothing(
    office: Office, other: MailingList, place: Place
) -> None:
    post = await office.hold()
    answer = await office.press(f"discard:{post.id}:0", LOUISE, place)
    assert "is for moderators" in answer.text
    assert await state(office, post.id) is PostState.HELD


async def test_a_room_of_one_list_decides_nothing_about_another_and_learns_nothing_of_it(
    office: Office, other: MailingList
) -> None:
    secret = await office.hold(MAIL, on=other)
    nothing = await office.press("discard:999:0", LOUISE, GROUP)
    assert nothing.text == "There is no post 999 (any more)"
    answer = await office.press(f"discard:{secret.id}:0", LOUISE, GROUP)
    assert answer.text == f"There is no post {secret.id} (any more)"
    assert await state(office, secret.id) is PostState.HELD
    for line in ("/lists", "/pending", "/pending bureau", "/list bureau", "/archives", f"/show {secret.id}",
                 "/bans", "/help"):  # fmt: skip
        assert "bureau" not in (await office.say(line, LOUISE, GROUP)).replace("“bureau”", ""), line


async def test_linked_moderators_alone_decide_where_the_list_says_so(
    office: Office, other: MailingList
) -> None:
    assert (await office.do("/set adherents room_policy=moderators")).ok
    post = await office.hold()
    assert "is for moderators" in (await office.press(f"discard:{post.id}:0", LOUISE, GROUP)).text
    assert await state(office, post.id) is PostState.HELD


async def test_a_room_s_moderators_are_no_owners(office: Office, other: MailingList) -> None:
    for line in ("/set adherents moderation=all", "/unbind adherents", "/bind adherents", "/queue"):
        assert "is for owners" in await office.say(line, LOUISE, GROUP)
    for line in (
        "/bind admins",
        "/unbind admins",
        "/admins",
        "/addadmin telegram:7",
        "/addlist x@y.example a=b",
    ):
        assert "is for" in await office.say(line, LOUISE, GROUP)


async def test_administrators_may_do_everything_everywhere(office: Office, other: MailingList) -> None:
    post = await office.hold()
    await office.press(f"discard:{post.id}:0", PAUL, ELSEWHERE)
    assert await state(office, post.id) is PostState.DISCARDED


async def test_who_becomes_administrator_is_one_at_once(office: Office, other: MailingList) -> None:
    await office.do(f"/addadmin {LOUISE.id}")
    assert "administrators" in await office.say("/whoami", LOUISE, PRIVATE)
    assert "telegram:42 (in the configuration)" in await office.say("/admins")
    await office.do(f"/deladmin {LOUISE.id}")
    assert "everybody" in await office.say("/whoami", LOUISE, PRIVATE)
    assert "configuration" in (await office.do(f"/deladmin {PAUL.id}")).text


@pytest.mark.parametrize("word", ["Paul", "local:anne", "telegram:", "telegram"])
async def test_an_administrator_has_an_id(office: Office, word: str) -> None:
    assert "is no id" in (await office.do(f"/addadmin {word}")).text


async def test_a_room_of_one_list_means_that_list(office: Office, other: MailingList) -> None:
    """Although there are two, and an administrator asks."""
    await office.hold(on=other)
    assert "adherents@" in await office.say("/list", PAUL, GROUP)
    assert "No post waits" in await office.say("/pending", PAUL, GROUP)
    assert "1 post waits" in await office.say("/pending", PAUL, PAULS)
    assert "1 post waits" in await office.say("/pending bureau", PAUL, GROUP)


async def test_a_held_post_is_shown_where_the_list_is_bound_and_nobody_told_is_said(
    office: Office, other: MailingList
) -> None:
    [adherents, bureau] = (await office.do("/lists")).rows
    assert [[room["address"] for room in row["rooms"]] for row in (adherents, bureau)] == [["-1"], []]
    said = await office.say("/lists")
    assert "Nobody is told when a post waits: say /bind bureau" in said
    assert "/bind adherents" not in said
    await office.say("/bind admins", PAUL, ELSEWHERE)
    assert "Nobody is told" not in await office.say("/lists")
    assert "Nobody is told" in await office.say("/unbind admins", PAUL, ELSEWHERE) + await office.say(
        "/lists"
    )


async def test_a_list_is_healthy_while_one_of_its_rooms_can_be_reached(
    office: Office, other: MailingList
) -> None:
    await office.say("/bind adherents", PAUL, ELSEWHERE)

    async def healthy() -> bool:
        return bool((await office.do("/lists")).rows[0]["healthy"])

    await office.dispatcher.unreachable(GROUP, Text("the bot was removed"))
    assert await healthy()
    assert "room Adhérents: the bot was removed" in await office.say("/list adherents")
    await office.dispatcher.unreachable(ELSEWHERE, Text("the bot is muted"))
    assert not await healthy()
    await office.dispatcher.unreachable(GROUP, None)
    assert await healthy()


async def test_an_administrator_s_private_chat_is_told_where_nothing_is_bound(office: Office) -> None:
    rooms = office.desk.stores.rooms
    assert await rooms.of(office.mlist.id) == []
    await office.say("/start", LOUISE, PRIVATE)
    assert await rooms.at(PRIVATE) is None
    await office.say("/start", PAUL, PAULS)
    assert [PAULS.address] == [room.address for room in await rooms.of(office.mlist.id)]


async def test_addlist_in_a_group_makes_it_the_list_s_room(office: Office) -> None:
    line = "/addlist {}@amap.example host=127.0.0.3 port=1"
    assert "are decided in this room" in await office.say(line.format("pain"), PAUL, GROUP)
    assert "are decided in this room" not in await office.say(line.format("lait"), PAUL, PAULS)
    assert "are decided in this room" not in (await office.do(line.format("oeufs"))).text
    rooms = {
        row["address"]: [room["address"] for room in row["rooms"]] for row in (await office.do("/lists")).rows
    }
    assert rooms["pain@amap.example"] == ["-1"]


async def test_a_room_speaks_the_language_it_was_told(office: Office, other: MailingList) -> None:
    assert [
        [button.data for button in row]
        for screen in await office.screens("/language", LOUISE, GROUP)
        for row in screen.buttons
    ] == [["/language en", "/language fr"]]
    assert "Je parle désormais français" in await office.say("/language fr", LOUISE, GROUP)
    assert "Aucun message n'attend" in await office.say("/pending", LOUISE, GROUP)
    assert "No post waits" in await office.say("/pending", PAUL, PAULS)
    assert "pas « de »" in (await office.say("/language de", LOUISE, GROUP)).replace("\u00a0", " ")


@pytest.mark.parametrize("line", ["/bind adherents", "/bind admins", "/unbind adherents", "/language fr"])
async def test_the_console_is_no_room_to_bind(office: Office, line: str) -> None:
    await office.desk.stores.rooms.open("terminal", "console", "en", office.clock.now())
    assert "in the room that you mean" in await office.say(line)
    assert "in the room that you mean" in (await office.do(line)).text
