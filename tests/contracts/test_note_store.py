"""What every `NoteStore` promises: sealed values by owner and name, written all or none."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet

from bot.core.errors import UserError
from bot.core.stores import Stores
from storage.database import open_stores
from storage.engines import Where
from storage.secrets import FernetBox
from tests.support.clock import ManualClock


async def test_what_was_kept_is_recalled_and_only_by_its_owner(stores: Stores, clock: ManualClock) -> None:
    await stores.notes.keep("matrix", {"login": "token", "position": "s1"}, clock.now())
    await stores.notes.keep("matrix", {"position": "s2"}, clock.now())

    assert await stores.notes.recall("matrix", "login") == "token"
    assert await stores.notes.recall("matrix", "position") == "s2"
    assert not await stores.notes.recall("telegram", "login")
    assert not await stores.notes.recall("matrix", "other")


async def test_an_empty_value_takes_the_note_away(stores: Stores, clock: ManualClock) -> None:
    await stores.notes.keep("matrix", {"login": "token", "position": "s1"}, clock.now())
    await stores.notes.keep("matrix", {"login": "", "never": ""}, clock.now())

    assert await stores.notes.recall_all("matrix", "") == {"position": "s1"}


async def test_notes_of_one_kind_come_in_the_order_in_which_they_were_last_written(
    stores: Stores, clock: ManualClock
) -> None:
    for name in ("screen a", "screen b", "other c", "screen a"):
        await stores.notes.keep("matrix", {name: name.upper()}, clock.now())
        clock.advance(timedelta(seconds=1))

    assert list((await stores.notes.recall_all("matrix", "screen ")).items()) == [
        ("b", "SCREEN B"),
        ("a", "SCREEN A"),
    ]


async def test_a_note_is_taken_once_and_only_as_it_was_read(stores: Stores, clock: ManualClock) -> None:
    """Of two who try at once, one has it; on each engine."""
    await stores.notes.keep("dialogue", {"anne": "which list?"}, clock.now())

    assert not await stores.notes.take("dialogue", "anne", "which post?")
    assert not await stores.notes.take("dialogue", "paul", "which list?")
    taken = await asyncio.gather(*(stores.notes.take("dialogue", "anne", "which list?") for _ in range(4)))

    assert sorted(taken) == [False, False, False, True]
    assert not await stores.notes.recall("dialogue", "anne")


@pytest.mark.parametrize(("before", "after"), [("", "1"), ("1", "2"), ("1", "")])
async def test_of_several_who_change_a_note_at_once_one_does(
    stores: Stores, clock: ManualClock, before: str, after: str
) -> None:
    """Whether it was there before, and whether it is afterwards."""
    await stores.notes.keep("link", {"code": before}, clock.now())
    assert not await stores.notes.swap("link", "code", "other", after, clock.now())

    done = await asyncio.gather(
        *(stores.notes.swap("link", "code", before, after, clock.now()) for _ in range(6))
    )

    assert sorted(done) == [False] * 5 + [True]
    assert await stores.notes.recall("link", "code") == after


async def test_old_notes_of_one_kind_are_forgotten(stores: Stores, clock: ManualClock) -> None:
    await stores.notes.keep("matrix", {"answer old": "1", "login": "token"}, clock.now())
    clock.advance(timedelta(days=2))
    await stores.notes.keep("matrix", {"answer new": "2"}, clock.now())

    await stores.notes.forget("matrix", "answer ", clock.now() - timedelta(days=1))

    assert await stores.notes.recall_all("matrix", "") == {"login": "token", "answer new": "2"}


async def test_without_the_key_nothing_is_read_and_nothing_given_away(
    database: Where, stores: Stores, clock: ManualClock
) -> None:
    await stores.notes.keep("matrix", {"login": "s3cret-token"}, clock.now())
    other = FernetBox(Fernet.generate_key().decode(), "another test")

    async with open_stores(database, other) as opened:
        with pytest.raises(UserError, match="sealed with another key") as refused:
            await opened.notes.recall("matrix", "login")

    assert "s3cret" not in str(refused.value)
