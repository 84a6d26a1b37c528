"""Sheets of people: taken in after a look at what they would change, handed out, followed."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.chat.desk import Call, Desk, Option, Reply
from bot.chat.holders import holder_row
from bot.chat.kinds import AnyGroup, Confirmation, FilePath, Target, by_id
from bot.chat.readable import one_line
from bot.chat.registry import command
from bot.core.chat import File
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.people import Group, Holder, Rank, Role
from bot.core.rosters import Change, Extends, Line, Plan, Planned, Table, Wanted
from bot.core.stores import Page
from bot.core.text import N_, Text
from bot.flow.roster import lines_of
from bot.flow.sync import Synced

_SHOWN = {Change.REFUSED: 15, Change.REMOVED: 15, Change.CHANGED: 8, Change.ADDED: 8}
"""Rows of each kind that an answer names; `--json` has all."""
_MARKS = {Change.REFUSED: "⚠️", Change.REMOVED: "🗑", Change.CHANGED: "✏️", Change.ADDED: "➕"}
_SAVED = re.compile(r"saved:([0-9a-f]{16})")
_TEXT_LIMIT = 200
_KEPT_S = 24 * 3600
"""How long a sheet waits for its confirmation."""
_COUNTS = {
    Change.ADDED: N_("{count} added"),
    Change.CHANGED: N_("{count} changed"),
    Change.REMOVED: N_("{count} removed"),
    Change.KEPT: N_("{count} kept"),
    Change.REFUSED: N_("{count} refused"),
}
_COMPUTED = ("=", "+", "-", "@")
"""A program would take what begins like that for a formula."""


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
    table, again = await _table(desk, call, path)
    lines = _about(target, lines_of(table))
    admin = call.rank >= Rank.ADMIN  # people are in other lists too, whose mail and rights they have
    wanted = Wanted(rename=admin, remove=remove, extends=Extends.ANYBODY if admin else Extends.NOBODY)
    if confirm:
        plan = await desk.stores.rosters.apply(target, lines, wanted)
        await asyncio.to_thread(_forget_saved, desk.installation.imports, path)
        title = Text("Done for {target}: {counts}.", target=_name(target), counts=_counts(plan))
        return Reply(said=(title, *_lines(plan)), rows=_rows(plan))
    plan = await desk.stores.rosters.preview(target, lines, wanted)
    return _asked(target, plan, again, remove=remove)


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
        rows=[holder_row(holder, ()) for holder in found.items],
        files=(file,),
    )


@command("sync", N_("Look at the sources of groups now"), rank=Rank.ADMIN)
async def sync(desk: Desk, call: Call, group: AnyGroup = None, *, confirm: Confirmation = False) -> Reply:
    """All of them, or one; `confirm` lets people leave, however many they are."""
    if confirm and group is None:
        raise UserError(Text("Please name the group that you confirm: /sync NAME confirm=yes"))
    return synced(await desk.sync.run(group, confirmed=confirm))


def synced(done: Sequence[Synced]) -> Reply:
    """What looks at sources gave."""
    if not done:
        return Reply(
            said=(Text("No group follows a source: /addgroup NAME source=URL makes one that does."),)
        )
    return Reply(
        said=tuple(line for each in done for line in _synced_lines(each)),
        rows=[{"group": each.group.written, **_outcome(each)} for each in done],
        ok=all(each.trouble is None for each in done),
    )


def refuse_other_sources(source: str) -> None:
    """Raises UserError for what is neither an https address nor a path."""
    scheme = urlsplit(source).scheme if "://" in source else ""
    if scheme not in {"", "https"} or (not scheme and not Path(source).expanduser().is_absolute()):
        raise UserError(
            Text("A source is an https:// address, or the whole path of a file, such as /srv/people.csv.")
        )


def _synced_lines(done: Synced) -> Iterator[Text]:
    if done.trouble:
        yield Text("⚠️ {group} is as it was: {trouble}", group=done.group.written, trouble=done.trouble)
    elif done.plan is None:
        yield Text("{group}: its source has not changed.", group=done.group.written)
    else:
        yield Text("{group}: {counts}.", group=done.group.written, counts=_counts(done.plan))
        yield from _lines(done.plan)


def _outcome(done: Synced) -> dict[str, Any]:
    counts = {change.value: done.plan.count(change) if done.plan else 0 for change in Change}
    return {**counts, "trouble": str(done.trouble) if done.trouble else None}


async def _table(desk: Desk, call: Call, path: str) -> tuple[Table, str]:
    """The sheet that is meant, and how a later line names it.

    It is the one sent along; in the terminal a path; or one that was kept for a confirmation.
    """
    saved = _SAVED.fullmatch(path)
    if saved:
        try:
            content = await asyncio.to_thread((desk.installation.imports / saved[1]).read_bytes)
        except OSError:
            raise UserError(Text("This sheet is no longer here: please send it again.")) from None
        return await desk.sheets.read(path, content), path
    if call.files:
        file = call.files[0]
        table = await desk.sheets.read(file.name, file.content)
        folder, old = desk.installation.imports, time.time() - _KEPT_S
        return table, await asyncio.to_thread(_save, folder, file.content, old)
    if path and call.speaker.is_login:
        return await desk.sheets.load(path), path
    raise UserError(Text("Please send the sheet (CSV, XLSX or ODS) along with the command, as its caption."))


def _save(folder: Path, content: bytes, old: float) -> str:
    """Keep a sheet until it is confirmed, and none for long; only the owner of the data can read it.

    `old`: those last written before this moment (seconds since 1970) go.
    """
    key = hashlib.sha256(content).hexdigest()[:16]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for earlier in folder.iterdir():
            if earlier.stat().st_mtime < old:
                earlier.unlink(missing_ok=True)
        file = folder / key
        file.touch(mode=0o600)
        file.write_bytes(content)
    except OSError as error:
        raise UserError(Text("The sheet cannot be kept here: {why}.", why=error.strerror or "")) from None
    return f"saved:{key}"


def _forget_saved(folder: Path, path: str) -> None:
    saved = _SAVED.fullmatch(path)
    if saved:
        (folder / saved[1]).unlink(missing_ok=True)


def _about(target: MailingList | Group, lines: Sequence[Line]) -> Sequence[Line]:
    """Of a sheet that names the group in its lines, those that do."""
    if not isinstance(target, Group):
        return lines
    named = [line for line in lines if line.groups and target.name in line.groups]
    return named or lines


def _asked(target: MailingList | Group, plan: Plan, again: str, *, remove: bool) -> Reply:
    """What would change, and the button that does it."""
    rows, counts = _rows(plan), _counts(plan)
    if not plan.changes:
        title = Text("{target} is as the sheet says: {counts}.", target=_name(target), counts=counts)
        return Reply(said=(title, *_lines(plan)), rows=rows)
    about = target.written if isinstance(target, Group) else by_id(target)
    rest = "confirm=yes" if remove else "confirm=yes remove=no"
    options = [Option(Text("✅ Do it"), f"/import {about} {again} {rest}")]
    if remove and plan.leaving:
        options.append(
            Option(Text("➕ Without removing anybody"), f"/import {about} {again} confirm=yes remove=no")
        )
    return Reply(
        said=(
            Text("This would change {target}: {counts}.", target=_name(target), counts=counts),
            *_lines(plan),
            Text("To do it: {line}", line=f"/import {_name(target)} {again} {rest}"),
        ),
        rows=rows,
        options=tuple((option,) for option in options if option.fits),
    )


def _name(target: MailingList | Group) -> str:
    return target.written if isinstance(target, Group) else target.address


def _counts(plan: Plan) -> list[Text]:
    found = [(change, plan.count(change)) for change in Change]
    return [Text(_COUNTS[change], count=count) for change, count in found if count] or [Text("nothing")]


def _lines(plan: Plan) -> Iterator[Text]:
    for change, limit in _SHOWN.items():
        rows = [row for row in plan.rows if row.change is change]
        for row in rows[:limit]:
            yield _row_line(row)
        if len(rows) > limit:
            yield Text("{mark} and {count} more", mark=_MARKS[change], count=len(rows) - limit)


def _row_line(row: Planned) -> Text:
    who = one_line(
        f"{row.name} <{row.address}>" if row.name and row.address else row.address or row.name, _TEXT_LIMIT
    )
    said = Text("{mark} {who}", mark=_MARKS[row.change], who=who)
    if row.line and row.change is Change.REFUSED:
        said = Text("{mark} line {line}: {who}", mark=_MARKS[row.change], line=row.line, who=who)
    return Text("{said} ({why})", said=said, why=row.reason) if row.reason else said


def _rows(plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "line": row.line or None,
            "address": row.address,
            "name": row.name,
            "change": row.change.value,
            "reason": str(row.reason) if row.reason else None,
        }
        for row in plan.rows
    ]


def _csv(heading: Sequence[str], holders: Sequence[Holder]) -> bytes:
    """UTF-8 with its mark and semicolons: what French office programs open by a double click."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(heading)
    for holder in holders:
        name = holder.person.name
        guarded = f"'{name}" if name.startswith(_COMPUTED) else name
        writer.writerow([guarded, ", ".join(holder.person.addresses), ", ".join(holder.via)])
    return b"\xef\xbb\xbf" + text.getvalue().encode()
