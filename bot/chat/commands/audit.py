"""Who changed what, when and from where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.chat.desk import Call, Desk, Reply, iso
from bot.chat.kinds import After, Rest
from bot.chat.listings import Turning, turned
from bot.chat.readable import one_line
from bot.chat.registry import command
from bot.core.audit import OURSELVES, Entry
from bot.core.people import Rank
from bot.core.text import N_, Text

_LINE_LIMIT = 400
_KINDS = {
    "list": N_("list"),
    "defaults": N_("settings of all lists"),
    "certificate": N_("certificate"),
    "person": N_("person"),
    "addresses": N_("directory"),
    "role": N_("roles on"),
    "group": N_("group"),
    "ban": N_("bans on"),
    "post": N_("post"),
    "rooms": N_("rooms of"),
    "admins": N_("administrators"),
    "account": N_("account of"),
    "sync": N_("source of"),
}
"""As the line names it, before what the change is about."""


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
    """``14:02 · Anne (telegram Bureau) · list adherents@amap.example: moderation all → open``."""
    where = one_line(entry.where, _LINE_LIMIT)
    who = one_line(entry.by.name, _LINE_LIMIT)
    person = who if entry.by == OURSELVES or not where else f"{who} ({where})"
    return Text(
        "{at} · {who} · {what} {about}: {changes}",
        at=entry.at,
        who=person,
        what=Text(_KINDS[entry.what]) if entry.what in _KINDS else entry.what,
        about=one_line(entry.about, _LINE_LIMIT),
        changes=one_line(", ".join(_changes(entry)), _LINE_LIMIT),
    )


def _changes(entry: Entry) -> Iterator[str]:
    for key in dict.fromkeys([*entry.before, *entry.after]):
        before, after = entry.before.get(key, ""), entry.after.get(key, "")
        if isinstance(before, str) and isinstance(after, str):
            yield f"{key} {before} → {after}" if before else f"{key} {after}"
        else:
            yield f"{key} " + " ".join([*_marked("-", before), *_marked("+", after)])


def _marked(mark: str, values: str | Sequence[str]) -> list[str]:
    return [f"{mark}{value}" for value in ([values] if isinstance(values, str) else values) if value]
