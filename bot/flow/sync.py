"""Groups that follow a source: looked at by the hour, and brought in line with what it says."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce

import structlog

from bot.core.audit import Values
from bot.core.chat import WaitingSheet
from bot.core.clock import Clock
from bot.core.errors import TransientError, UserError
from bot.core.people import Following, Group
from bot.core.rosters import Change, Extends, Fetched, Line, Plan, Sheets, Wanted
from bot.core.stores import Stores
from bot.core.text import Text
from bot.flow.roster import lines_of

log = structlog.get_logger()

_AS_NAMED = Wanted(rename=False, extends=Extends.PLAIN)
"""Several sources may write a name in several ways: the directory's own stays. Whoever may write into a
sheet does not thereby become a moderator."""
_SURPRISING = 0.2
"""The part of a group that may leave at once; more waits for a word of an administrator."""
_NAMED_AT_MOST = 10
_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Synced:
    """What a look at a group's source gave; without a plan nothing has changed there.

    `waits`: the trouble is a sheet that somebody has to decide about.
    """

    group: Group
    plan: Plan | None = None
    trouble: Text | None = None
    waits: bool = False


class Sync:
    """Keeps groups in line with their sources; a source in trouble changes nothing."""

    def __init__(self, stores: Stores, sheets: Sheets, clock: Clock, every: timedelta) -> None:
        self._stores = stores
        self._sheets = sheets
        self._clock = clock
        self._every = every

    async def step(self) -> datetime | None:
        """Look at every source whose time has come; when the next one's will come."""
        now = self._clock.now()
        due = [each for each in await self._stores.groups.following() if self._due_at(each, now) <= now]
        await self._look(due, confirmed=False)
        following = await self._stores.groups.following()
        return min((self._due_at(each, now) for each in following), default=None)

    def _due_at(self, following: Following, now: datetime) -> datetime:
        return following.tried_at + self._every if following.tried_at else now

    async def run(self, group: Group | None, *, confirmed: bool) -> list[Synced]:
        """Look at the source of one group, or of all, at once.

        Args:
            group: None = every group that follows a source.
            confirmed: if its sheet is the one that waits for a word, do it, whatever it changes.

        Raises:
            UserError: the group follows no source.
        """
        wanted = await self._stores.groups.following()
        if group:
            wanted = [following for following in wanted if following.group.id == group.id]
            if not wanted:
                raise UserError(Text("{group} follows no source.", group=group.written))
        return await self._look(wanted, confirmed=confirmed)

    async def leave(self, group: Group) -> None:
        """Let the group be as it is, until its sheet changes. Raises UserError if none waits for a word."""
        following = await self._waiting(group.id)
        if following is None:
            raise UserError(Text("No sheet waits for a word about {group}.", group=group.written))
        await self._leave(following)

    async def decide(self, sheet: WaitingSheet, *, do: bool) -> Synced:
        """Do what a waiting sheet says, or leave the group as it is.

        Raises:
            UserError: that sheet does not wait any more.
        """
        following = await self._waiting(sheet.group_id)
        if following is None or following.waiting["sha256"] != sheet.sha256:
            raise UserError(Text("This has changed since: the newest card counts."))
        if do:
            return (await self._look([following], confirmed=True))[0]
        await self._leave(following)
        return Synced(following.group)

    async def _waiting(self, group_id: int) -> Following | None:
        every = await self._stores.groups.following()
        return next((each for each in every if each.group.id == group_id and each.waiting), None)

    async def _leave(self, following: Following) -> None:
        left = replace(following, seen=following.waiting, trouble=None, waiting={})
        await self._stores.groups.looked(left, {"result": "left as it was"})
        log.info("left as it was", group=following.group.name)

    async def _look(self, wanted: Collection[Following], *, confirmed: bool) -> list[Synced]:
        fetched: dict[tuple[str | None, str], Fetched | Text | None] = {}
        done = []
        for following in wanted:
            afresh = confirmed or following.trouble is not None  # even if the sheet is the same
            # groups of one source that have seen the same share one look at it
            key = following.source, "" if afresh else following.seen.get("sha256", "")
            if key not in fetched:
                fetched[key] = await self._fetched(following, {} if afresh else following.seen)
            done.append(await self._synced(following, fetched[key], confirmed=confirmed))
        return done

    async def _fetched(self, following: Following, seen: Mapping[str, str]) -> Fetched | Text | None:
        """The sheet, or what is wrong with it; None = it is the one that was seen."""
        if following.source is None:
            return Text(
                "it was stored with another key: /addgroup {group} source=... gives it anew",
                group=following.group.name,
            )
        try:
            return await self._sheets.fetch(following.source, seen)
        except (TransientError, UserError) as error:
            return error.text

    async def _synced(self, following: Following, found: Fetched | Text | None, *, confirmed: bool) -> Synced:
        now = replace(following, tried_at=self._clock.now(), trouble=None, waiting={})
        if found is None:
            await self._stores.groups.looked(now, {"result": "unchanged"})
            return Synced(following.group)
        if isinstance(found, Text):
            return await self._stopped(following, found)
        group, rosters = following.group, self._stores.rosters
        try:
            every = lines_of(found.table, nobody=True)
        except UserError as error:
            return await self._stopped(following, error.text)
        lines = [line for line in every if line.groups is None or group.name in line.groups]
        others = list(dict.fromkeys(f"@{name}" for line in every for name in line.groups or ()))
        plan = await rosters.preview(group, lines, _AS_NAMED, by_source=True)
        agreed = confirmed and found.seen["sha256"] == following.waiting.get("sha256")
        surprise = None if agreed else _surprise(group, lines, plan, others)
        if surprise:
            return await self._stopped(following, surprise, waiting=found.seen)
        plan = await rosters.apply(group, lines, _AS_NAMED, by_source=True)
        await self._stores.groups.looked(replace(now, seen=found.seen), _told(plan))
        log.info("synchronised", group=group.name, **{change.value: plan.count(change) for change in Change})
        return Synced(group, plan)

    async def _stopped(
        self, following: Following, why: Text, waiting: Mapping[str, str] = _NOTHING
    ) -> Synced:
        """Nothing is changed, and the same trouble is told once."""
        if why != following.trouble:
            log.warning("not synchronised", group=following.group.name, why=str(why))
        now = replace(following, tried_at=self._clock.now(), trouble=why, waiting=waiting)
        await self._stores.groups.looked(now, {"result": "failed", "trouble": str(why)})
        return Synced(following.group, trouble=why, waits=bool(waiting))


def _surprise(group: Group, lines: Sequence[Line], plan: Plan, others: list[str]) -> Text | None:
    """Why somebody should look first, and what would change; `others` are all groups that the sheet names."""
    nobody = not any(line.addresses for line in lines)
    gone = len(plan.leaving)
    stay = plan.count(Change.KEPT) + plan.count(Change.CHANGED)
    if not nobody and gone <= _SURPRISING * (gone + stay):
        return None
    said = []
    if nobody:
        said.append(Text("No line of the sheet names {group} beside an e-mail address.", group=group.written))
    if nobody and others:
        said.append(Text("It names {groups}.", groups=_some(others)))
    if gone:
        said.append(
            Text.counted(
                "{count} of {all} people would leave {group}: {names}.",
                "{count} of {all} people would leave {group}: {names}.",
                gone,
                all=gone + stay,
                group=group.written,
                names=_named(plan, Change.REMOVED),
            )
        )
    if joining := plan.count(Change.ADDED):
        names = _named(plan, Change.ADDED)
        said.append(
            Text.counted(
                "{count} person would join: {names}.",
                "{count} people would join: {names}.",
                joining,
                names=names,
            )
        )
    return reduce(lambda before, more: Text("{before} {more}", before=before, more=more), said)


def _named(plan: Plan, change: Change) -> list[str]:
    """Whom it happens to, as far as a card has room for them."""
    return _some([row.name or row.address for row in plan.rows if row.change is change])


def _some(names: list[str]) -> list[str]:
    return names if len(names) <= _NAMED_AT_MOST else [*names[:_NAMED_AT_MOST], "…"]


def _told(plan: Plan) -> Values:
    """For the trail; who joined and left is told there by itself."""
    counts = {change.value: str(plan.count(change)) for change in Change if plan.count(change)}
    return {"result": "synchronised", **counts}
