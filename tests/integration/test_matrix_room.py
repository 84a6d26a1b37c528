"""Moderation in a Matrix room from the mailbox to the relay, plain and encrypted."""

from __future__ import annotations

import asyncio
import re

from nio.events import RedactedEvent

from bot.core.addresses import Address
from bot.core.people import Rank
from tests.support.matrix_house import BUTTONS, House, MakeHouse
from tests.support.matrix_people import ENCRYPTED, MakeMember, fine, relation_of
from tests.support.ranks import trial_of
from tests.support.synapse import MatrixUser
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


async def test_a_password_is_told_in_an_encrypted_chat_and_stands_nowhere(
    matrix_house: MakeHouse, member: MakeMember
) -> None:
    """Asked for in an encrypted room with others in it, and answered where Anne is alone with the bot."""
    house, boris = await matrix_house(encrypted=True), await member("boris")
    anne, other = house.anne, house.world.another()
    await house.joined_by(boris)
    alone = await anne.room(house.bot, encrypted=True, name="alone")
    await anne.joined(alone, house.bot)
    levels = {"users": {house.bot.id: 50}}
    fine(await anne.client.room_put_state(alone, "m.room.power_levels", levels))
    account = house.world.dovecot.mailbox_account(other.mailbox, house.world.security)

    await house.say("!addlist")
    await house.said("What is the address of the list?")
    await house.say(other.address)
    await house.said("I could not find out where its mailbox is")
    await house.say(f"host={account.host} port={account.port} security=none")
    await house.said("Nobody else here is to read the answer")
    secret = await anne.say(alone, account.password)
    await house.said("It goes on in moderation")
    await house.said("Configuration OK")

    gone = fine(await anne.client.room_get_event(alone, secret)).event
    assert isinstance(gone, RedactedEvent)
    assert all(each.decrypted for each in anne.messages(house.bot.id))
    assert not any(account.password in each.body for each in anne.messages(house.bot.id))


async def test_every_command_as_somebody_of_every_rank(matrix_house: MakeHouse) -> None:
    """In the list's room, which wants linked moderators; nobody of a lower rank gets anything out of it."""
    house = await matrix_house()
    await house.held("Carottes secrètes")
    await house.world.do(f"/set {house.world.name} room_policy=moderators")
    levels = {"events": {"m.reaction": 50}}  # buttons of several hundred answers would take most of the time
    fine(await house.anne.client.room_put_state(house.room_id, "m.room.power_levels", levels))
    for name, rank in (("eve", Rank.ANYONE), ("bruno", Rank.MODERATOR), ("olga", Rank.OWNER)):
        await tries_all(house, await somebody(house, name, rank), rank)
    await tries_all(house, house.anne.user, Rank.ADMIN)


async def somebody(house: House, name: str, rank: Rank) -> MatrixUser:
    """Comes into the room, and has that rank on the list."""
    user = await house.synapse.add_user(name)
    await house.anne.client.room_invite(house.room_id, user.id)
    await house.synapse.request("POST", f"/_matrix/client/v3/join/{house.room_id}", {}, user.token)
    if rank > Rank.ANYONE:
        await house.world.do(f"/add{rank.name.lower()} {house.world.name} {name}@example.org")
        assert await house.world.app.stores.admins.link(f"matrix:{user.id}", Address(f"{name}@example.org"))
    return user


async def tries_all(house: House, speaker: MatrixUser, rank: Rank) -> None:
    """Say every command there, most of them at once. Exactly those of a higher rank are refused."""
    stores = house.world.app.stores
    [mlist] = await stores.lists.all()
    trial = trial_of(rank, mlist, await stores.posts.get(1))

    async def say(line: str) -> str:
        return await house.synapse.say(speaker, house.room_id, line.replace("/", "!", 1))

    said = await asyncio.gather(*map(say, trial.lines))
    said += [await say(line) for line in trial.ends]
    answers = await house.anne.until(lambda: answered(house, said))
    refused = re.findall(r"^/(\w+) is for ", "\n".join(answers), re.MULTILINE)
    assert sorted(refused) == sorted(trial.refused)
    secrets = (house.world.name, "secrètes", "jean@")
    assert rank > Rank.ANYONE or [each for each in secrets for words in answers if each in words] == []


def answered(house: House, said: list[str]) -> list[str]:
    """What the bot said below these, once it has answered each."""
    messages = house.anne.messages(by=house.bot.id)
    below = [(relation_of(each).get("m.in_reply_to", {}).get("event_id"), each.body) for each in messages]
    missing = set(said) - {event_id for event_id, _ in below}
    return [] if missing else [body for event_id, body in below if event_id in said]
