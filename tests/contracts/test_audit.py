"""Every stored change leaves a trail in its own transaction, and no trail tells a secret."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from bot.core.addresses import Mailbox, fold
from bot.core.audit import OURSELVES, Entry, acting
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.people import Ban, Role
from bot.core.posts import Disposition
from bot.core.rosters import Line, Wanted
from bot.core.stores import Page, Stores
from storage.database import open_stores
from storage.engines import Where
from storage.secrets import FernetBox
from tests.support.clock import ManualClock
from tests.support.stores import ANNE, BORIS, a_list, decision, new_post, screened

ZOE = Mailbox("Zoé", fold("zoe@example.org"))


@pytest.fixture
async def stores(database: Where, box: FernetBox, clock: ManualClock) -> AsyncIterator[Stores]:
    """The moments of the trail are the clock's."""
    async with open_stores(database, box, clock=clock) as opened:
        yield opened


@pytest.fixture
async def mlist(stores: Stores, clock: ManualClock) -> MailingList:
    return await a_list(stores, clock.now())


async def trail(stores: Stores, words: str = "") -> list[Entry]:
    """Newest first."""
    return list((await stores.audit.find(words, Page())).items)


async def newest(stores: Stores) -> tuple[str, str, Any, Any]:
    entry = (await trail(stores))[0]
    return entry.what, entry.about, entry.before, entry.after


async def test_it_tells_who_when_and_from_where(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    assert (await trail(stores))[0].by == OURSELVES

    with acting(ANNE, "telegram Bureau"):
        await stores.people.grant(mlist, Role.MEMBER, ZOE)

    entry = next(entry for entry in await trail(stores) if entry.what == "role")
    assert (entry.by, entry.where, entry.at) == (ANNE, "telegram Bureau", clock.now())
    assert (entry.about, entry.before, entry.after) == (
        mlist.address,
        {},
        {"member": ["Zoé <zoe@example.org>"]},
    )


async def test_settings_tell_what_changed_and_no_password(stores: Stores, mlist: MailingList) -> None:
    mlist = await stores.lists.change(
        mlist, {"moderation": "open", "password": SecretStr("s3cret"), "prefix": "[A]"}
    )
    mlist = await stores.lists.change(
        mlist, {"moderation": "all", "password": SecretStr("0ther"), "prefix": "[A]"}
    )
    assert await newest(stores) == (
        "list",
        mlist.address,
        {"moderation": "open", "password": "•••"},
        {"moderation": "all", "password": "•••"},
    )
    await stores.lists.pause(mlist, paused=True)
    assert await newest(stores) == ("list", mlist.address, {"paused": "no"}, {"paused": "yes"})
    await stores.lists.change_defaults({"smtp_password": SecretStr("s3cret")})
    assert (await newest(stores))[3] == {"smtp_password": "•••"}
    assert "s3cret" not in str(await trail(stores))


async def test_every_kind_of_change_is_told(stores: Stores, clock: ManualClock, mlist: MailingList) -> None:
    """By the way of each store."""
    renamed = await stores.lists.rename(mlist, fold("fruits@example.org"))
    assert (await newest(stores))[2:] == (
        {"address": "legumes@example.org"},
        {"address": "fruits@example.org"},
    )
    group = await stores.groups.add("bureau", "https://user:s3cret@example.org/x?key=s3cret")
    assert (await newest(stores))[3] == {"name": "bureau", "source": "https://example.org/…"}
    zoe, _ = await stores.groups.join(group, ZOE)
    assert (await newest(stores))[:2] == ("group", "@bureau")
    await stores.people.grant_group(renamed, Role.OWNER, group)
    assert await newest(stores) == ("role", "fruits@example.org", {}, {"owner": ["@bureau"]})
    await stores.people.add_address(zoe.id, fold("z@example.org"))
    assert (await newest(stores))[3] == {"addresses": ["Zoé <z@example.org>"]}
    await stores.people.rename(zoe.id, "Zoé Petit")
    assert await newest(stores) == ("person", "zoe@example.org", {"name": "Zoé"}, {"name": "Zoé Petit"})
    await stores.bans.add(Ban("*@spam.example", None, "Anne", clock.now()))
    assert await newest(stores) == ("ban", "all", {}, {"ban": ["*@spam.example"]})
    await stores.bans.remove("*@spam.example", None)
    assert await newest(stores) == ("ban", "all", {"ban": ["*@spam.example"]}, {})
    await stores.lists.pin("host:993", "ab" * 32)
    await stores.lists.pin("host:993", "cd" * 32)
    assert await newest(stores) == ("certificate", "host:993", {"sha256": "ab" * 32}, {"sha256": "cd" * 32})
    await stores.groups.leave(group, ZOE.address)
    assert (await newest(stores))[2] == {"by hand": ["Zoé Petit <zoe@example.org>"]}
    await stores.groups.delete(group)
    assert [(e.what, e.before) for e in (await trail(stores))[:2]] == [
        ("group", {"name": "bureau", "source": "https://example.org/…"}),
        ("role", {"owner": ["@bureau"]}),
    ]
    await stores.lists.delete(renamed, 0)
    assert (await newest(stores))[2]["address"] == "fruits@example.org"


async def test_decisions_of_people_are_told(stores: Stores, clock: ManualClock, mlist: MailingList) -> None:
    """What rules decide is in the archives, and nobody's change."""
    post = await screened(stores, new_post(mlist.id, clock.now()))
    assert not [entry for entry in await trail(stores) if entry.what == "post"]

    with acting(BORIS, "matrix"):
        await stores.posts.decide(decision(post, clock.now(), disposition=Disposition.REJECT))
        assert (await newest(stores))[2:] == ({"state": "held"}, {"state": "rejected"})
        await stores.posts.undo(post.id, BORIS, clock.now(), None)

    assert await newest(stores) == ("post", f"#{post.id}", {"state": "rejected"}, {"state": "held"})


async def test_what_did_not_happen_leaves_no_trail(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    before = len(await trail(stores))

    with pytest.raises(UserError):
        await a_list(stores, clock.now())
    await stores.people.revoke(mlist, Role.MEMBER, ZOE.address)
    await stores.lists.pause(mlist, paused=False)
    await stores.lists.polled(mlist.id, clock.now(), None)

    assert len(await trail(stores)) == before


async def test_words_find_entries_and_age_purges_them(
    stores: Stores, clock: ManualClock, mlist: MailingList
) -> None:
    await stores.people.grant(mlist, Role.MEMBER, ZOE)
    clock.advance(timedelta(days=2))
    await stores.lists.pause(mlist, paused=True)

    assert [entry.what for entry in await trail(stores, "ZOE member")] == ["role"]
    first = await stores.audit.find("", Page(1))
    assert first.total == 4
    assert (await stores.audit.find("", Page(9, first.next_after))).items[-1].what == "list"
    assert await stores.audit.purge(clock.now() - timedelta(days=1)) == 3
    assert [entry.after for entry in await trail(stores)] == [{"paused": "yes"}]


async def test_a_large_sheet_names_the_first_and_counts_the_others(
    stores: Stores, mlist: MailingList
) -> None:
    """Whole names also of those in the second batch; and only of those who are told of, which is quick."""
    await stores.people.grant(mlist, Role.EXCLUDED, ZOE)
    sheet = [Line(n, f"P{n}", (fold(f"p{n}@example.org"), fold(f"q{n}@example.org"))) for n in range(600)]

    await stores.rosters.apply(mlist, sheet, Wanted())

    by_kind = {entry.what: entry.after for entry in reversed(await trail(stores))}
    members, addresses = by_kind["role"]["member"], by_kind["addresses"]["addresses"]
    assert [*members] == [*(f"P{n} <p{n}@example.org>" for n in range(500)), "… +100"]
    assert [*addresses[:2]] == ["P0 <p0@example.org>", "P0 <q0@example.org>"]
    assert (len(addresses), addresses[499], addresses[500]) == (501, "P249 <q249@example.org>", "… +700")


async def test_the_trail_forgets_whom_the_directory_forgets(stores: Stores, mlist: MailingList) -> None:
    await stores.people.grant(mlist, Role.MEMBER, Mailbox("Élise", fold("élise@example.org")))
    elise = await stores.people.find(fold("élise@example.org"))
    assert elise
    await stores.people.rename(elise.id, "Élise Roy")

    await stores.people.forget(elise.id)

    assert [entry for entry in await trail(stores) if "lise" in str(entry)] == []
    assert await trail(stores, "elise") == []
    assert (await newest(stores))[:2] == ("person", "")
    assert [entry.after for entry in await trail(stores) if entry.what == "role"] == [{"member": ["(…)"]}]
