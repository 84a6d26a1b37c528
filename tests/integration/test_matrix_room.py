"""Moderation in a Matrix room from the mailbox to the relay, plain and encrypted."""

from __future__ import annotations

import re

from bot.core.people import Rank
from tests.support.matrix_house import BUTTONS, MakeHouse
from tests.support.matrix_people import ENCRYPTED, MakeMember
from tests.support.ranks import try_all
from tests.support.world import mail


@ENCRYPTED
async def test_a_post_is_held_undone_and_distributed_by_reactions(
    matrix_house: MakeHouse, encrypted: bool
) -> None:
    house = await matrix_house(encrypted=encrypted)

    card = await house.held()
    await house.has(card, *BUTTONS)
    await house.taps(card, "✅")
    await house.becomes(card, "Distributed by")
    await house.has(card, "↩️")
    await house.taps(card, "↩️")
    await house.has(card, *BUTTONS)
    await house.taps(card, "❌")
    await house.becomes(card, "Rejected by")
    await house.has(card, "↩️")
    await house.say("!undo 1")
    await house.has(card, *BUTTONS)
    await house.say("!distribute 1")
    await house.becomes(card, "Distributed by")
    await house.has(card, "↩️")
    await house.world.later(seconds=31)
    await house.becomes(card, "1/1 sent")
    await house.has(card)

    assert house.world.sent_to() == ["jean@example.org"]


@ENCRYPTED
async def test_read_hands_out_the_whole_mail_in_a_thread(matrix_house: MakeHouse, encrypted: bool) -> None:
    house = await matrix_house(encrypted=encrypted)
    card = await house.held(body=b"Bonjour, il y a des carottes.\r\n")

    await house.anne.react(house.room_id, card, "👁")
    handed_out = await house.said(".eml")

    assert b"il y a des carottes" in await house.anne.file(handed_out.source["content"])


HOSTILE = """\
<script>alert(1)</script><form action="https://evil.example"><input name="password"></form>
<img src="https://tracker.example/p.gif"><a href="https://matrix.to/#/{anne}">Anne</a>
<p>@room {anne} {name} https://matrix.to/#/{anne} matrix:u/{anne}</p>
"""


async def test_a_hostile_mail_is_text_that_pings_nobody(matrix_house: MakeHouse, member: MakeMember) -> None:
    """The bot may even notify the whole room; where there are no mentions, Anne's rules match her name."""
    house = await matrix_house()
    anne = house.anne
    levels = anne.client.rooms[house.room_id].power_levels
    users = {"users": {**levels.users, house.bot.id: 100}}
    await anne.client.room_put_state(house.room_id, "m.room.power_levels", users)
    body = HOSTILE.format(anne=anne.user.id, name=anne.user.name).encode()
    await house.world.deliver(
        mail(subject=f"@room {anne.user.id} {anne.user.name}", body=body, Content_Type="text/html")
    )

    card = await house.said("#1 ")
    await anne.react(house.room_id, card.event_id, "👁")
    await house.said(".eml")

    for event in anne.messages(house.bot.id):
        content = event.source["content"]
        assert content["m.mentions"] == {}
        said = content["body"] + content.get("formatted_body", "")
        for harmful in (
            "<script",
            "<form",
            "<input",
            "<img",
            "<a ",
            "href",
            "@room",
            "matrix.to",
            "matrix:u",
        ):
            assert harmful not in said
    assert anne.client.rooms[house.room_id].unread_highlights == 0
    boris = await member("boris")  # lest nobody could be pinged at all
    await house.joined_by(boris)
    await boris.say(house.room_id, "look", **{"m.mentions": {"user_ids": [anne.user.id]}})
    await anne.until(lambda: anne.client.rooms[house.room_id].unread_highlights == 1)


async def test_the_chat_is_checked_with_everything_else(matrix_house: MakeHouse) -> None:
    house = await matrix_house()

    found = await house.world.app.check_chats()
    said = await house.world.said(f"/check {house.world.name}")

    assert [(where, checked.trouble) for where, checked in found] == [("[matrix]", None)] * 2
    assert "✅ The room moderation: OK" in said


async def test_one_pass_hears_decides_and_shows(matrix_house: MakeHouse) -> None:
    """For hosts with nothing but cron: what was said since, then mail, then cards, reactions included."""
    house = await matrix_house()

    await house.open(start=False)
    await house.world.put(mail(subject="Carottes"))
    await house.world.app.one_pass()
    card = (await house.said("Carottes")).event_id
    await house.open(start=False)
    await house.has(card, *BUTTONS)
    await house.taps(card, "❌")

    await house.open(start=False)
    await house.world.app.one_pass()

    await house.becomes(card, "Rejected by")


async def test_every_command_as_somebody_who_has_no_role(matrix_house: MakeHouse, member: MakeMember) -> None:
    """Eve is in the list's room, which wants linked moderators: a homeserver is too slow for every role."""
    house, eve = await matrix_house(), await member("eve")
    await house.held("Carottes secrètes")
    await house.joined_by(eve)
    await house.world.do(f"/set {house.world.name} room_policy=moderators")
    stores = house.world.app.stores
    [mlist] = await stores.lists.all()
    before = len(house.anne.messages(by=house.bot.id))

    async def say(line: str) -> None:
        await eve.say(house.room_id, f"!{line.removeprefix('/')}")

    expected = await try_all(Rank.ANYONE, mlist, await stores.posts.get(1), say)
    await eve.say(house.room_id, "!whoami")
    await house.said(eve.user.id, number=len(expected) + 2)  # the other is among the commands
    told = "\n".join(each.body for each in house.anne.messages(by=house.bot.id)[before:])
    assert sorted(re.findall(r"^/(\w+) is for ", told, re.MULTILINE)) == sorted(expected)
    assert [each for each in (house.world.name, "secrètes", "jean@") if each in told] == []
