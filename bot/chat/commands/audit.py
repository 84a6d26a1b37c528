"""Who changed what, when and from where."""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat.desk import Call, Desk, Reply, iso
from bot.chat.kinds import After, Rest
from bot.chat.listings import Turning, turned
from bot.chat.readable import one_line
from bot.chat.registry import command
from bot.core.audit import KEYS, OURSELVES, RESULTS, Entry, Subject
from bot.core.people import Rank, Role
from bot.core.posts import PostState
from bot.core.settings import SECRETS, ListSettings
from bot.core.telling import titled, value_in_words, yes_or_no
from bot.core.text import N_, Text, verbatim

_LINE_LIMIT = 200
_MANY = 10
"""Changes, and names, that a line tells."""
_EVERYBODY = {"all": N_("every list"), "admins": N_("administrators")}
_FOR_SCRIPTS = {"trouble"}


@command("audit", N_("Show who changed what, when and from where"), rank=Rank.ADMIN)
async def audit(desk: Desk, call: Call, words: Rest = "", *, after: After = None) -> Reply:
    """Newest first; every word is somewhere in the entry."""
    found = await desk.stores.audit.find(words, call.page(after))
    title = (
        Text.counted("{count} change:", "{count} changes:", found.total)
        if found.total
        else Text("No change is noted.")
    )
    reply = Reply(
        said=(title, *map(_line, found.items)),
        rows=[
            {
                "at": iso(entry.at),
                "by": entry.by.name,
                "by_id": entry.by.id,
                "where": entry.where,
                "what": entry.what,
                "about": entry.about,
                "before": dict(entry.before),
                "after": dict(entry.after),
            }
            for entry in found.items
        ],
    )
    return turned(reply, found, Turning("audit", None, words, after))


def _line(entry: Entry) -> Text:
    """``14:02 · Anne (telegram Bureau) · list adherents@amap.example · Largest size: 5 MB → 10 MB``."""
    where = one_line(entry.where, _LINE_LIMIT)
    who = one_line(entry.by.name, _LINE_LIMIT)
    person = who if entry.by == OURSELVES or not where else f"{who} ({where})"
    return Text(
        "{at} · {who} · {about} · {changes}",
        at=entry.at,
        who=person,
        about=_about(entry),
        changes=_changes(entry),
    )


def _about(entry: Entry) -> Text:
    what = Subject(entry.what).words
    if not entry.about:
        return what
    about: Text | str = one_line(entry.about, _LINE_LIMIT)
    if entry.about in _EVERYBODY:
        about = Text(_EVERYBODY[entry.about])
    return Text("{what} {about}", what=what, about=about)


def _changes(entry: Entry) -> list[Text]:
    """Each with its values before and after; of many the first, `--json` has all."""
    keys = [key for key in dict.fromkeys([*entry.before, *entry.after]) if key not in _FOR_SCRIPTS]
    said = [_change(entry, key) for key in keys[:_MANY]]
    return [*said, Text("… +{count}", count=len(keys) - _MANY)] if len(keys) > _MANY else said


def _change(entry: Entry, key: str) -> Text:
    before, after = entry.before.get(key, ""), entry.after.get(key, "")
    if isinstance(before, str) and isinstance(after, str):
        template = N_("{key}: {before} → {after}") if before else N_("{key}: {after}")
        return Text(template, key=_key(key), before=_value(key, before), after=_value(key, after))
    return Text("{key}: {values}", key=_key(key), values=[*_marked("-", before), *_marked("+", after)])


def _key(key: str) -> Text:
    if key in ListSettings.model_fields:
        return titled(key)
    return Role(key).words if key in set(Role) else Text(KEYS.get(key, "{key}"), key=key)


def _value(key: str, value: str) -> Text:
    """As people read it."""
    if not value:
        return verbatim("–")
    if key == "state":
        return PostState(value).words
    if key == "result":
        return Text(RESULTS[value])
    if key in ListSettings.model_fields.keys() - SECRETS:
        return value_in_words(key, value)
    if key == "paused":
        return yes_or_no(value == "yes")
    return verbatim(one_line(value, _LINE_LIMIT))


def _marked(mark: str, values: str | Sequence[str]) -> list[str]:
    found = [f"{mark}{value}" for value in ([values] if isinstance(values, str) else values) if value]
    more = len(found) - _MANY
    return [one_line(each, _LINE_LIMIT) for each in found[:_MANY]] + ([f"… {mark}{more}"] if more > 0 else [])
