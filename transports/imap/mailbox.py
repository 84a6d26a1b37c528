"""The mailbox of a list over IMAP: the port `Mailbox` on blocking sessions in threads (RFC 3501).

A session is given to one thread at a time and kept from call to call. Whatever goes wrong, a time
limit or a cancellation included, cuts its socket, which ends the thread, and the next call starts
with a new one. Waiting for mail takes no thread: the event loop watches the socket of a session
that is in IDLE.
"""

from __future__ import annotations

import asyncio
import imaplib
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Concatenate, ParamSpec, TypeVar

from imap_tools import ImapToolsError
from typing_extensions import override

from bot.core.errors import FacteurError, ServerTrouble, Trouble
from bot.core.lists import MailboxAccount
from bot.core.ports import Fetched, Mailbox
from bot.core.posts import Cursor
from bot.core.text import Text
from transports.imap.login import words_of
from transports.imap.session import COMMAND_UIDS, Session
from transports.mails import (
    MAILS_THAT_BREAK,
    MAX_MAIL_OCTETS,
    PERHAPS_ONE_MAIL,
    PERHAPS_STALE,
    SLOWEST_OCTETS_PER_S,
    fetched,
    too_large,
)
from transports.threads import Limits, run_on
from transports.trouble import Server, connection_trouble, lost, unusable

P = ParamSpec("P")
T = TypeVar("T")

GROUP_MAILS = 50
GROUP_OCTETS = 8_000_000
QUICK_S = 60.0
LEAVE_S = 3.0

_LIBRARY_ERRORS = (OSError, imaplib.IMAP4.error, ImapToolsError, ValueError)


class ImapMailbox(Mailbox):
    """One connection, opened when first needed; see the port for what each method promises.

    Args:
        account: where to log in and what becomes of a mail that was taken in.
        tls: what certificates are trusted; None = what this system trusts.
        timeout_s: how long the server may be silent; a whole call takes at most twice that, and the
            time that its mails take at `SLOWEST_OCTETS_PER_S`.
        idle: have the server tell of new mail, where it can (RFC 2177).
        renew_idle_s: how long one IDLE lasts. Home routers forget a connection that is silent for
            ten minutes or so; RFC 2177 allows 29.
        max_mail_octets: a larger mail is not fetched and comes with an error.
    """

    def __init__(
        self,
        account: MailboxAccount,
        *,
        tls: ssl.SSLContext | None = None,
        timeout_s: float = 30.0,
        idle: bool = True,
        renew_idle_s: float = 8.5 * 60,
        max_mail_octets: int = MAX_MAIL_OCTETS,
    ) -> None:
        self._account = account
        self._tls = tls
        self._timeout_s = timeout_s
        self._idle = idle
        self._renew_idle_s = renew_idle_s
        self._max_mail_octets = max_mail_octets
        self._session: Session | None = None
        self._newest = 0
        after = account.after_intake
        self._target = after.removeprefix("move:") if after.startswith("move:") else ""

    @override
    async def listing(self) -> Sequence[Cursor]:
        found: list[Cursor] = []
        if self._target:  # learn that it is missing before mails are taken in, not after
            await self._do(0, Session.check_target, self._target)
        for folder in self._account.folders:
            validity, uids = await self._do(0, Session.listing, folder)
            found += [Cursor(folder, validity, str(uid)) for uid in uids]
            if folder == self._account.folders[0]:
                self._newest = max(uids, default=0)
        return found

    @override
    async def arrived_since(self, day: date, cursors: Collection[Cursor]) -> Collection[Cursor]:
        """By INTERNALDATE, which is when a mail was delivered, or what a move between hosts made of it."""
        found: set[Cursor] = set()
        for folder in self._account.folders:
            validity, uids = await self._do(0, Session.since, folder, day)
            found.update(Cursor(folder, validity, str(uid)) for uid in uids)
        return found & set(cursors)

    @override
    async def fetch(self, cursors: Sequence[Cursor]) -> AsyncIterator[Fetched]:
        breaks = 0
        for folder, validity, uids in _commands(cursors):
            sizes = await self._do(0, Session.sizes, folder, validity, uids)
            groups = deque(_groups(sizes, self._max_mail_octets))
            while groups:
                group = groups.popleft()
                try:
                    got = await self._bodies(folder, validity, group, sizes)
                except ServerTrouble as trouble:
                    if trouble.trouble not in PERHAPS_ONE_MAIL or breaks == MAILS_THAT_BREAK:
                        raise
                    if len(group) > 1:  # find the one that breaks the connection, have the others
                        groups.extendleft([uid] for uid in reversed(group))
                        continue
                    breaks += 1
                    got = {group[0]: trouble}
                for uid in list(got):  # which holds none that somebody works on
                    yield fetched(Cursor(folder, validity, str(uid)), got.pop(uid))

    @override
    async def settle(self, cursors: Sequence[Cursor]) -> None:
        if self._account.after_intake == "keep":
            return
        for folder, validity, uids in _commands(cursors):
            await self._do(0, Session.settle, folder, validity, uids, self._target)

    @override
    async def wait(self, timeout_s: float) -> None:
        """Never raises: whether the server can be used, the next `listing` will tell."""
        if not self._idle:
            await asyncio.sleep(timeout_s)
            return
        loop = asyncio.get_running_loop()
        ends = loop.time() + timeout_s
        while (left := ends - (began := loop.time())) > 0:
            try:
                if await self._news(min(left, self._renew_idle_s)):
                    return
            except ServerTrouble:
                if loop.time() - began >= QUICK_S:
                    return  # it had worked: look afresh what came since
                # A server that hangs up at once must not be hammered.
                await asyncio.sleep(max(0.0, ends - loop.time()))

    @override
    async def close(self) -> None:
        session, self._session = self._session, None
        if session:
            try:
                await self._in_thread(session, min(LEAVE_S, self._timeout_s), Session.leave)
            except ServerTrouble:
                pass  # it is closed all the same

    async def _bodies(
        self, folder: str, validity: str, group: Sequence[int], sizes: Mapping[int, int | None]
    ) -> dict[int, bytes | FacteurError]:
        octets = sum(sizes[uid] or 0 for uid in group)
        if octets > self._max_mail_octets:
            return {group[0]: too_large(octets, self._max_mail_octets)}
        return await self._do(octets, Session.bodies, folder, validity, group)

    async def _news(self, timeout_s: float) -> bool:
        """Whether something arrived in the first folder before `timeout_s` was over."""
        if await self._do(0, Session.start_idle, self._account.folders[0], self._newest):
            return True
        session, self._session = self._session, None
        assert session is not None, "kept by _do"
        sound = False
        try:
            arrived = await _heard(session, timeout_s)
            sound = True
        except _LIBRARY_ERRORS as error:
            raise _trouble(error, session.server) from error
        finally:
            if not sound:
                session.cut()
                session.discard()
        self._session = session
        return arrived

    async def _do(
        self,
        octets: int,
        call: Callable[Concatenate[Session, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `call`, which brings about so many octets, on the session, or on a new one."""
        kept, self._session = self._session, None
        session = kept or self._new_session()
        limit_s = 2 * self._timeout_s + octets / SLOWEST_OCTETS_PER_S
        try:
            result = await self._in_thread(session, limit_s, call, *args, **kwargs)
        except ServerTrouble as trouble:
            if kept is None or trouble.trouble not in PERHAPS_STALE:
                raise
            # Servers close, and routers forget, what was silent between two polls: no trouble yet.
            return await self._do(octets, call, *args, **kwargs)
        self._session = session
        return result

    def _new_session(self) -> Session:
        account = self._account
        if not account.host:
            raise ServerTrouble(
                Trouble.NAME, Text("No server is set for this mailbox. Give its name: host=...")
            )
        if self._target in account.folders:
            raise ServerTrouble(
                Trouble.FOLDER,
                Text(
                    "Mails cannot be moved to {folder}, which is read itself: they would come again and "
                    "again. Choose another folder for after_intake=move:...",
                    folder=self._target,
                ),
            )
        return Session(account, self._tls, Limits(self._timeout_s, self._max_mail_octets + GROUP_OCTETS))

    async def _in_thread(
        self,
        session: Session,
        limit_s: float,
        call: Callable[Concatenate[Session, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `call` on the session; it is cut and closed unless all went well."""
        try:
            return await run_on(session, limit_s, lambda: call(session, *args, **kwargs))
        except _LIBRARY_ERRORS as error:
            raise _trouble(error, session.server) from error


async def _heard(session: Session, timeout_s: float) -> bool:
    """Watch a session in IDLE: True when new mail is announced, False when the time is over."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    descriptor = session.fileno()
    ends = loop.time() + timeout_s
    loop.add_reader(descriptor, readable.set)
    try:
        while (left := ends - loop.time()) > 0:
            try:
                await asyncio.wait_for(readable.wait(), left)
            except TimeoutError:
                return False
            readable.clear()
            if session.has_news():
                return True
        return False
    finally:
        loop.remove_reader(descriptor)


def _commands(cursors: Sequence[Cursor]) -> Iterator[tuple[str, str, list[int]]]:
    """The cursors by folder and UIDVALIDITY, in their order, as many as go into one command."""
    folders: dict[tuple[str, str], list[int]] = {}
    for cursor in cursors:
        folders.setdefault((cursor.folder, cursor.validity), []).append(int(cursor.uid))
    for (folder, validity), uids in folders.items():
        for first in range(0, len(uids), COMMAND_UIDS):
            yield folder, validity, uids[first : first + COMMAND_UIDS]


def _groups(sizes: Mapping[int, int | None], max_octets: int) -> Iterator[list[int]]:
    """UIDs that are fetched together; a mail of unknown size, or larger than a group, is alone."""
    limit = min(GROUP_OCTETS, max_octets)
    group: list[int] = []
    octets = 0
    for uid, size in sizes.items():
        more = limit if size is None else size
        if group and (len(group) == GROUP_MAILS or octets + more > limit):
            yield group
            group, octets = [], 0
        group.append(uid)
        octets += more
    if group:
        yield group


def _trouble(error: Exception, server: Server) -> ServerTrouble:
    """What imaplib, imap-tools or the system raised, as people can use it."""
    match error:
        case imaplib.IMAP4.abort() if "socket error" in str(error):
            return lost(server)
        case imaplib.IMAP4.abort() if "unexpected" not in str(error):
            return lost(server, words_of(error))  # BYE
        case imaplib.IMAP4.error() | ImapToolsError():
            return unusable(server, words_of(error))
        case UnicodeDecodeError():
            return unusable(server, str(error))
        case _:
            return connection_trouble(error, server)
