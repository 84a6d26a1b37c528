"""Mailing lists: how they are, their settings, pausing, checking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.chat.desk import Call, Desk, Option, Reply, say
from bot.chat.health import remarks, troubles
from bot.chat.keys import Pairs
from bot.chat.kinds import Confirmation, ListOrAll, NewPassword, OneList, by_id
from bot.chat.listings import people, scope, waiting
from bot.chat.registry import command
from bot.core.changing import changed, whole
from bot.core.errors import Conflict, UserError
from bot.core.lists import MailingList
from bot.core.people import Rank
from bot.core.settings import ACCOUNT_KEYS, READING_KEYS, SECRETS
from bot.core.telling import shown, titled, told
from bot.core.text import N_, Text
from bot.flow.checked import Checked, checked_place

_ATTEMPTS = 5


def _rank_of_settings(arguments: Mapping[str, Any]) -> Rank:
    """Accounts and the defaults of all lists are the administrators'."""
    if arguments["mlist"] is None or ACCOUNT_KEYS & arguments["settings"].keys():
        return Rank.ADMIN
    return Rank.OWNER


@command("lists", N_("Show every list and how it is"), rank=Rank.MODERATOR)
async def lists_(desk: Desk, call: Call) -> Reply:
    """An overview, by address."""
    everything = await scope(desk, call, None)
    if not everything:
        return say(Text("There is no list yet. /addlist makes one."))
    said, rows = [], []
    for mlist in everything.values():
        row, found, remarked = await overview(desk, mlist)
        rows.append(row)
        said.append(
            Text(
                "{mark} {address}: {people}, {held}",
                mark=mark(mlist, found),
                address=mlist.address,
                people=people(row["people"]),
                held=waiting(row["held"]),
            )
        )
        said += [Text("    {trouble}", trouble=trouble) for trouble in (*found, *remarked)]
    return Reply(said=tuple(said), rows=rows)


@command(
    "set",
    N_("Change settings of a list, or of all"),
    rank=Rank.OWNER,
    raises=_rank_of_settings,
    example='/set adherents moderation=all prefix="[AMAP]"',
    hint=N_(
        "Mostly used: moderation, description, prefix, reply_to, max_size, undo_s, notify_rejected. "
        "/list shows how they are now, docs/commands.md explains every key."
    ),
)
async def set_(desk: Desk, call: Call, mlist: ListOrAll, settings: Pairs) -> Reply:
    """Change settings; all of them or, if one is wrong, none."""
    mlist, forgotten = await change_settings(desk, mlist, settings)
    if mlist is None:
        now = whole(await desk.stores.lists.defaults(), {})
        title = Text("Saved for every list without a value of its own:")
    else:
        now = mlist.settings
        title = Text("Saved for {list}:", list=mlist.address)
    saved = (told(now, key) for key in settings)
    tried = mlist and not forgotten and (ACCOUNT_KEYS | READING_KEYS) & settings.keys()
    next_ = (Text("Try it: /check {list}", list=mlist.local_part),) if mlist and tried else ()
    rows = [{key: shown(now, key) for key in settings}]
    options = password_buttons(mlist, forgotten) if mlist else ()
    return Reply(said=(title, *saved, *forgotten_lines(forgotten), *next_), rows=rows, options=options)


def forgotten_lines(keys: Sequence[str]) -> tuple[Text, ...]:
    """That these passwords are not kept, because they would go to another host."""
    template = N_("⚠️ {title}: the stored one was for another account and is forgotten. Please give it anew.")
    return tuple(Text(template, title=titled(key)) for key in keys)


def password_buttons(mlist: MailingList, keys: Sequence[str]) -> tuple[tuple[Option, ...], ...]:
    """The way to where each of these passwords is asked for: in private."""
    return tuple(
        (Option(Text("🔑 {title}", title=titled(key)), f"/{key} {by_id(mlist)}", private=True),)
        for key in keys
    )


def _register_password(key: str, summary: str) -> None:
    """The command of a secret setting, which asks for it alone."""

    @command(key, summary, rank=Rank.ADMIN)
    async def password(desk: Desk, call: Call, mlist: OneList, word: NewPassword) -> Reply:
        """Store it, and try it."""
        mlist, _ = await _change(desk, mlist, {key: word})
        found = await desk.checks.check(mlist)
        saved = told(mlist.settings, key)
        return Reply(
            said=(Text("Saved for {list}:", list=mlist.address), saved, *checked_lines(found)),
            rows=checked_rows(found),
            ok=all(checked.trouble is None for checked in found),
        )


_register_password("password", N_("Give the password of a list's mailbox"))
_register_password("smtp_password", N_("Give the password of a list's outgoing mail"))


@command("pause", N_("Let nothing leave; posts are still taken in and decided"), rank=Rank.OWNER)
async def pause(desk: Desk, call: Call, mlist: OneList) -> Reply:
    """Hold back what is accepted."""
    await desk.stores.lists.pause(mlist, paused=True)
    return say(Text("⏸ {list} is paused: what is accepted leaves after /resume.", list=mlist.address))


@command("resume", N_("Let a paused list send again"), rank=Rank.OWNER)
async def resume(desk: Desk, call: Call, mlist: OneList) -> Reply:
    """What waited meanwhile is due at once."""
    await desk.stores.lists.pause(mlist, paused=False)
    return say(Text("▶️ {list} sends again.", list=mlist.address))


def _rank_of_accepting(arguments: Mapping[str, Any]) -> Rank:
    """Whom to trust is the administrators' business, as the accounts are."""
    return Rank.ADMIN if arguments.get("accept") else Rank.OWNER


@command(
    "check",
    N_("Try the mailbox, the outgoing mail and the rooms of a list"),
    rank=Rank.OWNER,
    raises=_rank_of_accepting,
)
async def check(desk: Desk, call: Call, mlist: OneList, *, accept: Confirmation = False) -> Reply:
    """Each with OK or the reason; `accept` trusts a certificate that has changed.

    Where both work, the list writes to itself: what comes of it is told here and in its rooms.
    """
    found = [*await desk.checks.check(mlist, accept=accept), *await _checked_rooms(desk, mlist)]
    if not accept and not any(checked.trouble for checked in found):
        found.append(await desk.self_test.prove(await desk.stores.lists.get(mlist.id)))
    lines = [(each.auth_host, f"/set {by_id(mlist)} auth_host={each.auth_host}") for each in found]
    options = [Option(Text("🔏 Trust {host}", host=host), line) for host, line in lines if host]
    return Reply(
        said=checked_lines(found),
        options=tuple((each,) for each in options if each.fits),
        rows=checked_rows(found),
        ok=all(checked.trouble is None for checked in found),
    )


async def _checked_rooms(desk: Desk, mlist: MailingList) -> list[Checked]:
    """Where the list's posts are decided; a console is there as long as it is open."""
    rooms = await desk.stores.rooms.of(mlist.id)
    return [
        await checked_place(network, room.address, Text("The room {room}", room=room.title or room.address))
        for room in rooms
        if (network := desk.chats.get(room.transport))
    ]


def checked_lines(found: Sequence[Checked]) -> tuple[Text, ...]:
    """One line for each thing that was tried, and one for a certificate that was accepted for it."""
    lines: list[Text] = []
    for checked in found:
        if checked.trouble:
            lines.append(Text("❌ {what}: {trouble}", what=checked.what, trouble=checked.trouble))
        elif checked.pending:
            lines.append(Text("⏳ {what}: {pending}", what=checked.what, pending=checked.pending))
        else:
            lines.append(Text("✅ {what}: OK", what=checked.what))
        if checked.note:
            lines.append(Text("🔏 {note}", note=checked.note))
        lines += [Text("    {said}", said=each) for each in checked.said]
    return tuple(lines)


def checked_rows(found: Sequence[Checked]) -> list[dict[str, Any]]:
    """The same for scripts."""
    return [
        {
            "what": str(checked.what),
            "ok": checked.trouble is None,
            "trouble": str(checked.trouble) if checked.trouble else None,
            "note": str(checked.note) if checked.note else None,
            "pending": checked.pending is not None,
            "said": [str(each) for each in checked.said],
            "auth_host": checked.auth_host or None,
        }
        for checked in found
    ]


async def change_settings(
    desk: Desk, mlist: MailingList | None, words: dict[str, str]
) -> tuple[MailingList | None, list[str]]:
    """Change a list's own settings or, for None, those of all lists without their own.

    Returns the changed list and the names of forgotten passwords.
    """
    if mlist is None:
        await desk.stores.lists.change_defaults(changed(dict(await desk.stores.lists.defaults()), words))
        return None, []
    return await _change(desk, mlist, words)


async def _change(desk: Desk, mlist: MailingList, words: dict[str, str]) -> tuple[MailingList, list[str]]:
    """Change the list's own settings; the changed list and the names of forgotten passwords."""
    for _ in range(_ATTEMPTS):
        try:
            after = await desk.stores.lists.change(mlist, changed(mlist.own, words))
        except Conflict:  # somebody changed another setting just now: keep both changes
            mlist = await desk.stores.lists.get(mlist.id)
            continue
        had = (key for key in SECRETS - words.keys() if shown(mlist.settings, key))
        return after, sorted(key for key in had if not shown(after.settings, key))
    raise UserError(Text("Others are changing this list just now; please try again."))


async def overview(desk: Desk, mlist: MailingList) -> tuple[dict[str, Any], list[Text], list[Text]]:
    """Facts for scripts, what is wrong, and what else there is to say."""
    counts = await desk.stores.lists.counts(mlist)
    key = desk.accounts.smtp(mlist).key
    account = (await desk.stores.accounts.states([key]))[key]
    rooms = await desk.stores.rooms.of(mlist.id)
    found = troubles(mlist, account, rooms, desk.clock.now(), desk.installation.poll_interval)
    row = {
        "address": mlist.address,
        "moderation": mlist.settings.moderation.value,
        "people": counts.people,
        "addresses": counts.addresses,
        "held": counts.held,
        "healthy": not found,
        "paused": mlist.paused,
        "troubles": [str(trouble) for trouble in found],
        "rooms": [
            {
                "transport": room.transport,
                "address": room.address,
                "title": room.title,
                "reachable": room.unreachable is None,
            }
            for room in rooms
        ],
    }
    return row, found, remarks(mlist, rooms)


def mark(mlist: MailingList, found: Sequence[Text]) -> str:
    """How a list is, as one symbol."""
    return "⏸" if mlist.paused else "⚠️" if found else "✅"
