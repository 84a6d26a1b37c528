"""Whether a list works, as ``/lists`` shows it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.chat.readable import one_line
from bot.core.chat import Room
from bot.core.lists import AccountState, MailingList
from bot.core.text import Text

_REPLY_LIMIT = 200
_LATE_AFTER = 3
"""Poll intervals after which a list that reports nothing is reported itself."""


def troubles(
    mlist: MailingList,
    account: AccountState,
    rooms: Sequence[Room],
    now: datetime,
    poll_interval: timedelta,
) -> list[Text]:
    """Everything that keeps a list from working; empty = healthy.

    A list that was never polled or never sent is healthy so far. `account` is its outgoing one,
    `rooms` are where its cards are shown.
    """
    found = []
    if mlist.paused:
        found.append(Text("paused: /resume {list} goes on", list=mlist.local_part))
    if mlist.poll.trouble:
        found.append(Text("mailbox: {trouble}", trouble=mlist.poll.trouble))
    elif mlist.poll.ok_at and now - mlist.poll.ok_at > _LATE_AFTER * poll_interval:
        found.append(Text("no mail was fetched since {at}: is the service running?", at=mlist.poll.ok_at))
    if mlist.smtp.trouble:
        found.append(Text("outgoing mail: {trouble}", trouble=mlist.smtp.trouble))
    if pause := pause_line(account, now):
        found.append(pause)
    bound = [room for room in rooms if mlist.id in room.mlist_ids]
    if bound and all(room.unreachable for room in bound):
        found += unreachable(bound)
    return found


def pause_line(account: AccountState, now: datetime) -> Text | None:
    """That an outgoing account waits for its quota, why, and until when; None if it does not."""
    until = account.pause(now)
    if until is None:
        return None
    return Text(
        "outgoing mail waits until {until}, because its server takes no more for now ({reply}); "
        "/retry tries at once",
        until=until,
        reply=one_line(account.quota_reply, _REPLY_LIMIT),
    )


def remarks(mlist: MailingList, rooms: Sequence[Room]) -> list[Text]:
    """What else the people of a list should know, although it works."""
    if not rooms:
        return [Text("Nobody is told when a post waits: say /bind {list} in a group.", list=mlist.local_part)]
    bound = [room for room in rooms if mlist.id in room.mlist_ids]
    return unreachable(bound) if any(not room.unreachable for room in bound) else []


def unreachable(rooms: Sequence[Room]) -> list[Text]:
    """Why each room cannot be written to that cannot."""
    return [
        Text("room {room}: {trouble}", room=room.title or room.address, trouble=room.unreachable)
        for room in rooms
        if room.unreachable
    ]
