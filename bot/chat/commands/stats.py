"""What the lists have done in the last weeks, as a picture and in words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from bot.chat.chart import bars, can_draw
from bot.chat.desk import Call, Desk, Reply, iso
from bot.chat.kinds import AnyList
from bot.chat.listings import scope
from bot.chat.registry import command
from bot.core.chat import File
from bot.core.people import Rank
from bot.core.statistics import Week
from bot.core.text import N_, Day, Text

_WEEKS = 12
_HOURS_SAID = 48
_OUTCOMES = {
    "distributed": N_("Distributed"),
    "rejected": N_("Rejected"),
    "discarded": N_("Discarded"),
    "expired": N_("Expired"),
    "waiting": N_("Waiting"),
}
_COUNTED: Mapping[str, Callable[[int], Text]] = {
    "distributed": lambda count: Text.counted("{count} distributed", "{count} distributed", count),
    "rejected": lambda count: Text.counted("{count} rejected", "{count} rejected", count),
    "discarded": lambda count: Text.counted("{count} discarded", "{count} discarded", count),
    "expired": lambda count: Text.counted("{count} expired", "{count} expired", count),
    "waiting": lambda count: Text.counted("{count} waiting", "{count} waiting", count),
}
_BOUNCED = N_("copies refused for good")


@command("stats", N_("Show posts by week and outcome, how long decisions take, and bounces"), rank=Rank.ADMIN)
async def stats(desk: Desk, call: Call, mlist: AnyList = None) -> Reply:
    """The last twelve weeks of a list or of all; a picture where it can be drawn."""
    lists = await scope(desk, call, mlist)
    now = desk.clock.now()
    begins = _mondays(now.astimezone(desk.languages.zone))
    weeks = await desk.stores.statistics.weeks(list(lists), begins, now + timedelta(seconds=1))
    took = await desk.stores.statistics.median_decision(list(lists), begins[0])
    title = Text("Posts to {list}, by week", list=mlist.address if mlist else Text("every list"))
    decided = Text("Nobody had to decide.")
    if took:
        decided = Text("Half of the decisions took {time} at most.", time=_about(took))
    row = {"weeks": [_row(week) for week in weeks], "median_decision_s": took and round(took.total_seconds())}
    return Reply(
        said=(title, *(line_of(week) for week in weeks if week.posts or week.bounced), decided),
        rows=[row],
        files=await _picture(call, title, weeks),
    )


def _about(span: timedelta) -> Text:
    """So long, as people would say it."""
    minutes = max(1, round(span.total_seconds() / 60))
    hours = round(minutes / 60)
    if hours < 1:
        return Text.counted("{count} minute", "{count} minutes", minutes)
    if hours < _HOURS_SAID:
        return Text.counted("{count} hour", "{count} hours", hours)
    return Text.counted("{count} day", "{count} days", round(hours / 24))


def _mondays(now: datetime) -> list[datetime]:
    """The first moments of this week and of those before, oldest first, in the organisation's time zone."""
    monday = now.date() - timedelta(days=now.weekday())
    days = [monday - timedelta(weeks=back) for back in reversed(range(_WEEKS))]
    return [datetime.combine(day, time(), now.tzinfo) for day in days]


def line_of(week: Week) -> Text:
    """``3 Mar: 12 posts (11 distributed, 1 rejected); 2 copies refused for good``."""
    outcomes = [counted(count) for name, counted in _COUNTED.items() if (count := getattr(week, name))]
    posts = Text.counted("{count} post", "{count} posts", week.posts)
    said = Text("{day}: {posts}", day=Day(week.begins), posts=posts)
    if outcomes:
        said = Text("{said} ({outcomes})", said=said, outcomes=outcomes)
    if week.bounced:
        refused = Text.counted(
            "{count} copy refused for good", "{count} copies refused for good", week.bounced
        )
        said = Text("{said}; {refused}", said=said, refused=refused)
    return said


def _row(week: Week) -> dict[str, Any]:
    counts = {name: getattr(week, name) for name in (*_OUTCOMES, "bounced")}
    return {"begins": iso(week.begins), "posts": week.posts, **counts}


async def _picture(call: Call, title: Text, weeks: Sequence[Week]) -> tuple[File, ...]:
    if not can_draw() or not any(week.posts or week.bounced for week in weeks):
        return ()
    below = [
        f"{week.begins:%d/%m}" for week in weeks
    ]  # as both languages write it, where there is little room
    stacks = {
        call.language.sentence(word): [getattr(week, name) for week in weeks]
        for name, word in _OUTCOMES.items()
    }
    line = (call.language.sentence(_BOUNCED), [week.bounced for week in weeks])
    drawn = await asyncio.to_thread(bars, title.render(call.language), below, stacks, line)
    return (File("stats.png", "image/png", drawn),)
