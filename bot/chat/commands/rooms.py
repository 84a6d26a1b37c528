"""Rooms: which list is moderated where, in which language, and who the administrators are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.chat.desk import Call, Desk, Option, Reply, say
from bot.chat.health import remarks
from bot.chat.kinds import Account, LanguageCode, ListOrAdmins
from bot.chat.language import LANGUAGES
from bot.chat.listings import waiting
from bot.chat.registry import command
from bot.core.chat import Place
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.people import ANONYMOUS, LOCAL, Rank
from bot.core.text import LANGUAGE_NAMES, N_, Text, verbatim

_ACCOUNT = re.compile(r"[a-z]{1,20}:\S{1,250}")


def _rank_of_binding(arguments: Mapping[str, Any]) -> Rank:
    """Where administrators are told is theirs to say."""
    return Rank.ADMIN if arguments["what"] is None else Rank.OWNER


@command(
    "bind",
    N_("Make this room the moderators' room of a list"),
    rank=Rank.OWNER,
    raises=_rank_of_binding,
    hint=N_("/bind admins makes it the room in which administrators are told of troubles."),
)
async def bind(desk: Desk, call: Call, what: ListOrAdmins) -> Reply:
    """Held posts get their cards here at once."""
    await _require_room(desk, call)
    place = await _topic(desk, call.place, what) if what else call.place
    new = await desk.stores.rooms.bind(place, what.id if what else None, desk.clock.now())
    return await bound(desk, what) if new else say(Text("That is so already."))


async def _topic(desk: Desk, place: Place, mlist: MailingList) -> Place:
    """Where the network divides rooms into topics: the list's own; else the place itself."""
    network = desk.chats.get(place.transport)
    if network is None:
        return place
    bound_there = [
        room.address
        for room in await desk.stores.rooms.of(mlist.id)
        if mlist.id in room.mlist_ids and room.transport == place.transport
    ]
    return await network.part_of(place, mlist.local_part, bound_there)


async def bound(desk: Desk, mlist: MailingList | None) -> Reply:
    """What it means that a room is bound."""
    if mlist is None:
        return say(Text("🔔 Administrators are told of troubles in this room from now on."))
    held = (await desk.stores.lists.counts(mlist)).held
    return say(
        Text("🔔 Posts to {list} are decided in this room from now on: {held}.", list=mlist.address,
             held=waiting(held))
    )  # fmt: skip


@command(
    "unbind",
    N_("Let a list no longer be moderated in this room"),
    rank=Rank.OWNER,
    raises=_rank_of_binding,
)
async def unbind(desk: Desk, call: Call, what: ListOrAdmins) -> Reply:
    """The cards that wait here lose their buttons."""
    await _require_room(desk, call)
    if not await desk.stores.rooms.unbind(call.place, what.id if what else None, desk.clock.now()):
        raise UserError(Text("This room is not bound to that: /bind would do it."))
    if what is None:
        return say(Text("Administrators are no longer told in this room."))
    said = [Text("Posts to {list} are no longer decided in this room.", list=what.address)]
    if not await desk.stores.rooms.of(what.id):
        said += remarks(what, ())
    return say(*said)


@command("language", N_("Choose the language in this room"), rank=Rank.ANYONE)
async def language(desk: Desk, call: Call, code: LanguageCode = "") -> Reply:
    """What is said and shown here from now on is in that language."""
    if not code:
        options = tuple(Option(verbatim(LANGUAGE_NAMES[each]), f"/language {each}") for each in LANGUAGES)
        return Reply(said=(Text("Which language shall I speak here?"),), options=(options,))
    if code.lower() not in LANGUAGES:
        raise UserError(
            Text(
                "I speak {languages}, not “{word}”.",
                languages=[LANGUAGE_NAMES[each] for each in LANGUAGES],
                word=code,
            )
        )
    await _require_room(desk, call)
    await desk.stores.rooms.speak(call.place, code.lower())
    spoken = desk.languages.of(code.lower()).sentence(N_("From now on I speak English here."))
    return say(Text("{words}", words=spoken))


@command("admins", N_("Show who may do everything"), rank=Rank.ADMIN)
async def admins(desk: Desk, call: Call) -> Reply:
    """Every administrator, by id."""
    known = await desk.stores.admins.all()
    lines = [
        Text("{id} (in the configuration)", id=each) if configured else Text("{id}", id=each)
        for each, configured in known.items()
    ]
    title = Text.counted("{count} administrator:", "{count} administrators:", len(known))
    return Reply(
        said=(title, *lines) if lines else (Text("Nobody yet, besides whoever sits at this machine."),),
        rows=[{"id": each, "configured": configured} for each, configured in known.items()],
    )


@command(
    "addadmin",
    N_("Let somebody do everything"),
    rank=Rank.ADMIN,
    example="/addadmin telegram:123456789",
    hint=N_("/whoami shows everybody their id."),
)
async def addadmin(desk: Desk, call: Call, account: Account) -> Reply:
    """By the id of their chat account."""
    if not _ACCOUNT.fullmatch(account) or account.startswith((LOCAL, ANONYMOUS)):
        raise UserError(Text("“{word}” is no id, such as telegram:123456789 (see /whoami).", word=account))
    if not await desk.stores.admins.add(account, desk.clock.now()):
        return say(Text("That is so already."))
    return say(Text("{id} is an administrator now.", id=account))


@command("deladmin", N_("Let somebody no longer do everything"), rank=Rank.ADMIN)
async def deladmin(desk: Desk, call: Call, account: Account) -> Reply:
    """Those of the configuration are taken away there."""
    if not await desk.stores.admins.remove(account, desk.clock.now()):
        raise UserError(Text("{id} is no administrator: /admins shows who is.", id=account))
    return say(Text("{id} is no administrator any more.", id=account))


async def _require_room(desk: Desk, call: Call) -> None:
    """Raises UserError where no cards can be shown but to who sits there."""
    room = await desk.stores.rooms.at(call.place)
    if not call.place.address or (room and room.sees_all):
        raise UserError(Text("Please say that in the room that you mean: a group or chat with me in it."))
