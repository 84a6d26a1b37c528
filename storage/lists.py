"""The port `ListStore`: mailing lists, their settings and their health."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from tortoise.expressions import F

from bot.core.addresses import Address
from bot.core.changing import whole, without_secrets
from bot.core.deliveries import OPEN_STATES
from bot.core.errors import Conflict, PermanentError, UserError
from bot.core.lists import Certificate, Health, MailboxAccount, MailingList, refuse_shared_mailboxes
from bot.core.people import Role
from bot.core.posts import Cursor, PostState
from bot.core.settings import ACCOUNT_KEYS, READING_KEYS, Box, ListSettings
from bot.core.stores import ListCounts, Removed
from bot.core.text import Text
from storage.atomic import Database, Store, atomic, reading
from storage.bounces import forget_cards_of_bounces
from storage.incidents import forget_incidents, note_health
from storage.mailings import delete_mailings
from storage.oldmail import not_looked_at, note_look
from storage.posts import delete_posts
from storage.roles import bearers
from storage.rows import (
    AddressRow,
    BanRow,
    BindingRow,
    BounceRow,
    DefaultsRow,
    DeliveryRow,
    GroupRoleRow,
    KnownMailRow,
    MailingRow,
    MlistRow,
    PersonRow,
    PinRow,
    PostRow,
    ReminderRow,
    RoleRow,
    TemplateRow,
    UnnamedBounceRow,
    WelcomeRow,
)
from storage.values import column, text_of
from storage.waiting import one_at_a_time

_VERSION = 1
"""Of the stored form of settings (its key ``v``): a later form upgrades the older ones as it reads."""
_DEFAULTS_ID = 1
_SETTINGS = "settings"
"""What `storage.waiting` calls the settings of all lists together: no two may read one mailbox."""


class SqlListStore(Store):
    """Mailing lists; passwords are sealed in the database and nowhere else."""

    def __init__(self, database: Database, box: Box, always: Collection[str] = ()) -> None:
        """`always`: the names of the groups that are members of every list."""
        super().__init__(database)
        self._box = box
        self._always = always

    @reading
    async def all(self) -> Sequence[MailingList]:
        defaults, pins = await self._defaults(), await _pins()
        rows = sorted(await MlistRow.all(), key=lambda row: row.address)  # no two databases agree
        return [self._mlist(row, defaults, pins) for row in rows]

    @reading
    async def get(self, mlist_id: int) -> MailingList:
        return self._mlist(await _row(mlist_id), await self._defaults(), await _pins())

    @atomic
    async def add(self, address: Address, own: Mapping[str, Any], at: datetime) -> MailingList:
        await one_at_a_time(_SETTINGS)
        await _require_free(address)
        row = await MlistRow.create(address=address, own=self._sealed(own), created_at=at)
        return await self._sound(row.id)

    @atomic
    async def change(self, mlist: MailingList, own: Mapping[str, Any]) -> MailingList:
        await one_at_a_time(_SETTINGS)
        latest = MlistRow.filter(id=mlist.id, version=mlist.version)
        fresh = _untried(key for key in ListSettings.model_fields if mlist.own.get(key) != own.get(key))
        if not await latest.update(own=self._sealed(own), version=F("version") + 1, **fresh):
            await self.get(mlist.id)  # raises if it was deleted
            raise Conflict(Text("somebody else changed {list} just now", list=mlist.address))
        return await self._sound(mlist.id)

    @reading
    async def defaults(self) -> Mapping[str, Any]:
        return await self._defaults()

    @atomic
    async def change_defaults(self, own: Mapping[str, Any]) -> None:
        await one_at_a_time(_SETTINGS)
        before = await self._defaults()
        moved = {key for key in ListSettings.model_fields if before.get(key) != own.get(key)}
        fresh = _untried(moved)
        for row in await MlistRow.all():
            # a default must not send a list's own password to another host either
            kept = without_secrets(row.own, moved - row.own.keys())
            if kept != row.own:
                await MlistRow.filter(id=row.id).update(own=kept)
        await DefaultsRow.update_or_create(id=_DEFAULTS_ID, defaults={"own": self._sealed(own)})
        await MlistRow.all().update(version=F("version") + 1, **fresh)  # their settings changed too
        refuse_shared_mailboxes(await self.all())

    @atomic
    async def rename(self, mlist: MailingList, address: Address) -> MailingList:
        await one_at_a_time(_SETTINGS)
        if address != mlist.address:
            await _require_free(address)
            fresh = {} if mlist.settings.username else _untried(["username"])
            await MlistRow.filter(id=mlist.id).update(address=address, **fresh)
        return await self._sound(mlist.id)

    @atomic
    async def delete(self, mlist: MailingList, newest_post: int) -> Removed:
        await MlistRow.filter(id=mlist.id).select_for_update().only("id")  # nothing comes in meanwhile
        if await PostRow.filter(mlist_id=mlist.id, id__gt=newest_post).exists():
            raise Conflict(Text("{list} got another post just now", list=mlist.address))
        held = await PostRow.filter(mlist_id=mlist.id, state=PostState.HELD).count()
        dropped = await DeliveryRow.filter(mlist_id=mlist.id, state__in=OPEN_STATES).count()
        await delete_posts(await column(PostRow.filter(mlist_id=mlist.id), "id"))
        await delete_mailings(await column(MailingRow.filter(mlist_id=mlist.id), "id"))
        await BounceRow.filter(mlist_id=mlist.id).update(mlist_id=None)
        for belongings in (
            RoleRow,
            GroupRoleRow,
            BanRow,
            BindingRow,
            KnownMailRow,
            ReminderRow,
            TemplateRow,
            UnnamedBounceRow,
            WelcomeRow,
        ):
            await belongings.filter(mlist_id=mlist.id).delete()
        await forget_incidents(f"mailbox {mlist.id}")
        await forget_cards_of_bounces(mlist.id)
        await MlistRow.filter(id=mlist.id).delete()
        return Removed(held=held, dropped=dropped)

    @atomic
    async def pause(self, mlist: MailingList, *, paused: bool) -> MailingList:
        await MlistRow.filter(id=mlist.id).update(paused=paused)
        return await self.get(mlist.id)

    @reading
    async def counts(self, mlist: MailingList) -> ListCounts:
        members = await bearers(mlist, Role.MEMBER, self._always)
        return ListCounts(
            people=await PersonRow.filter(members.among("id")).count(),
            addresses=await AddressRow.filter(members.among("person_id")).count(),
            held=await PostRow.filter(mlist_id=mlist.id, state=PostState.HELD).count(),
        )

    @atomic
    async def polled(
        self, mlist_id: int, at: datetime, trouble: Text | None, seen: Certificate | None = None
    ) -> None:
        values = {"poll_ok_at": at} if trouble is None else {}
        stored = trouble.dump() if trouble else None
        row = await MlistRow.get_or_none(id=mlist_id)
        if row:
            await MlistRow.filter(id=mlist_id).update(poll_trouble=stored, **values)
            what = Text("The mailbox of {list}", list=row.address)
            await note_health(f"mailbox {mlist_id}", what, trouble, at, seen)

    @atomic
    async def connected(
        self,
        mlist_ids: Collection[int],
        at: datetime,
        trouble: Text | None,
        account: str = "",
        seen: Certificate | None = None,
    ) -> None:
        values = {"smtp_ok_at": at} if trouble is None else {}
        stored = trouble.dump() if trouble else None
        await MlistRow.filter(id__in=list(mlist_ids)).update(smtp_trouble=stored, **values)
        if account:
            what = Text("Outgoing mail by {account}", account=account)
            await note_health(f"account {account}", what, trouble, at, seen)

    @atomic
    async def pin(self, server: str, sha256: str) -> None:
        await PinRow.update_or_create(server=server, defaults={"sha256": sha256})

    @reading
    async def not_looked_at(
        self, mlist_id: int, account: MailboxAccount, cursors: Collection[Cursor]
    ) -> Collection[str]:
        return await not_looked_at(await _row(mlist_id), account, cursors)

    @atomic
    async def note_old_mail(
        self,
        mlist_id: int,
        account: MailboxAccount,
        cursors: Collection[Cursor],
        recent: Collection[Cursor] = (),
    ) -> Mapping[str, bool]:
        await MlistRow.filter(id=mlist_id).select_for_update(no_key=True).only("id")
        return await note_look(await _row(mlist_id), account, cursors, recent)

    async def _sound(self, mlist_id: int) -> MailingList:
        """A list that was just written, if the mailboxes of all are still apart."""
        refuse_shared_mailboxes(await self.all())
        return await self.get(mlist_id)

    async def _defaults(self) -> dict[str, Any]:
        row = await DefaultsRow.get_or_none(id=_DEFAULTS_ID)
        return self._unsealed(row.own) if row else {}

    def _mlist(self, row: MlistRow, defaults: Mapping[str, Any], pins: Mapping[str, str]) -> MailingList:
        own = self._unsealed(row.own)
        return MailingList(
            id=row.id,
            address=Address(row.address),
            settings=whole(defaults, own),
            own=own,
            version=row.version,
            paused=row.paused,
            created_at=row.created_at,
            poll=Health(row.poll_ok_at, text_of(row.poll_trouble)),
            smtp=Health(row.smtp_ok_at, text_of(row.smtp_trouble)),
            pins=pins,
        )

    def _sealed(self, own: Mapping[str, Any]) -> dict[str, Any]:
        settings = ListSettings.model_validate(dict(own))
        stored = settings.model_dump(mode="json", exclude_unset=True, context={"box": self._box})
        return {"v": _VERSION, **stored}

    def _unsealed(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        own = {key: value for key, value in stored.items() if key != "v"}
        try:
            settings = ListSettings.model_validate(own, context={"box": self._box})
        except ValidationError as error:
            keys = sorted({str(mistake["loc"][0]) for mistake in error.errors(include_input=False)})
            raise PermanentError(
                Text(
                    "the stored settings {keys} cannot be read: this is not the key file (or"
                    " FACTEUR_SECRET_KEY) that they were stored with, or not the same facteur",
                    keys=keys,
                )
            ) from None
        return settings.model_dump(exclude_unset=True)


def _untried(changed: Iterable[str]) -> dict[str, Any]:
    """What is no longer known of a list's servers: an account is neither well nor ill before it was tried."""
    keys = set(changed)
    fresh: dict[str, Any] = {}
    if keys & ACCOUNT_KEYS:
        fresh |= {"smtp_ok_at": None, "smtp_trouble": None}
    if keys & READING_KEYS:
        fresh |= {"poll_ok_at": None, "poll_trouble": None}
    return fresh


async def _row(mlist_id: int) -> MlistRow:
    row = await MlistRow.get_or_none(id=mlist_id)
    if row is None:
        raise UserError(Text("this list was deleted"))
    return row


async def _pins() -> dict[str, str]:
    return {row.server: row.sha256 for row in await PinRow.all()}


async def _require_free(address: Address) -> None:
    if await MlistRow.filter(address=address).exists():
        raise UserError(Text("There is a list {address} already", address=address))
