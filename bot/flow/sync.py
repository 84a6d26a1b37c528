"""Groups that follow a source: looked at by the hour, and brought in line with what it says."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.core.audit import Values
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


@dataclass(frozen=True, slots=True)
class Synced:
    """What a look at a group's source gave; without a plan nothing has changed there."""

    group: Group
    plan: Plan | None = None
    trouble: Text | None = None


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
            confirmed: do it, however many leave.

        Raises:
            UserError: the group follows no source.
        """
        wanted = [
            each
            for each in await self._stores.groups.following()
            if group is None or each.group.id == group.id
        ]
        if group and not wanted:
            raise UserError(Text("{group} follows no source.", group=group.written))
        return await self._look(wanted, confirmed=confirmed)

    async def _look(self, wanted: Collection[Following], *, confirmed: bool) -> list[Synced]:
        fetched: dict[tuple[str, str], Fetched | Text | None] = {}
        done = []
        for following in wanted:
            # groups of one source that have seen the same share one look at it
            key = following.source, "" if confirmed else following.seen.get("sha256", "")
            if key not in fetched:
                fetched[key] = await self._fetched(following, afresh=confirmed)
            done.append(await self._synced(following, fetched[key], confirmed=confirmed))
        return done

    async def _fetched(self, following: Following, *, afresh: bool) -> Fetched | Text | None:
        """The sheet, or what is wrong with it; None = it is the one that was seen."""
        # what waits, or failed, is looked at anew even if the sheet is the same
        seen: Mapping[str, str] = {} if afresh or following.trouble else following.seen
        try:
            return await self._sheets.fetch(following.source, seen)
        except (TransientError, UserError) as error:
            return error.text

    async def _synced(self, following: Following, found: Fetched | Text | None, *, confirmed: bool) -> Synced:
        now = replace(following, tried_at=self._clock.now(), trouble=None, waiting=False)
        if found is None:
            await self._stores.groups.looked(now, {"result": "unchanged"})
            return Synced(following.group)
        if isinstance(found, Text):
            return await self._stopped(following, found, waiting=False)
        try:
            lines = _lines_for(following.group, found, confirmed=confirmed)
        except UserError as error:
            return await self._stopped(following, error.text, waiting=True)
        rosters, group = self._stores.rosters, following.group
        plan = await rosters.preview(group, lines, _AS_NAMED, by_source=True)
        surprise = None if confirmed else _surprise(group, plan)
        if surprise:
            return await self._stopped(following, surprise, waiting=True)
        plan = await rosters.apply(group, lines, _AS_NAMED, by_source=True)
        await self._stores.groups.looked(replace(now, seen=found.seen), _told(plan))
        log.info("synchronised", group=group.name, **{change.value: plan.count(change) for change in Change})
        return Synced(group, plan)

    async def _stopped(self, following: Following, why: Text, *, waiting: bool) -> Synced:
        """Nothing is changed, and the same trouble is told once."""
        if why != following.trouble:
            log.warning("not synchronised", group=following.group.name, why=str(why))
        now = replace(following, tried_at=self._clock.now(), trouble=why, waiting=waiting)
        await self._stores.groups.looked(now, {"result": str(why)})
        return Synced(following.group, trouble=why)


def _lines_for(group: Group, found: Fetched, *, confirmed: bool) -> Sequence[Line]:
    """The lines that are about the group. Raises UserError if there is nobody."""
    lines = lines_of(found.table)
    about = [line for line in lines if line.groups is None or group.name in line.groups]
    if not confirmed and not any(line.addresses for line in about):
        raise UserError(Text("no line of the sheet names {group} beside an address", group=group.written))
    return about


def _surprise(group: Group, plan: Plan) -> Text | None:
    """Why somebody should look first."""
    gone = len(plan.leaving)
    stay = plan.count(Change.KEPT) + plan.count(Change.CHANGED)
    if gone <= _SURPRISING * (gone + stay):
        return None
    return Text(
        "{gone} of {all} people would leave {group}: {names}. If that is right: /sync {name} confirm=yes",
        gone=gone,
        all=gone + stay,
        group=group.written,
        names=[row.name or row.address for row in plan.rows if row.change is Change.REMOVED][:10],
        name=group.name,
    )


def _told(plan: Plan) -> Values:
    """For the trail; who joined and left is told there by itself."""
    counts = {change.value: str(plan.count(change)) for change in Change if plan.count(change)}
    return {"result": "synchronised", **counts}
