"""What the answers of the dialogue of ``/addlist`` come to: the list, and a card that sums it up."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.chat.desk import Call, Desk, Option, Reply
from bot.chat.kinds import by_id
from bot.chat.listings import addresses, people
from bot.chat.questions import Given, Run
from bot.chat.words import Words
from bot.core.chat import Place, Tone
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.telling import in_words, titled
from bot.core.text import Text

YES, LATER, HERE = "yes", "later", "here"


async def finish(desk: Desk, call: Call, given: Given, run: Run) -> Reply:
    """Make the list as if it had been typed, then all that belongs to it; what fails then is told."""
    address = given["address"]
    await _pin(desk, given)
    words = {
        **settings_of(given),
        "moderation": given["moderation"],
        "reply_to": given["replies"],
        **({"first_poll": given["old"]} if "old" in given else {}),
    }
    elsewhere = Place(call.place.transport, "", private=True, title=call.place.title)
    here = given.get("room") == HERE
    where = call if here else replace(call, place=elsewhere)
    made = await run(f"/addlist {address} {as_typed(words)}", where)
    after = [f"/addmember {address} {group}" for group in given.get("groups", "").split()]
    if given.get("people"):
        after.append(f"/import {address} {given['members']} confirm=yes")
    if here and call.place.private:
        after.append(f"/bind {address}")
    wrong: list[Text] = []
    for line in after:
        try:
            await run(line, call)
        except UserError as error:
            wrong.append(Text("⚠️ {trouble}", trouble=error.text))
    [mlist] = [each for each in await desk.stores.lists.all() if each.address == address]
    return await _summary(desk, mlist, made, wrong)


async def _pin(desk: Desk, given: Given) -> None:
    """What was shown and tapped is what is trusted, whatever the servers show by now."""
    for server, sha256 in trusted_in(given).items():
        await desk.stores.lists.pin(server, sha256)


async def _summary(desk: Desk, mlist: MailingList, made: Reply, wrong: Sequence[Text]) -> Reply:
    """The list as it is now, and a way to see it at work."""
    counts = await desk.stores.lists.counts(mlist)
    rooms = await desk.stores.rooms.of(mlist.id)
    checks = [check for row in made.rows for check in row["checks"]]
    said = [Text("📮 {list} is ready.", list=mlist.address)]
    if all(check["ok"] for check in checks):
        said.append(Text("✅ Its mailbox and its way out work."))
    else:
        said += made.said[1:]
    said += [
        Text(
            "{people} with {addresses}", people=people(counts.people), addresses=addresses(counts.addresses)
        ),
        *(
            Text("{title}: {value}", title=titled(key), value=in_words(mlist.settings, key))
            for key in ("moderation", "reply_to")
        ),
    ]
    if not any(mlist.id in room.mlist_ids or room.sees_all for room in rooms):
        said.append(
            Text("🔔 Until a room has it, its posts are shown to administrators: say /bind in the room.")
        )
    said += wrong
    options = (
        Option(Text("✉️ Send a test post"), f"/testpost {by_id(mlist)}", Tone.SUCCESS),
        Option(Text("⚙️ Settings"), f"/list {by_id(mlist)}"),
    )
    return Reply(said=tuple(said), rows=made.rows, options=(options,), ok=not wrong)


def settings_of(given: Given) -> dict[str, str]:
    """The settings of the accounts, as they were answered."""
    found = Words(given["servers"]).pairs("")
    return {**found, "password": given["password"]} if "password" in given else found


def trusted_in(given: Given) -> dict[str, str]:
    """The certificates that somebody was shown and trusts, by ``host:port``."""
    return dict(pin.split("=") for pin in given.get("trusted", "").split())


def as_typed(settings: Mapping[str, str]) -> str:
    """As somebody would type them."""
    escaped = {key: re.sub(r'(["\\])', r"\\\1", value) for key, value in settings.items()}
    return " ".join(f'{key}="{value}"' for key, value in escaped.items())
