"""A list on one screen that is also its control panel: what it is like, and a button for each setting."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.chat.commands.lists import (
    change_settings,
    forgotten_lines,
    mark,
    overview,
    password_buttons,
)
from bot.chat.commands.outbox import last_errors
from bot.chat.desk import Call, Desk, Option, Reply, mistakes
from bot.chat.dialogues import ask
from bot.chat.keys import AnySection, SettingKey, SettingValue
from bot.chat.kinds import ALL, ListOrAll, by_id
from bot.chat.listings import addresses, people, waiting
from bot.chat.registry import command, find
from bot.core.changing import DEFAULT, whole
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.people import Rank
from bot.core.sections import Section, keys_of, section_of
from bot.core.settings import ACCOUNT_KEYS, SECRETS, ListSettings
from bot.core.telling import (
    allowed,
    choices_of,
    described,
    in_words,
    shown,
    titled,
    told,
    value_in_words,
)
from bot.core.text import N_, Text, verbatim

_MANY = 25
"""Addresses from which on an outgoing account of its own is worth its trouble."""
_IN_A_ROW = 2
_SWITCH = ("yes", "no")


@dataclass(frozen=True, slots=True)
class _Subject:
    """Whose settings are shown: a list's or, without one, the defaults of all lists.

    `own` are the keys that have a value there, `inherited` those that have one for every list.
    """

    mlist: MailingList | None
    settings: ListSettings
    own: Collection[str]
    inherited: Collection[str]

    @property
    def named(self) -> str:
        """As the lines of buttons name it."""
        return by_id(self.mlist) if self.mlist else ALL

    @property
    def title(self) -> Text:
        return Text("{list}", list=self.mlist.address) if self.mlist else Text("every list")

    def value(self, key: str) -> str:
        """What counts now; the prefix that nobody gave is made of the address."""
        if key == "prefix" and self.mlist:
            return self.mlist.prefix
        return shown(self.settings, key)

    def in_words(self, key: str) -> Text:
        """The same for people."""
        if key == "prefix" and self.mlist and self.mlist.prefix:
            return verbatim(self.mlist.prefix)
        return in_words(self.settings, key)

    def whence(self, key: str) -> str:
        """Where the value comes from, for scripts: ``own``, ``all`` or ``shipped``."""
        return "own" if key in self.own else "all" if key in self.inherited else "shipped"


async def _subject(desk: Desk, mlist: MailingList | None) -> _Subject:
    defaults = await desk.stores.lists.defaults()
    if mlist is None:
        return _Subject(None, whole(defaults, {}), defaults.keys(), ())
    return _Subject(mlist, mlist.settings, mlist.own.keys(), defaults.keys() - mlist.own.keys())


def _rank_of_showing(arguments: Mapping[str, Any]) -> Rank:
    return Rank.ADMIN if arguments["mlist"] is None else Rank.MODERATOR


def _rank_of_setting(arguments: Mapping[str, Any]) -> Rank:
    """As of /set."""
    everywhere = arguments["mlist"] is None
    return Rank.ADMIN if everywhere or arguments.get("key") in ACCOUNT_KEYS else Rank.OWNER


@command(
    "list",
    N_("Show a list: settings, counters, health"),
    rank=Rank.MODERATOR,
    raises=_rank_of_showing,
    hint=N_("/list all shows what counts for every list without a value of its own."),
)
async def list_(desk: Desk, call: Call, mlist: ListOrAll, *, section: AnySection = None) -> Reply:
    """What it is like, and the way to each section of settings; or one section, with its buttons."""
    subject = await _subject(desk, mlist)
    return _section(call, subject, section) if section else await _overview(desk, call, subject)


@command(
    "settings",
    N_("Show what can be set, and set it"),
    rank=Rank.MODERATOR,
    raises=_rank_of_showing,
)
async def settings_(desk: Desk, call: Call, mlist: ListOrAll) -> Reply:
    """What people try with any bot of Telegram."""
    return await list_(desk, call, mlist)


@command(
    "setting",
    N_("Show one setting of a list, or of all, and change it"),
    rank=Rank.OWNER,
    raises=_rank_of_setting,
    example="/setting adherents moderation",
    hint=N_("/set changes several at once."),
)
async def setting(
    desk: Desk, call: Call, mlist: ListOrAll, key: SettingKey, value: SettingValue = ""
) -> Reply:
    """What may stand there, as buttons or to be typed; with a value it is changed at once."""
    subject = await _subject(desk, mlist)
    if not value:
        return await _asked(desk, call, subject, key)
    try:
        after, forgotten = await change_settings(desk, mlist, {key: value})
    except UserError as error:
        if choices_of(key) or not call.paged:
            raise
        again = await _asked(desk, call, subject, key)
        return replace(again, said=(*mistakes(error), *again.said), ok=False)
    subject = await _subject(desk, after)
    saved = Text("✅ {told}", told=told(subject.settings, key))
    shown_anew = _section(call, subject, section_of(key))
    return replace(
        shown_anew,
        said=(shown_anew.said[0], saved, *forgotten_lines(forgotten), *shown_anew.said[1:]),
        rows=[{key: subject.value(key)}],
        options=(*(password_buttons(after, forgotten) if after else ()), *shown_anew.options),
    )


async def _overview(desk: Desk, call: Call, subject: _Subject) -> Reply:
    """The first screen."""
    if subject.mlist is None:
        head, row = [Text("What counts for every list without a value of its own")], dict[str, Any]()
    else:
        head, row = await _facts(desk, call, subject.mlist)
    buttons = (_actions(subject.mlist),) if subject.mlist else ()
    keys = ListSettings.model_fields
    given = [key for key in keys if not call.paged or subject.whence(key) != "shipped"]
    settings = {key: subject.value(key) for key in keys}
    row = {**row, "settings": settings, "from": {key: subject.whence(key) for key in keys}}
    ways = [Option(section.words, _line(subject, section)) for section in Section]
    lines = [_line_of(subject, key) if call.paged else told(subject.settings, key) for key in given]
    return Reply(said=(*head, *lines), rows=[row], options=(*buttons, *_rows(ways)), in_place=True)


async def _facts(desk: Desk, call: Call, mlist: MailingList) -> tuple[list[Text], dict[str, Any]]:
    """Counters, health and the last errors of a list, for people and for scripts."""
    row, found, remarked = await overview(desk, mlist)
    said = [
        Text("{mark} {address}", mark=mark(mlist, found), address=mlist.address),
        Text(
            "{people} with {addresses}, {held}",
            people=people(row["people"]),
            addresses=addresses(row["addresses"]),
            held=waiting(row["held"]),
        ),
        *found,
        *remarked,
    ]
    if mlist.poll.ok_at:
        said.append(Text("📥 Last looked for mail at {at}", at=mlist.poll.ok_at))
    if mlist.smtp.ok_at:
        said.append(Text("📤 Outgoing mail works, seen at {at}", at=mlist.smtp.ok_at))
    if row["addresses"] > _MANY and not mlist.settings.smtp_host:
        many = Text(
            "💡 Each post goes to {addresses} by the common outgoing account: one of its own (Outgoing mail) "
            "has a quota of its own too.",
            addresses=addresses(row["addresses"]),
        )
        said.append(many)
    errors = await last_errors(desk, mlist) if call.rank >= Rank.OWNER else []
    said += [Text("❗ {error}", error=error) for error in errors]
    return said, row


def _actions(mlist: MailingList) -> tuple[Option, ...]:
    switch = "resume" if mlist.paused else "pause"
    return (
        Option(Text("🔎 Check"), f"/check {by_id(mlist)}"),
        Option(Text("👥 Members"), f"/members {by_id(mlist)}"),
        Option(Text("▶️ Resume") if mlist.paused else Text("⏸ Pause"), f"/{switch} {by_id(mlist)}"),
    )


def _section(call: Call, subject: _Subject, section: Section) -> Reply:
    """Each setting of a section, and a button for those that whoever asks may change."""
    keys = keys_of(section)
    mine = [key for key in keys if call.rank >= _rank_of_setting({"mlist": subject.mlist, "key": key})]
    switches = [(_button(subject, key),) for key in mine if choices_of(key) == _SWITCH]
    others = [_button(subject, key) for key in mine if choices_of(key) != _SWITCH]
    back = Option(Text("⬅️ Back"), f"/list {subject.named}")
    return Reply(
        said=(
            Text("⚙️ {list}: {section}", list=subject.title, section=section.words),
            *(_line_of(subject, key) for key in keys),
        ),
        rows=[{key: subject.value(key) for key in keys}],
        options=(*switches, *_rows(others), (back,)),
        in_place=True,
    )


def _name(key: str) -> Text:
    """A switch is called by what it does."""
    return described(key) if choices_of(key) == _SWITCH else titled(key)


def _line_of(subject: _Subject, key: str) -> Text:
    template = (
        N_("{title}: {value} (as for every list)") if key in subject.inherited else N_("{title}: {value}")
    )
    return Text(template, title=_name(key), value=subject.in_words(key))


def _button(subject: _Subject, key: str) -> Option:
    """A switch is turned by it; the others lead to what they may be."""
    if key in SECRETS:
        return Option(Text("🔑 {title}", title=titled(key)), f"/{key} {subject.named}", private=True)
    line = f"/setting {subject.named} {key}"
    if choices_of(key) == _SWITCH:
        template, other = ("☑️ {title}", "no") if subject.value(key) == "yes" else ("⬜ {title}", "yes")
        return Option(Text(template, title=_name(key)), f"{line} {other}")
    return Option(titled(key), line)


async def _asked(desk: Desk, call: Call, subject: _Subject, key: str) -> Reply:
    """What a setting means, how it is, what it may be."""
    said = [
        Text("⚙️ {list}: {title} ({key})", list=subject.title, title=titled(key), key=key),
        Text("{what}: {value}", what=described(key), value=subject.in_words(key)),
    ]
    if not (call.paged and choices_of(key)):
        said.append(Text("It may be: {allowed}.", allowed=allowed(key)))
    line = f"/setting {subject.named} {key}"
    rows = [{key: subject.value(key), "allowed": str(allowed(key)), "from": subject.whence(key)}]
    if key in SECRETS and call.paged:  # by a command of its own, in private
        return Reply(said=tuple(said), rows=rows, options=((_button(subject, key),),))
    if not choices_of(key) and call.paged:
        typed = await ask(desk, call, line, find("setting").param("value"))
        return replace(typed, said=(*said, *typed.said), rows=rows)
    choices = [
        Option(
            Text(
                "✔ {choice}" if value == subject.value(key) else "{choice}", choice=value_in_words(key, value)
            ),
            f"{line} {value}",
        )
        for value in choices_of(key)
    ]
    own = [Option(Text("as usual"), f"{line} {DEFAULT}")] if key in subject.own else []
    back = Option(Text("⬅️ Back"), _line(subject, section_of(key)))
    return Reply(said=tuple(said), rows=rows, options=(*_rows([*choices, *own]), (back,)), in_place=True)


def _line(subject: _Subject, section: Section) -> str:
    return f"/list {subject.named} section={section}"


def _rows(options: list[Option]) -> tuple[tuple[Option, ...], ...]:
    return tuple(tuple(options[at : at + _IN_A_ROW]) for at in range(0, len(options), _IN_A_ROW))
