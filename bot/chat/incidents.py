"""What administrators are shown of something that does not work or waits for their word, and its buttons."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.chat import plans
from bot.chat.desk import Desk, Reply, say
from bot.chat.readable import one_line
from bot.core.chat import Button, Incident, Screen, Tone, WaitingSheet, line
from bot.core.errors import UserError
from bot.core.lists import Certificate
from bot.core.text import N_, Language, Text
from bot.flow.checks import trusted_by

_LIMIT = 500
_LONGEST = 1000
_PRESSED = re.compile(r"(trust|sheet|leave):([0-9]{1,9}):([0-9]{1,9})")
_CHANGED = Text("This has changed since: the newest card counts.")


def incident_card(incident: Incident, language: Language) -> Screen:
    """The same card from the first word of it until it is over."""
    if incident.closed_at:
        return Screen(lines=(line(one_line(_over(incident, incident.closed_at).render(language), _LIMIT)),))
    template = (
        N_("❓ {what} needs your word, since {at}")
        if incident.sheet
        else N_("⚠️ {what} does not work, since {at}")
    )
    title = Text(template, what=incident.what, at=incident.opened_at)
    buttons = [
        Button(label.render(language), f"{key}:{incident.id}:{incident.revision}", tone)
        for key, label, tone in _buttons(incident)
    ]
    return Screen(
        lines=(
            line(one_line(title.render(language), _LIMIT), strong=True),
            line(one_line(incident.trouble.render(language), _LONGEST)),
        ),
        buttons=(tuple(buttons),) if buttons else (),
    )


def _buttons(incident: Incident) -> list[tuple[str, Text, Tone]]:
    """Key, label and tone of each."""
    if incident.seen:
        return [("trust", Text("🔏 Accept this certificate"), Tone.DANGER)]
    if incident.sheet:
        return [
            ("sheet", Text("✅ Do as it says"), Tone.DANGER),
            ("leave", Text("✋ Change nothing"), Tone.PLAIN),
        ]
    return []


def _over(incident: Incident, at: datetime) -> Text:
    if incident.sheet and incident.closed_by:
        return Text("✅ {what}: settled by {name}, {at}.", what=incident.what, name=incident.closed_by, at=at)
    if incident.sheet:
        return Text("✅ {what} needs no word any more, since {at}.", what=incident.what, at=at)
    return Text(
        "✅ {what} works again since {at}; it was away for {time}.",
        what=incident.what,
        at=at,
        time=_time(at - incident.opened_at),
    )


@dataclass(frozen=True, slots=True)
class Tap:
    """A press on an incident's card: what it does, to which incident, and the revision that was read."""

    key: str
    incident_id: int
    revision: int


def tapped(data: str) -> Tap | None:
    """The press, if that is what a button carries."""
    match = _PRESSED.fullmatch(data)
    return Tap(match[1], int(match[2]), int(match[3])) if match else None


async def pressed(desk: Desk, tap: Tap) -> Reply:
    """Do what the button says about what was read; raises UserError if that is another thing by now."""
    incident = await desk.stores.rooms.incident(tap.incident_id)
    if not incident or incident.closed_at or incident.revision != tap.revision:
        raise UserError(_CHANGED)
    if tap.key == "trust" and incident.seen:
        return await _trust(desk, incident.seen)
    if tap.key in {"sheet", "leave"} and incident.sheet:
        return await _decide(desk, incident.sheet, do=tap.key == "sheet")
    raise UserError(_CHANGED)


async def _decide(desk: Desk, sheet: WaitingSheet, *, do: bool) -> Reply:
    done = await desk.sync.decide(sheet, do=do)
    return plans.synced([done]) if do else plans.left(done.group)


async def _trust(desk: Desk, seen: Certificate) -> Reply:
    await desk.stores.lists.pin(seen.server, seen.sha256)
    return say(trusted_by(seen.server, seen.sha256))


def _time(passed: timedelta) -> Text:
    """In the largest unit that says enough."""
    minutes = round(passed.total_seconds() / 60)
    if minutes < 120:
        return Text.counted("{count} minute", "{count} minutes", max(1, minutes))
    if minutes < 2 * 24 * 60:
        return Text.counted("{count} hour", "{count} hours", round(minutes / 60))
    return Text.counted("{count} day", "{count} days", round(minutes / 60 / 24))
