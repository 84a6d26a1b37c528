"""Where a list looked for mail, and which mails there must not pass by themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from bot.core.errors import UserError
from bot.core.lists import MailboxAccount, folder_name
from bot.core.posts import Cursor
from bot.core.text import Text
from storage.rows import KnownMailRow, MlistRow, PostRow
from storage.values import column, in_groups

_ASKED_AT_ONCE = 500
_DELETED_AT_ONCE = 500


async def not_looked_at(mlist: MlistRow, account: MailboxAccount, cursors: Collection[Cursor]) -> set[str]:
    """The folders whose mail would be old mail at this look."""
    return (await _looked(mlist, account, cursors))[1]


async def note_look(
    mlist: MlistRow, account: MailboxAccount, cursors: Collection[Cursor], recent: Collection[Cursor]
) -> dict[str, bool]:
    """Note what lies in the mailbox now; those of it that were there before the list read it.

    Each with whether it may be left there for ever; that is said of all but `recent`, at the look
    that makes it old mail.

    What lies in a folder is old mail at the first look into it; and again when it is not the same
    folder any more, because another server, login or UIDVALIDITY is behind its name (RFC 3501
    section 2.3.1.1): then nobody can tell which of its mails were seen before. The same goes for a POP3
    server that names all its mails anew.

    Raises:
        UserError: an older list reads that very folder, by another name of the server.
    """
    looked, fresh = await _looked(mlist, account, cursors)
    await _refuse_twin(mlist, looked)
    listed = {str(cursor) for cursor in cursors}
    first_seen = {str(cursor) for cursor in cursors if cursor.folder in fresh}
    rows = KnownMailRow.filter(mlist_id=mlist.id)
    marks = await rows.values_list("id", "cursor", "raw_sha256", "leave")
    marked = {cursor: leave for _, cursor, raw_sha256, leave in marks if not raw_sha256}
    lately = {str(cursor) for cursor in recent}
    new = {cursor: cursor not in lately for cursor in sorted(first_seen - marked.keys())}
    await KnownMailRow.bulk_create(
        KnownMailRow(mlist_id=mlist.id, cursor=cursor, leave=leave) for cursor, leave in new.items()
    )
    # a folder that shows nothing may be a server in trouble: its marks stay until it shows something
    silent = tuple(f"{folder}/" for folder in set(account.folders) - {cursor.folder for cursor in cursors})
    await _forget(id_ for id_, cursor, *_ in marks if cursor not in listed and not cursor.startswith(silent))
    if looked != mlist.looked:
        await MlistRow.filter(id=mlist.id).update(looked=looked)
    return new | {cursor: leave for cursor, leave in marked.items() if cursor in listed}


async def _looked(
    mlist: MlistRow, account: MailboxAccount, cursors: Collection[Cursor]
) -> tuple[dict[str, list[str]], set[str]]:
    """Server and UIDVALIDITY behind each folder now, and the folders that are not the same any more.

    The UIDVALIDITY of a folder that was empty at the first look shows with its first mail.
    """
    place = f"{account.protocol}://{account.username}@{account.host.lower()}:{account.port}"
    shown = {cursor.folder: cursor.validity for cursor in cursors}
    looked, fresh = {}, set()
    for folder in account.folders:
        before, validity = mlist.looked.get(folder, ("", ""))
        if before != place:
            validity = ""
        looked[folder] = [place, shown.get(folder, validity)]
        another = before != place or validity not in {"", looked[folder][1]}
        if another or (shown.get(folder) == "" and await _named_anew(mlist, folder, cursors)):
            fresh.add(folder)
    return looked, fresh


async def _named_anew(mlist: MlistRow, folder: str, cursors: Collection[Cursor]) -> bool:
    """Whether no old mail has the name that it had, although some was never taken in.

    POP3 has no UIDVALIDITY to tell, and servers exist whose UIDLs change with each session.
    """
    marks = KnownMailRow.filter(mlist_id=mlist.id, raw_sha256="", cursor__startswith=f"{folder}/")
    marked = set(await column(marks, "cursor"))
    if not marked or any(str(cursor) in marked for cursor in cursors):
        return False
    taken: set[str] = set()
    for group in in_groups(marked, _ASKED_AT_ONCE):
        taken.update(await column(PostRow.filter(mlist_id=mlist.id, cursor__in=group), "cursor"))
    return taken != marked


async def _refuse_twin(mlist: MlistRow, looked: Mapping[str, list[str]]) -> None:
    """Names of hosts have aliases: one login and one UIDVALIDITY tell that it is the same folder."""
    ours = _readings(looked)
    for other in await MlistRow.filter(id__lt=mlist.id).order_by("id"):
        if ours & _readings(other.looked):
            raise UserError(
                Text(
                    "{list} reads that very mailbox, by another name of its server: give another folder=",
                    list=other.address,
                )
            )


def _readings(looked: Mapping[str, list[str]]) -> set[tuple[str, str, str]]:
    """Login, folder and UIDVALIDITY of all that was looked at; nothing where that was not shown."""
    logins = {folder: place.partition("://")[2].rpartition("@")[0] for folder, (place, _) in looked.items()}
    return {
        (logins[folder].casefold(), folder_name(folder), validity)
        for folder, (_, validity) in looked.items()
        if validity
    }


async def _forget(ids: Iterable[int]) -> None:
    for group in in_groups(ids, _DELETED_AT_ONCE):
        await KnownMailRow.filter(id__in=group).delete()
