"""What administrators are shown of something that does not work, and how they accept a certificate."""

from __future__ import annotations

import re
from datetime import timedelta

from bot.chat.desk import Desk, Reply, say
from bot.chat.readable import one_line
from bot.core.chat import Button, Incident, Screen, Tone, line
from bot.core.errors import UserError
from bot.core.text import Language, Text, fingerprint

_LIMIT = 500
_TRUST = re.compile(r"trust:([0-9]{1,9}):([0-9]{1,9})")


def incident_card(incident: Incident, language: Language) -> Screen:
    """The same card from the first word of it until it is over."""
    if incident.closed_at:
        said = Text(
            "✅ {what} works again since {at}; it was away for {time}.",
            what=incident.what,
            at=incident.closed_at,
            time=_time(incident.closed_at - incident.opened_at),
        )
        return Screen(lines=(line(said.render(language)),))
    title = Text("⚠️ {what} does not work, since {at}", what=incident.what, at=incident.opened_at)
    trust = Button(
        Text("🔏 Accept this certificate").render(language),
        f"trust:{incident.id}:{incident.revision}",
        Tone.DANGER,
    )
    return Screen(
        lines=(
            line(one_line(title.render(language), _LIMIT), strong=True),
            line(one_line(incident.trouble.render(language), _LIMIT)),
        ),
        buttons=((trust,),) if incident.seen else (),
    )


def trusting(data: str) -> tuple[int, int] | None:
    """The incident and its revision, if that is what a button carries."""
    match = _TRUST.fullmatch(data)
    return (int(match[1]), int(match[2])) if match else None


async def trust(desk: Desk, incident_id: int, revision: int) -> Reply:
    """Accept the certificate that was read; raises UserError for any other."""
    incident = await desk.stores.rooms.incident(incident_id)
    if not incident or incident.closed_at or not incident.seen or incident.revision != revision:
        raise UserError(Text("This has changed since: the newest card counts."))
    seen = incident.seen
    await desk.stores.lists.pin(seen.server, seen.sha256)
    return say(
        Text(
            "{server} is trusted by this certificate from now on: {seen}",
            server=seen.server,
            seen=fingerprint(seen.sha256),
        )
    )


def _time(passed: timedelta) -> Text:
    """In the largest unit that says enough."""
    minutes = round(passed.total_seconds() / 60)
    if minutes < 120:
        return Text.counted("{count} minute", "{count} minutes", max(1, minutes))
    if minutes < 2 * 24 * 60:
        return Text.counted("{count} hour", "{count} hours", round(minutes / 60))
    return Text.counted("{count} day", "{count} days", round(minutes / 60 / 24))
