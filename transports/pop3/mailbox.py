"""The mailbox of a list over POP3: the port `Mailbox` on blocking sessions in threads (RFC 1939).

Each listing begins a session, because a session never sees what arrives after its beginning. It ends
with the deletion of what was taken in, or as soon as there is nothing to delete, at the latest before
waiting: servers lock a mailbox while somebody is logged in. Whatever goes wrong, a time limit or a
cancellation included, cuts the session, and then nothing is deleted.
"""

from __future__ import annotations

import asyncio
import poplib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from datetime import date
from typing import Concatenate, ParamSpec, TypeVar

from typing_extensions import override

from bot.core.changing import pop3_contradictions
from bot.core.errors import FacteurError, ServerTrouble, TransientError, Trouble
from bot.core.lists import MailboxAccount
from bot.core.ports import Fetched, Mailbox
from bot.core.posts import Cursor
from bot.core.text import Text
from transports.mails import (
    MAILS_THAT_BREAK,
    MAX_MAIL_OCTETS,
    PERHAPS_ONE_MAIL,
    PERHAPS_STALE,
    SLOWEST_OCTETS_PER_S,
    arrival,
    fetched,
    too_large,
)
from transports.pop3.client import words_of
from transports.pop3.session import Session
from transports.threads import Limits, run_on
from transports.trouble import Server, connection_trouble, unusable

P = ParamSpec("P")
T = TypeVar("T")

LEAVE_S = 3.0
_OCTETS_PER_COMMAND = 5_000
"""What a DELE counts in the time limit of a call: a tenth of a second."""
_LIBRARY_ERRORS = (OSError, poplib.error_proto, ValueError)


class Pop3Mailbox(Mailbox):
    """One session at a time; see the port for what each method promises.

    A mail that was read in one session is deleted in another only if its UIDL names the same octets
    there: servers exist whose UIDLs change, or are mere numbers that later mean other mails.

    Args:
        account: where to log in and what becomes of a mail that was taken in.
        tls: what certificates are trusted; None = what this system trusts.
        timeout_s: how long the server may be silent; a whole call takes at most twice that, and the
            time that its mail takes at `SLOWEST_OCTETS_PER_S`.
        max_mail_octets: a larger mail is not fetched and comes with an error.
    """

    def __init__(
        self,
        account: MailboxAccount,
        *,
        tls: ssl.SSLContext | None = None,
        timeout_s: float = 30.0,
        max_mail_octets: int = MAX_MAIL_OCTETS,
    ) -> None:
        self._account = account
        self._tls = tls
        self._timeout_s = timeout_s
        self._max_mail_octets = max_mail_octets
        self._session: Session | None = None
        self._listed: Session | None = None
        self._read: dict[str, str] = {}

    @override
    async def listing(self) -> Sequence[Cursor]:
        await self.close()
        self._read.clear()
        session = self._listed = await self._opened()
        for number in list(session.unnamed):
            await self._run(session, session.sizes.get(number, 0), Session.name, number)
        names = dict.fromkeys(session.names[number] for number in sorted(session.names))
        return [Cursor(self._account.folders[0], "", name) for name in names]

    @override
    async def arrived_since(self, day: date, cursors: Collection[Cursor]) -> Collection[Cursor]:
        """By the topmost Received field, which the server that keeps the mailbox wrote; else by Date."""
        found = []
        for cursor in cursors:
            arrived = await self._once_more_if_stale(self._arrival, cursor.uid)
            if arrived and arrived >= day:
                found.append(cursor)
        return found

    @override
    async def fetch(self, cursors: Sequence[Cursor]) -> AsyncIterator[Fetched]:
        breaks = 0
        looks = 0
        for cursor in cursors:
            mail: bytes | FacteurError | None
            try:
                mail = await self._mail(cursor.uid)
                if isinstance(mail, TransientError) and looks < MAILS_THAT_BREAK:
                    looks += 1  # perhaps it is gone: only a new session would know
                    await self.close()
                    mail = await self._mail(cursor.uid)
            except ServerTrouble as trouble:
                if trouble.trouble not in PERHAPS_ONE_MAIL or breaks == MAILS_THAT_BREAK:
                    raise
                breaks += 1
                mail = trouble
            if mail is not None:
                yield fetched(cursor, mail)
        if not self._read:
            await self.close()  # nothing will be settled

    @override
    async def settle(self, cursors: Sequence[Cursor]) -> None:
        names = list(dict.fromkeys(cursor.uid for cursor in cursors))
        if self._account.after_intake == "keep":
            await self.close()
        elif names:
            await self._once_more_if_stale(self._delete, names)
        for name in names:
            self._read.pop(name, None)

    @override
    async def wait(self, timeout_s: float) -> None:
        """POP3 tells of nothing: a timer, during which others may log in."""
        await self.close()
        await asyncio.sleep(timeout_s)

    @override
    async def close(self) -> None:
        if session := self._session:
            try:
                await self._end(session, min(LEAVE_S, self._timeout_s), Session.leave)
            except ServerTrouble:
                pass  # it is closed all the same

    async def _mail(self, name: str) -> bytes | FacteurError | None:
        """A mail, why it cannot be had, or None if it is gone."""
        return await self._once_more_if_stale(self._read_mail, name)

    async def _read_mail(self, session: Session, name: str) -> bytes | FacteurError | None:
        number = await self._number(session, name)
        if number is None:
            return None
        octets = session.sizes.get(number, 0)
        if octets > self._max_mail_octets:
            return too_large(octets, self._max_mail_octets)
        mail = await self._run(session, octets, Session.mail, number)
        if isinstance(mail, bytes):
            self._read[name] = session.digests[number]
        return mail

    async def _arrival(self, session: Session, name: str) -> date | None:
        number = await self._number(session, name)
        header = b"" if number is None else await self._run(session, 0, Session.header, number)
        return arrival(header)

    async def _delete(self, session: Session, names: Sequence[str]) -> None:
        numbers = []
        for name in names:
            number = await self._number(session, name)
            if number is not None and await self._is_what_was_read(session, number, name):
                numbers.append(number)
        if numbers:
            octets = len(numbers) * _OCTETS_PER_COMMAND
            await self._end(session, self._limit_s(octets), Session.delete, numbers)

    async def _is_what_was_read(self, session: Session, number: int, name: str) -> bool:
        if name not in self._read:
            return session is self._listed  # elsewhere its name may mean another mail
        if number not in session.digests:
            await self._run(session, session.sizes.get(number, 0), Session.mail, number)
        return session.digests.get(number) == self._read[name]

    async def _number(self, session: Session, name: str) -> int | None:
        """Its number in this session; mails without a name are read, oldest first, until it is found."""
        number = session.numbers.get(name)
        while number is None and session.unnamed:
            first = session.unnamed[0]
            if await self._run(session, session.sizes.get(first, 0), Session.name, first) == name:
                number = first
        return number

    async def _once_more_if_stale(
        self, call: Callable[Concatenate[Session, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do it in the session that there is; if that is lost, in a new one."""
        if kept := self._session:
            try:
                return await call(kept, *args, **kwargs)
            except ServerTrouble as trouble:
                if trouble.trouble not in PERHAPS_STALE:
                    raise
        return await call(await self._opened(), *args, **kwargs)

    async def _opened(self) -> Session:
        account = self._account
        if not account.host:
            raise ServerTrouble(
                Trouble.NAME, Text("No server is set for this mailbox. Give its name: host=...")
            )
        if mistakes := pop3_contradictions(account.folders, account.after_intake):
            raise ServerTrouble(Trouble.FOLDER, mistakes[0])
        limits = Limits(self._timeout_s, 2 * self._max_mail_octets)
        session = Session(account, self._tls, limits, self._max_mail_octets)
        await self._run(session, 0, Session.open)
        return session

    async def _run(
        self,
        session: Session,
        octets: int,
        call: Callable[Concatenate[Session, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `call`, which brings about so many octets, and keep the session for the next one."""
        limit_s = self._limit_s(min(octets, self._max_mail_octets))
        result = await self._end(session, limit_s, call, *args, **kwargs)
        self._session = session
        return result

    async def _end(
        self,
        session: Session,
        limit_s: float,
        call: Callable[Concatenate[Session, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `call` as the last one on this session."""
        self._session = None
        try:
            return await run_on(session, limit_s, lambda: call(session, *args, **kwargs))
        except _LIBRARY_ERRORS as error:
            raise _trouble(error, session.server) from error

    def _limit_s(self, octets: int) -> float:
        return 2 * self._timeout_s + octets / SLOWEST_OCTETS_PER_S


def _trouble(error: Exception, server: Server) -> ServerTrouble:
    """What poplib or the system raised, as people can use it."""
    if isinstance(error, poplib.error_proto):
        return unusable(server, words_of(error))
    return connection_trouble(error, server)
