"""What takes more than one step in a Matrix room, plain and encrypted, with restarts in between."""

from __future__ import annotations

import asyncio
import re

import pytest

from bot.chat.reasons import SHIPPED
from tests.support.matrix_house import BUTTONS, House, MakeHouse
from tests.support.matrix_people import ENCRYPTED, MakeMember
from tests.support.world import mail, parsed

pytestmark = ENCRYPTED


@pytest.fixture
async def house(matrix_house: MakeHouse, encrypted: bool) -> House:
    return await matrix_house(encrypted=encrypted)


async def test_a_reason_is_typed_as_a_reply_or_in_the_thread_or_chosen_across_a_restart(
    house: House,
) -> None:
    """Three posts, one reason each way; the author reads it, without what it was a reply to."""
    first = await house.held("Carottes")
    await house.anne.react(house.room_id, first, "➕")
    await house.taps((await house.said("More for #1")).event_id, "✏️")
    asked = await house.said("What shall the author be told")
    await house.open()
    await house.say(
        f"> <{house.bot.id}> What shall\n> the author be told?\n\nMerci de signer.",
        **{"m.relates_to": {"m.in_reply_to": {"event_id": asked.event_id}}},
    )
    await house.becomes(first, "Merci de signer.")

    second = await house.held("Poireaux")
    await house.anne.react(house.room_id, second, "➕")
    await house.taps((await house.said("More for #2")).event_id, "✏️")
    await house.said("What shall the author be told", number=2)
    await house.say("Trop long.", **{"m.relates_to": {"rel_type": "m.thread", "event_id": second}})
    await house.becomes(second, "Trop long.")

    third = await house.held("Navets")
    await house.anne.react(house.room_id, third, "➕")
    await house.taps((await house.said("More for #3")).event_id, "3️⃣")
    await house.becomes(third, SHIPPED[2])
    await house.world.later(seconds=31)

    bodies = [_words(house, number) for number in range(3)]
    assert ["Merci de signer." in body for body in bodies] == [True, False, False]
    assert ["Trop long." in body for body in bodies] == [False, True, False]
    assert [SHIPPED[2] in body for body in bodies] == [False, False, True]
    assert all("What shall" not in body for body in bodies)


async def test_what_a_command_lacks_is_asked_for_with_reactions_and_words(house: House) -> None:
    """Over a restart; and a question that is ended waits for nothing any more."""
    await house.held("Carottes")
    await house.say("!reject")
    question = await house.said("/cancel")
    await house.open()
    await house.say("1")
    await house.said("#1 is rejected")
    await house.say("!addmember")
    await house.said("/cancel", number=2)
    await house.say("!cancel")
    await house.say("lea@example.org")
    await house.say("!whoami")
    await house.said(f"matrix:{house.anne.user.id}")  # letter by letter, as it is copied into admins

    assert question.source["content"]["m.mentions"] == {}
    assert (await house.world.state(1))[0] == "rejected"
    assert "lea@example.org" not in await house.world.said(f"/members {house.world.name}")


async def test_archives_are_turned_over_by_reactions(house: House) -> None:
    await house.world.deliver(*(mail(subject=f"Post {number}") for number in range(12)))
    for number in range(12):
        await house.world.do(f"/discard {number + 1}")
    await house.say("!archives")
    listing = (await house.said("Page 1 of 2")).event_id

    await house.taps(listing, "➡️")
    await house.becomes(listing, "Page 2 of 2")
    await house.taps(listing, "⬅️")
    await house.becomes(listing, "Page 1 of 2")


async def test_two_moderators_at_once_make_one_decision_that_a_restart_keeps(
    house: House, member: MakeMember
) -> None:
    boris = await member("boris")
    await house.joined_by(boris)
    card = await house.held()
    await house.has(card, *BUTTONS)
    await house.world.app.service.stop()
    await boris.react(house.room_id, card, "❌")
    await house.anne.react(house.room_id, card, "✅")

    await house.open()

    await house.becomes(card, "Rejected by")
    await house.said("already")
    assert (await house.world.state(1))[0] == "rejected"
    assert len([each for each in house.anne.messages(house.bot.id) if each.event_id == card]) == 1


async def test_of_two_moderators_at_the_same_moment_one_decides_and_the_other_is_told(
    house: House, member: MakeMember
) -> None:
    """Who it was, and when: the card and the answer say the same."""
    boris = await member("boris")
    await house.joined_by(boris)
    card = await house.held()
    await house.has(card, *BUTTONS)

    await asyncio.gather(boris.react(house.room_id, card, "❌"), house.anne.react(house.room_id, card, "✅"))

    told = (await house.said("already")).body
    state, _ = await house.world.state(1)
    first, did = (boris, "rejected") if state == "rejected" else (house.anne, "distributed")
    assert state in {"rejected", "accepted"}
    assert re.search(rf"already {did} by {first.user.name} at \d\d:\d\d", told)
    await house.becomes(card, f"{did.capitalize()} by {first.user.name}")
    assert (await house.world.app.stores.posts.get(1)).decisions == 1


def _words(house: House, number: int) -> str:
    body = parsed(house.world.copies()[number]).get_body(("plain",))
    assert body
    return str(body.get_content())
