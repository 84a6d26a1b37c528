"""Making, renaming and deleting mailing lists: administrators only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.chat.commands.lists import checked_lines, checked_rows, password_buttons
from bot.chat.commands.rooms import bound
from bot.chat.desk import Call, Desk, Option, Reply, mistakes, say
from bot.chat.export import export_and_delete
from bot.chat.keys import NewSettings
from bot.chat.kinds import Confirmation, NewAddress, OneList, by_id
from bot.chat.listings import waiting
from bot.chat.readable import server_words
from bot.chat.registry import command
from bot.chat.setup import SETUP
from bot.chat.whom import EmailAddress
from bot.core.addresses import Address
from bot.core.changing import changed
from bot.core.chat import Tone
from bot.core.deliveries import OPEN_STATES
from bot.core.errors import UserError
from bot.core.lists import MailingList, mailbox_account
from bot.core.people import Rank
from bot.core.settings import MailProtocol
from bot.core.stores import Page
from bot.core.telling import shown
from bot.core.text import N_, Text
from bot.flow.rules import TEST_FIELD
from bot.flow.validity import list_address

_ITSELF = Address("")


@command(
    "addlist",
    N_("Make a mailing list of a mailbox"),
    rank=Rank.ADMIN,
    example="/addlist adherents@amap.example password=secret",
    hint=N_(
        "Mostly needed: the password of the mailbox; host where it is not found out, username where it is "
        "not the list's address, smtp_host where mail leaves elsewhere. docs/commands.md has every key."
    ),
    script=SETUP,
)
async def addlist(desk: Desk, call: Call, new: NewAddress, settings: NewSettings) -> Reply:
    """Store the list, then try its accounts; it is kept even if they do not work yet."""
    address, _ = _checked(new, settings)
    settings, remarks = await _with_servers(desk, address, settings)
    own = changed({}, settings)
    mlist = await desk.stores.lists.add(address, own, desk.clock.now())
    asked = mlist.settings.host and not shown(mlist.settings, "password")
    lacks = ("password",) if asked else ()
    found = () if lacks else await desk.checks.check(mlist)
    works = all(checked.trouble is None for checked in found)
    name = mlist.local_part
    after = Text("Next: /addmember {list} Name <address>", list=name)
    if lacks:
        after = Text("🔑 Its password is missing: /password {list} asks for it, in private.", list=name)
    elif not works:
        after = Text("The list is kept: mend it with /set {list} key=value, then /check {list}.", list=name)
    here = await _bound_here(desk, call, mlist)
    return Reply(
        said=(
            Text("📮 {list} is a mailing list now.", list=mlist.address),
            *remarks,
            *checked_lines(found),
            *here,
            after,
        ),
        rows=[{"address": mlist.address, "checks": checked_rows(found)}],
        options=password_buttons(mlist, lacks),
    )


async def _with_servers(
    desk: Desk, address: Address, given: dict[str, str]
) -> tuple[dict[str, str], tuple[Text, ...]]:
    """The settings with those that can be found out where no server is named, and what is to be said of it.

    Raises UserError where it is known that the mailbox cannot be used.
    """
    if given.get("host"):
        return given, ()
    guess = await desk.guessing.guess(
        address, MailProtocol(given["protocol"]) if "protocol" in given else None
    )
    if guess.provider and guess.provider.closed and guess.provider.advice:
        raise UserError(guess.provider.advice)
    if not guess.settings:
        return given, ()
    found = desk.accounts.needed(guess.settings, given)
    if guess.sure:
        return {**found, **given}, ()
    words = " ".join(f"{key}={value}" for key, value in found.items())
    return given, (
        Text(
            "Its servers are perhaps these; if you know them: /set {list} {words}", list=address, words=words
        ),
    )


async def _bound_here(desk: Desk, call: Call, mlist: MailingList) -> tuple[Text, ...]:
    """Where it is made, in a group, it is moderated."""
    room = await desk.stores.rooms.at(call.place)
    if call.place.private or not call.place.address or (room and room.sees_all):
        return ()
    await desk.stores.rooms.bind(call.place, mlist.id, desk.clock.now())
    return (await bound(desk, mlist)).said


def _rank_of_testing(arguments: Mapping[str, Any]) -> Rank:
    """To mail somebody else is the administrators'."""
    return Rank.ADMIN if arguments.get("to") else Rank.OWNER


@command(
    "testpost",
    N_("Mail a test post to a list from its own mailbox"),
    rank=Rank.OWNER,
    raises=_rank_of_testing,
    hint=N_("With to=ADDRESS a test mail goes there instead, and the answer of the server is shown."),
)
async def post_a_test(desk: Desk, call: Call, mlist: OneList, *, to: EmailAddress = _ITSELF) -> Reply:
    """It comes back as a card, and waits there whatever the settings are; to anybody else it is a mail."""
    if desk.accounts.redirect_to:
        raise UserError(
            Text(
                "In test mode every mail goes to {address}: no card would come.",
                address=desk.accounts.redirect_to,
            )
        )
    letter = desk.notices.letter("test_to" if to else "test", mlist, to or mlist.address, desk.clock.now())
    marked = b"" if to else f"{TEST_FIELD}: yes\r\n".encode()
    offered = await desk.self_test.offer(mlist, replace(letter, header=marked + letter.header))
    if offered.trouble:
        return Reply(said=(Text("❌ It did not leave: {trouble}", trouble=offered.trouble),), ok=False)
    if to:
        taken = Text("✉️ The outgoing server took it: {reply}", reply=server_words(offered.reply))
        return Reply(said=(taken,), rows=[{"to": to, "reply": offered.reply}])
    rooms = [room.title or room.transport for room in await desk.stores.rooms.of(mlist.id)]
    where = Text("Its card comes within a few minutes, in: {rooms}.", rooms=rooms)
    nowhere = Text("No room would show it yet: say /bind in one.")
    return say(
        Text("✉️ On its way: {list} has mail from itself.", list=mlist.address), where if rooms else nowhere
    )


@command("renamelist", N_("Give a list another address"), rank=Rank.ADMIN)
async def renamelist(desk: Desk, call: Call, mlist: OneList, new: NewAddress) -> Reply:
    """The people, settings and archive stay."""
    renamed = await desk.stores.lists.rename(mlist, list_address(new))
    login = Text("Its mail is fetched as {username}.", username=mailbox_account(renamed).username)
    return Reply(
        said=(Text("{old} is {new} now.", old=mlist.address, new=renamed.address), login),
        rows=[{"address": renamed.address}],
    )


@command("dellist", N_("Delete a list; its archive is written to a file first"), rank=Rank.ADMIN)
async def dellist(desk: Desk, call: Call, mlist: OneList, *, confirm: Confirmation = False) -> Reply:
    """Everything but the people, after a confirmation."""
    if not confirm:
        return await _ask_before_deleting(desk, mlist)
    path, removed = await export_and_delete(desk, mlist)
    return Reply(
        said=(
            Text(
                "{list} is deleted: {waiting}, {dropped}.",
                list=mlist.address,
                waiting=Text.counted("{count} post was waiting", "{count} posts were waiting", removed.held),
                dropped=Text.counted(
                    "{count} delivery is dropped", "{count} deliveries are dropped", removed.dropped
                ),
            ),
            Text("Its archive is in {path}: please keep it in a safe place.", path=str(path)),
        ),
        rows=[{"address": mlist.address, "held": removed.held, "dropped": removed.dropped}],
        written=path,
    )


async def _ask_before_deleting(desk: Desk, mlist: MailingList) -> Reply:
    """What would be lost, and the button that does it."""
    held = (await desk.stores.lists.counts(mlist)).held
    leaving = await desk.stores.outbox.find([mlist.id], OPEN_STATES, "", Page(size=1))
    line = f"/dellist {by_id(mlist)} confirm=yes"
    button = Option(Text("🗑 Delete {list}", list=mlist.address), line, Tone.DANGER)
    return Reply(
        said=(
            Text("Delete {list} with its posts, settings and roles? That is for ever.", list=mlist.address),
            Text(
                "{waiting}, and {leaving}.",
                waiting=waiting(held),
                leaving=Text.counted(
                    "{count} delivery is under way", "{count} deliveries are under way", leaving.total
                ),
            ),
            Text("To do it: /dellist {list} confirm=yes", list=mlist.address),
        ),
        options=((button,),),
        ok=False,
    )


def _checked(new: str, settings: dict[str, str]) -> tuple[Address, dict[str, Any]]:
    """The address and the settings, or one UserError that names every mistake in both."""
    wrong: list[Text] = []
    address, own = Address(""), {}
    try:
        address = list_address(new)
    except UserError as error:
        wrong += mistakes(error)
    try:
        own = changed({}, settings)
    except UserError as error:
        wrong += mistakes(error)
    if wrong:
        raise UserError(Text("{mistakes}", mistakes=wrong))
    return address, own
