"""The port `AccountStore`: what relays have told of outgoing accounts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from bot.core.lists import AccountState
from storage.atomic import Store, atomic, reading
from storage.rows import AccountRow, AttemptRow
from storage.waiting import one_at_a_time


class SqlAccountStore(Store):
    """One row for each account that something is known of."""

    @reading
    async def states(self, keys: Collection[str]) -> Mapping[str, AccountState]:
        rows = {row.key: row for row in await AccountRow.filter(key__in=list(keys))}
        return {key: _state(rows.get(key)) for key in keys}

    @atomic
    async def note_size(self, key: str, max_octets: int) -> None:
        await lock_account(key)
        await AccountRow.update_or_create(key=key, defaults={"max_octets": max_octets})

    @atomic
    async def note_attempt(self, key: str, recipients: int, at: datetime) -> None:
        await AttemptRow.create(account=key, at=at, recipients=recipients)

    @atomic
    async def resume(self, keys: Collection[str], now: datetime) -> Sequence[str]:
        resumed = []
        for key in sorted(keys):
            await lock_account(key)
            if await AccountRow.filter(key=key, paused_until__gt=now).update(paused_until=now):
                resumed.append(key)
        return resumed


async def lock_account(key: str) -> None:
    """Wait for whoever claims or pauses on this account, and keep it until the unit ends."""
    await one_at_a_time(f"account {key}")


async def state_of(key: str) -> AccountState:
    """What is known of one account, within a unit of work."""
    return _state(await AccountRow.get_or_none(key=key))


async def pause_until(key: str, until: datetime | None, reply: str = "") -> None:
    """Let nothing leave before, and then one delivery as a trial; None = there is no pause any more."""
    await AccountRow.update_or_create(key=key, defaults={"paused_until": until, "quota_reply": reply})


def _state(row: AccountRow | None) -> AccountState:
    return AccountState(row.max_octets, row.paused_until, row.quota_reply) if row else AccountState()
