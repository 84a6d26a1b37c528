"""Whether a list works, as ``/lists`` shows it."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.core.lists import MailingList
from bot.core.text import Text

_LATE_AFTER = 3
"""Poll intervals after which a list that reports nothing is reported itself."""


def troubles(mlist: MailingList, now: datetime, poll_interval: timedelta) -> list[Text]:
    """Everything that keeps a list from working; empty = healthy.

    A list that was never polled or never sent is healthy so far.
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
    return found
