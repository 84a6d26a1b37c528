"""Sheets of people: taken in after a look at what they would change, handed out, followed."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.chat import plans, sheets
from bot.chat.desk import Call, Desk, Option, Reply
from bot.chat.holders import holder_row, left_out_of
from bot.chat.kinds import AnyGroup, Confirmation, Decision, FilePath, Target, by_id
from bot.chat.registry import command
from bot.core.chat import File
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.people import Group, Holder, Rank, Role
from bot.core.rosters import Extends, Line, Plan, Wanted
from bot.core.stores import Page
from bot.core.text import N_, Text
from bot.flow.roster import guarded, lines_of


def _rank_on_target(arguments: Mapping[str, Any]) -> Rank:
    return Rank.ADMIN if isinstance(arguments.get("target"), Group) else Rank.OWNER


@command(
    "import",
    N_("Take people in from a sheet (CSV, XLSX, ODS) sent along"),
    rank=Rank.OWNER,
    raises=_rank_on_target,
    example="/import @contrat-legumes people.csv",
    hint=N_(
        "It shows first what would change: whoever the sheet does not name leaves, remove=no lets them stay."
    ),
)
async def import_(
    desk: Desk,
    call: Call,
    target: Target,
    path: FilePath = "",
    *,
    confirm: Confirmation = False,
    remove: Confirmation = True,
) -> Reply:
    """The preview; with `confirm`, the thing itself."""
    sheet = await sheets.handed_in(desk, call, path)
    lines = _about(target, await asyncio.to_thread(lines_of, sheet.table))
    admin = call.rank >= Rank.ADMIN  # people are in other lists too, whose mail and rights they have
    wanted = Wanted(rename=admin, remove=remove, extends=Extends.ANYBODY if admin else Extends.NOBODY)
    if confirm:
        plan = await desk.stores.rosters.apply(target, lines, wanted)
        await asyncio.to_thread(sheets.forget, desk.installation.imports, path)
        title = Text("Done for {target}: {counts}.", target=_name(target), counts=plans.counts(plan))
        return Reply(said=(title, *plans.lines(plan)), rows=plans.rows(plan))
    plan = await desk.stores.rosters.preview(target, lines, wanted)
    if not plan.changes:
        title = Text(
            "{target} is as the sheet says: {counts}.", target=_name(target), counts=plans.counts(plan)
        )
        return Reply(said=(title, *plans.lines(plan)), rows=plans.rows(plan))
    return _asked(target, plan, await sheets.kept(desk, sheet), remove=remove)


@command(
    "export", N_("Hand out the people of a list or group as a sheet"), rank=Rank.OWNER, raises=_rank_on_target
)
async def export(desk: Desk, call: Call, target: Target) -> Reply:
    """CSV as office programs read it; /import takes it as it is."""
    if isinstance(target, Group):
        found = await desk.stores.groups.holders(target, "", Page())
        name = target.name
    else:
        found = await desk.stores.people.holders(target, Role.MEMBER, "", Page())
        name = target.local_part
    heading = [call.language.sentence(word) for word in (N_("name"), N_("e-mail"), N_("comes from"))]
    left_out = await left_out_of(desk.stores, None if isinstance(target, Group) else target)
    content = await asyncio.to_thread(_csv, heading, found.items)
    file = File(f"{name}-{desk.clock.now():%Y-%m-%d}.csv", "text/csv", content)
    return Reply(
        said=(
            Text.counted(
                "{count} person of {target}:",
                "{count} people of {target}:",
                found.total,
                target=_name(target),
            ),
        ),
        rows=[holder_row(holder, left_out) for holder in found.items],
        files=(file,),
    )


@command("sync", N_("Look at the sources of groups now"), rank=Rank.ADMIN)
async def sync(desk: Desk, call: Call, group: AnyGroup = None, *, confirm: Decision = None) -> Reply:
    """All of them, or one; `confirm` decides about the sheet that waits, whatever it changes."""
    if confirm is None:
        return plans.synced(await desk.sync.run(group, confirmed=False))
    if group is None:
        raise UserError(Text("Please name the group that you confirm: /sync NAME confirm=yes"))
    if confirm:
        return plans.synced(await desk.sync.run(group, confirmed=True))
    await desk.sync.leave(group)
    return plans.left(group)


def refuse_other_sources(source: str) -> None:
    """Raises UserError for what is neither an https address nor a path."""
    scheme = urlsplit(source).scheme if "://" in source else ""
    if scheme not in {"", "https"} or (not scheme and not Path(source).expanduser().is_absolute()):
        raise UserError(
            Text("A source is an https:// address, or the whole path of a file, such as /srv/people.csv.")
        )


def _about(target: MailingList | Group, lines: Sequence[Line]) -> Sequence[Line]:
    """Of a sheet that names the group in its lines, those that do."""
    if not isinstance(target, Group):
        return lines
    named = [line for line in lines if line.groups and target.name in line.groups]
    return named or lines


def _asked(target: MailingList | Group, plan: Plan, again: str, *, remove: bool) -> Reply:
    """What would change, and the button that does it."""
    about = target.written if isinstance(target, Group) else by_id(target)
    rest = "confirm=yes" if remove else "confirm=yes remove=no"
    options = [Option(Text("✅ Do it"), f"/import {about} {again} {rest}")]
    if remove and plan.leaving:
        options.append(
            Option(Text("➕ Without removing anybody"), f"/import {about} {again} confirm=yes remove=no")
        )
    return Reply(
        said=(
            Text("This would change {target}: {counts}.", target=_name(target), counts=plans.counts(plan)),
            *plans.lines(plan),
            Text("To do it: {line}", line=f"/import {_name(target)} {again} {rest}"),
        ),
        rows=plans.rows(plan),
        options=tuple((option,) for option in options if option.fits),
    )


def _name(target: MailingList | Group) -> str:
    return target.written if isinstance(target, Group) else target.address


def _csv(heading: Sequence[str], holders: Sequence[Holder]) -> bytes:
    """UTF-8 with its mark and semicolons: what French office programs open by a double click."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(heading)
    for holder in holders:
        via = [way.removeprefix("@") for way in holder.via]
        cells = holder.person.name, ", ".join(holder.person.addresses), ", ".join(via)
        writer.writerow(map(guarded, cells))
    return b"\xef\xbb\xbf" + text.getvalue().encode()
