"""How a mailing list is made step by step: the dialogue of ``/addlist``.

Nothing is made before the last answer; then what was answered is done by the commands that anybody could
have typed, so that the dialogue can do no more and no less than they do.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any

from bot.chat import plans, sheets
from bot.chat.desk import Call, Desk, Option
from bot.chat.made import (
    HERE,
    LATER,
    YES,
    as_typed,
    finish,
    settings_of,
    trusted_in,
)
from bot.chat.questions import Given, Passed, Question, Script, Step, promised
from bot.chat.words import Words
from bot.core.addresses import Address
from bot.core.changing import changed
from bot.core.chat import Tone
from bot.core.errors import Trouble, UserError
from bot.core.lists import mailbox_account
from bot.core.rosters import Wanted
from bot.core.settings import FirstPoll, MailProtocol, Moderation, ReplyTo
from bot.core.text import N_, Text
from bot.flow.checks import trusted_by
from bot.flow.guessing import Guess
from bot.flow.providers import of_server
from bot.flow.roster import lines_of
from bot.flow.trials import Tried
from bot.flow.validity import list_address

_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_GROUPS = 8
_NOT_BY_IMAP = frozenset({Trouble.SWITCHED_OFF, Trouble.REFUSED, Trouble.TIMEOUT})


class _Way(StrEnum):
    """What can be done where the accounts do not work: tapped, while what is typed is a password."""

    AGAIN = "/again"
    ON = "/on"
    SERVERS = "/servers"
    TRUST = "/trust"
    POP3 = "/pop3"


_POSTS = {Moderation.NON_MEMBERS: "🛡", Moderation.ALL: "✋", Moderation.OPEN: "🕊"}
_ANSWERS = {ReplyTo.SENDER: "👤", ReplyTo.LIST: "👥"}
_OLD = {
    FirstPoll.HOLD: N_("🛡 Show it to the moderators"),
    FirstPoll.LEAVE: N_("📥 Leave what is older than today"),
}


async def _ask_address(desk: Desk, call: Call, given: Given) -> Question:
    return Question((Text("What is the address of the list? It is that of its mailbox."),))


async def _read_address(desk: Desk, call: Call, given: Given, answer: str) -> Given:
    return {**given, "address": list_address(answer)}


async def _ask_servers(desk: Desk, call: Call, given: Given) -> Question:
    """What was found out, for a tap."""
    address = Address(given["address"])
    if any(mlist.address == address for mlist in await desk.stores.lists.all()):
        raise UserError(Text("{list} is a mailing list already.", list=address))
    guess = await desk.guessing.guess(address)
    if guess.provider and guess.provider.closed and guess.provider.advice:
        return Question((Text("📮 {list}", list=address), guess.provider.advice))
    found = desk.accounts.needed(guess.settings, ())
    if not found:
        return Question(
            (
                Text("📮 {list}", list=address),
                Text(
                    "I could not find out where its mailbox is. What is the name of its server? If mail "
                    "leaves by another one: host=imap.example.org smtp_host=smtp.example.org"
                ),
            )
        )
    ask = Text(
        "Is that right? If not, write what is, such as host=imap.example.org smtp_host=smtp.example.org"
    )
    said = (*await _servers_told(desk, address, guess, found), ask)
    return Question(said, ((Option(Text("✅ That is right"), as_typed(found), Tone.SUCCESS),),))


async def _servers_told(
    desk: Desk, address: Address, guess: Guess, found: Mapping[str, str]
) -> Sequence[Text]:
    draft = await desk.trials.draft(address, changed({}, dict(found)))
    mailbox, relay = mailbox_account(draft), desk.accounts.smtp(draft)
    said = [Text("📮 {list}", list=address)]
    if guess.provider:
        said.append(Text("It is a mailbox at {provider}.", provider=guess.provider.name))
    said.append(
        Text(
            "Mail comes from {host}:{port} ({protocol}), for {username}.",
            host=mailbox.host,
            port=mailbox.port,
            protocol=mailbox.protocol.value.upper(),
            username=mailbox.username,
        )
    )
    if relay.host:
        said.append(Text("It leaves by {host}:{port}.", host=relay.host, port=relay.port))
    if relay.max_per_hour:
        said.append(
            Text.counted(
                "At most {count} mail leaves in an hour.",
                "At most {count} mails leave in an hour.",
                relay.max_per_hour,
            )
        )
    if relay.max_per_day:
        said.append(
            Text.counted(
                "At most {count} mail leaves in a day.",
                "At most {count} mails leave in a day.",
                relay.max_per_day,
            )
        )
    if not guess.sure:
        said.append(Text("⚠️ That is what is published for its domain: please see whether it is your host."))
    return said


async def _read_servers(desk: Desk, call: Call, given: Given, answer: str) -> Given:
    """A tap brings all that was found out; what is typed comes instead of it, or beside it."""
    words = {"host": answer} if _HOST.fullmatch(answer.strip()) else _pairs(answer)
    base: Mapping[str, str] = {}
    if "host" not in words:
        guess = await desk.guessing.guess(Address(given["address"]))
        base = desk.accounts.needed(guess.settings, words)
    elif "smtp_host" not in words and not desk.accounts.common.host:
        base = {"smtp_host": words["host"]}
    settings = {**base, **words}
    changed({}, settings)
    if "host" not in settings:
        raise UserError(Text("Please name the server of the mailbox too: host=imap.example.org"))
    return {**given, "servers": as_typed(settings)}


def _pairs(answer: str) -> dict[str, str]:
    try:
        return Words(answer).pairs(N_("key=value..."))
    except UserError:
        raise UserError(
            Text("Please write the name of the server, or host=imap.example.org smtp_host=smtp.example.org")
        ) from None


async def _ask_password(desk: Desk, call: Call, given: Given) -> Question | Passed:
    settings = settings_of(given)
    if "password" in settings:  # typed with the servers
        return Passed(settings["password"])
    account = mailbox_account(await desk.trials.draft(Address(given["address"]), changed({}, settings)))
    provider = of_server(account.host)
    warning = (provider.beforehand,) if provider and provider.beforehand else ()
    about = Text("🔑 The password of {username} at {host}", username=account.username, host=account.host)
    return Question(
        (about, *warning, Text("What is the password?"), promised(call)),
        secret=True,
    )


async def _read_password(desk: Desk, call: Call, given: Given, answer: str) -> Given:
    return {**given, "password": answer.strip()}


async def _try(desk: Desk, call: Call, given: Given) -> Question | Passed:
    """Log in to both servers; what is wrong is asked about."""
    trusted = trusted_in(given)
    tried = await desk.trials.run(Address(given["address"]), changed({}, settings_of(given)), trusted)
    if tried.works:
        fine = Text.counted(
            "✅ Configuration OK: {count} mail lies in the mailbox.",
            "✅ Configuration OK: {count} mails lie in the mailbox.",
            tried.mails,
        )
        notes = (Text("🔏 {note}", note=trusted_by(server, seen)) for server, seen in trusted.items())
        return Passed(str(tried.mails), (fine, *notes))
    found = [each for each in (tried.mailbox, tried.relay) if each.trouble]
    said = [Text("❌ {what}: {trouble}", what=each.what, trouble=each.trouble or "") for each in found]
    said += [
        Text("🔏 {server} shows {certificate}", server=each.server, certificate=each.told)
        for each in tried.shown
    ]
    if tried.shown:
        said.append(
            Text("Please compare that with what your host says: who trusts it sends the password there.")
        )
    title = Text("🔧 That does not work yet.")
    prompt = Text("Tap what to do. What you write is taken for another password.")
    return Question((title, *said, prompt), _ways_on(given, tried), secret=True)


def _ways_on(given: Given, tried: Tried) -> tuple[tuple[Option, ...], ...]:
    settings = settings_of(given)
    provider = of_server(settings.get("host", ""))
    ways = [Option(Text("🔁 Try again"), _Way.AGAIN)]
    if tried.shown:
        pins = " ".join(f"{each.server}={each.sha256}" for each in tried.shown)
        trust = Text.counted("🔏 Trust this certificate", "🔏 Trust these certificates", len(tried.shown))
        ways.append(Option(trust, f"{_Way.TRUST} {pins}"))
    if tried.mailbox.kind in _NOT_BY_IMAP and provider and provider.pop3 and "protocol" not in settings:
        ways.append(Option(Text("📥 Fetch by POP3"), _Way.POP3))
    others = (Option(Text("✏️ Other servers"), _Way.SERVERS), Option(Text("➡️ Go on all the same"), _Way.ON))
    return (tuple(ways), others)


async def _read_try(desk: Desk, call: Call, given: Given, answer: str) -> Given:
    settings, (way, _, pins) = settings_of(given), answer.partition(" ")
    match way:
        case _Way.ON:
            return {**given, "try": "0"}
        case _Way.SERVERS:
            return {"address": given["address"]}
        case _Way.AGAIN:
            mended = settings
        case _Way.TRUST:
            return {**_with_servers(given, {**settings, "self_signed": YES}), "trusted": pins}
        case _Way.POP3:
            mended = {**settings, **await _by_pop3(desk, given)}
        case _:
            mended = {**settings, "password": answer.strip()}
    changed({}, mended)
    return _with_servers(given, mended)


async def _by_pop3(desk: Desk, given: Given) -> dict[str, str]:
    guess = await desk.guessing.guess(Address(given["address"]), MailProtocol.POP3)
    return desk.accounts.needed(guess.settings, ()) or {"protocol": MailProtocol.POP3.value}


async def _ask_moderation(desk: Desk, call: Call, given: Given) -> Question:
    return Question((Text("Which posts shall wait for a moderator?"),), _choices(_POSTS))


async def _ask_replies(desk: Desk, call: Call, given: Given) -> Question:
    return Question((Text("Where shall answers to a post go?"),), _choices(_ANSWERS))


async def _ask_members(desk: Desk, call: Call, given: Given) -> Question:
    chosen = given.get("groups", "").split()
    groups = [facts.group.written for facts in await desk.stores.groups.all()][:_GROUPS]
    rows = [
        (Option(Text("☑️ {group}", group=each) if each in chosen else Text("{group}", group=each), each),)
        for each in groups
    ]
    on = Option(Text("✅ These"), YES) if chosen else Option(Text("➡️ Later"), LATER)
    how = Text("Send me a sheet of them (CSV, XLSX or ODS), or tap.")
    if call.speaker.is_login:
        how = Text("Write the path of a sheet of them (CSV, XLSX or ODS), or tap.")
    return Question((Text("Who gets the posts?"), how), (*rows, (on,)), takes_file=True)


async def _read_members(desk: Desk, call: Call, given: Given, answer: str) -> Given:
    if answer in {YES, LATER} and not call.files:
        return {**given, "members": answer}
    if answer.startswith("@"):
        chosen = given.get("groups", "").split()
        toggled = [each for each in chosen if each != answer] if answer in chosen else [*chosen, answer]
        return {**given, "groups": " ".join(toggled)}
    if not call.files and not call.speaker.is_login:
        raise UserError(Text("Please send the sheet as a file, or tap a button."))
    sheet = await sheets.handed_in(desk, call, answer)
    return {**given, "members": await sheets.kept(desk, sheet)}


async def _ask_people(desk: Desk, call: Call, given: Given) -> Question | None:
    """What the sheet holds, before anybody is taken in."""
    if given["members"] in {YES, LATER}:
        return None
    sheet = await sheets.handed_in(desk, call, given["members"])
    draft = await desk.trials.draft(Address(given["address"]), {})
    plan = await desk.stores.rosters.preview(draft, await asyncio.to_thread(lines_of, sheet.table), Wanted())
    title = Text("This is what the sheet has: {counts}.", counts=plans.counts(plan))
    return Question((title, *plans.lines(plan)), ((Option(Text("✅ Take them in"), YES, Tone.SUCCESS),),))


async def _ask_room(desk: Desk, call: Call, given: Given) -> Question | None:
    room = await desk.stores.rooms.at(call.place)
    if not call.place.address or (room and room.sees_all):
        return None
    here = Text("🔔 In this chat") if call.place.private else Text("🔔 In this room")
    rows = ((Option(here, HERE), Option(Text("➡️ Later, in another"), LATER)),)
    return Question((Text("Where shall posts that wait be shown?"),), rows)


async def _ask_old(desk: Desk, call: Call, given: Given) -> Question | None:
    count = int(given["try"])
    if not count:
        return None
    said = Text.counted(
        "{count} mail is in the mailbox already. What shall I do with it?",
        "{count} mails are in the mailbox already. What shall I do with them?",
        count,
    )
    return Question((said,), tuple((Option(Text(label), value),) for value, label in _OLD.items()))


def _with_servers(given: Given, settings: Mapping[str, str]) -> Given:
    """The answers with other settings of the accounts, which are to be tried."""
    rest = {key: value for key, value in settings.items() if key != "password"}
    kept = {key: given[key] for key in ("address", "trusted") if key in given}
    return {**kept, "servers": as_typed(rest), "password": settings.get("password", given["password"])}


def _choices(marks: Mapping[Any, str]) -> tuple[tuple[Option, ...], ...]:
    """The values of a setting, as they are told everywhere, each with its mark."""
    return tuple(
        (Option(Text("{mark} {choice}", mark=mark, choice=value.words), str(value)),)
        for value, mark in marks.items()
    )


def _one_of(
    name: str,
    ask: Callable[[Desk, Call, Given], Awaitable[Question | Passed | None]],
    values: Collection[str],
) -> Step:
    """A step whose answer is one of a few words, which are mostly tapped."""

    async def read(desk: Desk, call: Call, given: Given, answer: str) -> Given:
        if answer.lower() not in values:
            raise UserError(Text("Please tap one of the buttons."))
        return {**given, name: answer.lower()}

    return Step(name, ask, read)


async def _nothing(desk: Desk, call: Call, given: Given) -> None:
    """Asked by another step."""


SETUP = Script(
    steps=(
        Step("address", _ask_address, _read_address),
        Step("servers", _ask_servers, _read_servers),
        Step("password", _ask_password, _read_password),
        Step("trusted", _nothing, _read_try, by_itself=True),
        Step("try", _try, _read_try, by_itself=True),
        _one_of("moderation", _ask_moderation, list(Moderation)),
        _one_of("replies", _ask_replies, list(ReplyTo)),
        Step("groups", _nothing, _read_members, by_itself=True),
        Step("members", _ask_members, _read_members),
        _one_of("people", _ask_people, (YES,)),
        _one_of("room", _ask_room, (HERE, LATER)),
        _one_of("old", _ask_old, list(FirstPoll)),
    ),
    begun=lambda arguments: {"address": list_address(arguments["new"])} if "new" in arguments else {},
    finish=finish,
)
