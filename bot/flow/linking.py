"""Chat accounts and the people of the directory: a code that is mailed to an address proves whose it is."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.core.addresses import Address, Mailbox, is_deliverable
from bot.core.clock import Clock
from bot.core.deliveries import NO_LIST
from bot.core.errors import UserError
from bot.core.people import Actor, Person
from bot.core.stores import Stores
from bot.core.text import Text
from bot.flow.accounts import Accounts
from bot.flow.notices import Notices

log = structlog.get_logger()

LIFE = timedelta(minutes=15)
TRIES = 5
CODES = 3
"""In an hour, for one account and for one address."""

_OWNER = "link"
_HOUR = timedelta(hours=1)


class WrongCode(UserError):
    """That was not it; `left` more tries."""

    def __init__(self, left: int) -> None:
        super().__init__(
            Text.counted(
                "That is not the code. You have {count} try left.",
                "That is not the code. You have {count} tries left.",
                left,
            )
            if left
            else Text("That is not the code, and it does not count any more: /link sends another.")
        )
        self.left = left


@dataclass(frozen=True, slots=True)
class _Pending:
    """A code that somebody may say, `at` when it was made."""

    address: str
    code: str
    at: str
    tries: int = 0


class Linking:
    """Mails codes and takes them. Nothing that is said tells whether the directory knows an address."""

    def __init__(self, stores: Stores, clock: Clock, notices: Notices, accounts: Accounts) -> None:
        self._stores = stores
        self._clock = clock
        self._notices = notices
        self._accounts = accounts

    async def send_code(self, actor: Actor, address: Address, language: str) -> None:
        """Mail a code to the address, if it is somebody's; an earlier one counts no more.

        Raises:
            UserError: there were too many for this account or address, or no mail can be sent at all.
        """
        now = self._clock.now()
        await self._stores.notes.forget(_OWNER, "", now - _HOUR)
        if not (self._accounts.sender or await self._senders()):
            raise UserError(Text("I cannot send mail yet: an administrator gives `from` under [smtp] first."))
        await self._count((f"account {actor.id}", f"address {_digest(address)}"), now)
        code = f"{secrets.randbelow(1_000_000):06}"
        await self._keep(actor, _Pending(address, code, now.isoformat()))
        person = await self._stores.people.find(address)
        if person and is_deliverable(address):
            await self._mail(actor, person, address, code, language)
        log.info("code asked for", by=actor.id)

    async def link(self, actor: Actor, address: Address, code: str) -> Person:
        """Link the account to whom the address belongs to that the code was mailed to.

        Raises:
            WrongCode: it was not that.
            UserError: no code is waited for, or not any more.
        """
        pending, stored = await self._tried(actor, address)
        right = hmac.compare_digest(pending.code.encode(), "".join(code.split()).encode())
        if right and stored and not await self._stores.notes.take(_OWNER, _name(actor), stored):
            raise _not_waiting()
        person = await self._stores.admins.link(actor.id, Address(pending.address)) if right else None
        if person is None:
            log.info("wrong code", by=actor.id)
            raise WrongCode(TRIES - pending.tries)
        log.info("linked", by=actor.id, person=person.id)
        return person

    async def _tried(self, actor: Actor, address: Address) -> tuple[_Pending, str]:
        """The code that is waited for, with this try counted *before* it is looked at, and as it is stored.

        The last try takes it away: it is stored as nothing then.
        """
        while True:
            stored = await self._stores.notes.recall(_OWNER, _name(actor))
            pending = _Pending(**json.loads(stored)) if stored else None
            now = self._clock.now()
            if not pending or pending.address != address or datetime.fromisoformat(pending.at) <= now - LIFE:
                raise _not_waiting()
            pending = replace(pending, tries=pending.tries + 1)
            left = json.dumps(asdict(pending)) if pending.tries < TRIES else ""
            if await self._stores.notes.swap(_OWNER, _name(actor), stored, left, now):
                return pending, left

    async def _mail(self, actor: Actor, person: Person, address: Address, code: str, language: str) -> None:
        """By the installation's own account; without one, as mail of a list, theirs if they have one."""
        sender, mlist_id = self._accounts.sender, NO_LIST
        if sender is None:
            theirs = {each for each, *_ in (await self._stores.people.profile(person.id)).roles}
            lists = sorted(await self._senders(), key=lambda each: each[0] not in theirs)
            sender, mlist_id = lists[0]
        now, account = self._clock.now(), f"{actor.name} ({actor.id})"
        mailing = self._notices.code(code, account, Mailbox("", sender), address, language, now)
        await self._stores.outbox.put(mailing, mlist_id)

    async def _senders(self) -> list[tuple[Address, int]]:
        """The lists that could send it."""
        lists = await self._stores.lists.all()
        return [
            (each.address, each.id) for each in lists if self._accounts.smtp(each).host and not each.paused
        ]

    async def _count(self, names: Collection[str], now: datetime) -> None:
        """Raises UserError where there were enough in the last hour."""
        for name in names:
            await self._room_for_one(name, now)
        for name in names:
            while True:
                stored, sent = await self._room_for_one(name, now)
                noted = json.dumps([*sent, now.isoformat()])
                if await self._stores.notes.swap(_OWNER, name, stored, noted, now):
                    break

    async def _room_for_one(self, name: str, now: datetime) -> tuple[str, list[str]]:
        """What is stored of the codes that were sent for it, and those of the last hour."""
        stored = await self._stores.notes.recall(_OWNER, name)
        sent = [each for each in json.loads(stored or "[]") if datetime.fromisoformat(each) > now - _HOUR]
        if len(sent) >= CODES:
            until = datetime.fromisoformat(sent[0]) + _HOUR
            raise UserError(Text("That was asked for often enough: please wait until {at}.", at=until))
        return stored, sent

    async def _keep(self, actor: Actor, pending: _Pending) -> None:
        await self._stores.notes.keep(_OWNER, {_name(actor): json.dumps(asdict(pending))}, self._clock.now())


def _name(actor: Actor) -> str:
    return f"code {actor.id}"


def _digest(address: Address) -> str:
    return hashlib.sha256(address.encode()).hexdigest()


def _not_waiting() -> UserError:
    return UserError(Text("I am not waiting for a code from you any more: /link sends one."))
