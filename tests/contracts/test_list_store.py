"""What every `ListStore` promises: settings sealed and kept, health, deletion without remains."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from bot.core.addresses import Mailbox, fold
from bot.core.changing import changed
from bot.core.deliveries import DeliveryState
from bot.core.errors import Conflict, PermanentError, UserError
from bot.core.lists import MailboxAccount, MailingList
from bot.core.people import Ban, Role
from bot.core.posts import Cursor, PostState
from bot.core.settings import MailProtocol, Moderation, Security
from bot.core.stores import ListCounts, Page, Removed, Stores
from bot.core.text import Size, Text
from storage.database import open_stores
from storage.engines import Where
from storage.secrets import FernetBox
from tests.support.clock import ManualClock
from tests.support.inside import inside
from tests.support.outgoing import ACCOUNT
from tests.support.postgres import Postgres
from tests.support.stores import POSTGRES, SQLITE, a_list, accepted, new_post, screened

SECRET = "très secret"  # a password with an accent
OWN = {"moderation": Moderation.ALL, "prefix": "", "password": SecretStr(SECRET), "max_size": 5_000_000}
MAILBOX = MailboxAccount(
    "imap.example.org",
    993,
    MailProtocol.IMAP,
    Security.SSL,
    "legumes@example.org",
    SECRET,
    ("INBOX",),
    "keep",
)


async def test_a_list_keeps_what_it_was_given(stores: Stores, clock: ManualClock) -> None:
    """Python values in, the same values out; the rest are defaults."""
    added = await stores.lists.add(fold("legumes@example.org"), OWN, clock.now())

    [mlist] = await stores.lists.all()

    assert added == mlist == await stores.lists.get(added.id)
    assert mlist.own == OWN
    assert mlist.settings.password.get_secret_value() == SECRET
    assert (mlist.settings.moderation, mlist.settings.undo_s) == (Moderation.ALL, 30)
    assert (mlist.version, mlist.paused, mlist.created_at) == (1, False, clock.now())
    assert mlist.poll.ok_at is None
    assert mlist.smtp.trouble is None


async def keep_secrets(stores: Stores, clock: ManualClock) -> None:
    """Passwords in every place that has room for one."""
    mlist = await stores.lists.add(fold("legumes@example.org"), OWN, clock.now())
    await stores.lists.change(mlist, {**OWN, "smtp_password": SecretStr(SECRET)})
    await stores.lists.change_defaults({"smtp_password": SecretStr(SECRET)})


@SQLITE
async def test_passwords_are_in_no_file(stores: Stores, clock: ManualClock, database: Path) -> None:
    """Neither in the database nor beside it, whatever is asked of the list."""
    await keep_secrets(stores, clock)

    for file in database.parent.iterdir():
        assert SECRET.encode() not in file.read_bytes()
        assert b"****" not in file.read_bytes()
        assert file.stat().st_mode & 0o077 == 0


@POSTGRES
async def test_passwords_are_nowhere_in_postgresql(
    stores: Stores, clock: ManualClock, database: str, postgres: Postgres
) -> None:
    await keep_secrets(stores, clock)

    dump = postgres.dump(database.rpartition("/")[2])
    assert "legumes@example.org" in dump
    assert not re.search(r"tr\S+s secret|\*{4}", dump)


async def test_another_key_is_told_in_a_sentence(stores: Stores, clock: ManualClock, database: Where) -> None:
    """Which says where to look, and no secret."""
    await stores.lists.add(fold("legumes@example.org"), OWN, clock.now())
    other = FernetBox(Fernet.generate_key().decode(), "another")

    async with open_stores(database, other) as locked:
        with pytest.raises(PermanentError, match="password cannot be read: this is not the key") as refusal:
            await locked.lists.all()

    assert "gAAAA" not in str(refusal.value)


async def test_an_address_has_one_list(stores: Stores, clock: ManualClock) -> None:
    mlist = await a_list(stores, clock.now())
    other = await a_list(stores, clock.now(), "pain@example.org")

    with pytest.raises(UserError, match=r"There is a list legumes@example\.org already"):
        await a_list(stores, clock.now())
    with pytest.raises(UserError, match="already"):
        await stores.lists.rename(other, mlist.address)

    renamed = await stores.lists.rename(other, fold("oeufs@example.org"))
    assert renamed.address == "oeufs@example.org"
    assert [each.address for each in await stores.lists.all()] == ["legumes@example.org", "oeufs@example.org"]


async def test_a_change_replaces_the_list_s_own_settings(stores: Stores, clock: ManualClock) -> None:
    mlist = await stores.lists.add(fold("legumes@example.org"), OWN, clock.now())

    latest = await stores.lists.change(mlist, changed(mlist.own, {"undo_s": "0", "prefix": "[L]"}))

    assert latest.version > mlist.version
    assert (latest.settings.undo_s, latest.prefix) == (0, "[L]")
    assert latest.settings.password.get_secret_value() == SECRET
    assert latest.own.keys() == {*OWN, "undo_s"}


async def test_of_two_changes_at_once_none_is_lost(stores: Stores, clock: ManualClock) -> None:
    """The second finds a newer version, reads again and repeats."""
    mlist = await a_list(stores, clock.now())

    async def change(key: str) -> None:
        while True:
            latest = await stores.lists.get(mlist.id)
            try:
                await stores.lists.change(latest, changed(latest.own, {key: "7"}))
            except Conflict:
                continue
            return

    keys = {"undo_s", "remind_h", "expire_days", "smtp_max_per_hour", "smtp_max_per_day"}
    await asyncio.gather(*(change(key) for key in keys))

    assert keys == (await stores.lists.get(mlist.id)).own.keys()
    with pytest.raises(Conflict):
        await stores.lists.change(mlist, {})


async def test_defaults_stand_behind_the_list_s_own(stores: Stores, clock: ManualClock) -> None:
    """Changing them changes the lists, so their version rises."""
    mlist = await stores.lists.add(fold("legumes@example.org"), {"undo_s": 5}, clock.now())
    assert await stores.lists.defaults() == {}

    await stores.lists.change_defaults({"undo_s": 60, "remind_h": 3})

    latest = await stores.lists.get(mlist.id)
    assert (latest.settings.undo_s, latest.settings.remind_h) == (5, 3)
    assert latest.own == {"undo_s": 5}
    assert latest.version > mlist.version
    assert await stores.lists.defaults() == {"undo_s": 60, "remind_h": 3}


async def test_health_is_remembered(stores: Stores, clock: ManualClock) -> None:
    """The last success stays known while there is trouble, and the trouble goes with the next."""
    mlist = await a_list(stores, clock.now())
    trouble = Text("the mailbox is full: {size}", size=Size(10))

    await stores.lists.polled(mlist.id, clock.now(), None)
    await stores.lists.polled(mlist.id, clock.now(), trouble)
    await stores.lists.connected([mlist.id], clock.now(), trouble)

    ill = await stores.lists.get(mlist.id)
    assert (ill.poll.ok_at, ill.poll.trouble) == (clock.now(), trouble)
    assert (ill.smtp.ok_at, ill.smtp.trouble) == (None, trouble)
    await stores.lists.polled(mlist.id, clock.now(), None)
    well = await stores.lists.get(mlist.id)
    assert (well.poll.trouble, well.version) == (None, mlist.version)


async def test_a_default_sends_no_password_elsewhere(stores: Stores, clock: ManualClock) -> None:
    """A list without a host of its own follows the default; its own password does not."""
    follows = await stores.lists.add(fold("a@example.org"), {"password": SecretStr(SECRET)}, clock.now())
    stays = await stores.lists.add(
        fold("b@example.org"), {"host": "imap.example.org", "password": SecretStr(SECRET)}, clock.now()
    )

    await stores.lists.change_defaults({"undo_s": 5})
    assert (await stores.lists.get(follows.id)).settings.password.get_secret_value() == SECRET
    await stores.lists.change_defaults({"undo_s": 5, "host": "imap.example.net"})

    assert (await stores.lists.get(follows.id)).settings.password.get_secret_value() == ""
    assert (await stores.lists.get(stays.id)).settings.password.get_secret_value() == SECRET


async def test_a_password_of_the_defaults_goes_to_no_host_of_a_list_s_own(
    stores: Stores, clock: ManualClock
) -> None:
    """The same host, named again, is no other."""
    account = {"host": "imap.example.org", "password": SecretStr(SECRET)}
    await stores.lists.change_defaults({**account, "smtp_password": SecretStr(SECRET)})
    mlist = await a_list(stores, clock.now())

    for host, kept in (("imap.example.org", SECRET), ("evil.example", "")):
        mlist = await stores.lists.change(mlist, changed(mlist.own, {"host": host}))
        assert mlist.settings.password.get_secret_value() == kept
        assert mlist.settings.smtp_password.get_secret_value() == SECRET


async def test_two_lists_never_read_one_mailbox(stores: Stores, clock: ManualClock) -> None:
    """However they would come to it; what is refused changes nothing."""
    lists, host = stores.lists, {"host": "imap.example.org"}
    a = await lists.add(fold("a@example.org"), host, clock.now())
    b = await lists.add(fold("b@example.org"), {**host, "username": "c@example.org"}, clock.now())
    before = await lists.all()
    same = {"host": "IMAP.example.org", "username": a.address, "folder": "Liste, inbox"}

    for refused in (
        lists.add(fold("d@example.org"), same, clock.now()),
        lists.change(b, same),
        lists.rename(a, fold("c@example.org")),
        lists.change_defaults({"folder": "Liste", "username": "c@example.org"}),
    ):
        with pytest.raises(UserError, match=r"@example\.org and .@example\.org would read the same mailbox"):
            await refused

    assert await lists.all() == before
    assert await lists.defaults() == {}
    await lists.change(b, {**same, "folder": "Liste"})


async def test_of_two_lists_added_at_once_one_has_the_mailbox(stores: Stores, clock: ManualClock) -> None:
    own = {"host": "imap.example.org", "username": "anne"}
    outcomes = await asyncio.gather(
        *(stores.lists.add(fold(f"{name}@example.org"), own, clock.now()) for name in "ab"),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["MailingList", "UserError"]


@dataclass(frozen=True)
class Looks:
    """Looks of one list into its mailbox; each tells which mails are old, as ``FOLDER/VALIDITY/UID``."""

    stores: Stores
    mlist: MailingList

    async def into(self, account: MailboxAccount, *mails: str) -> set[str]:
        cursors = [Cursor(*mail.rsplit("/", 2)) for mail in mails]
        return set(await self.stores.lists.note_old_mail(self.mlist.id, account, cursors))


@pytest.fixture
async def looks(stores: Stores, clock: ManualClock) -> Looks:
    """No look yet."""
    return Looks(stores, await a_list(stores, clock.now()))


async def test_what_lies_there_at_the_first_look_stays_old(looks: Looks) -> None:
    """What comes later is new, at every look."""
    assert await looks.into(MAILBOX, "INBOX/1/1") == {"INBOX/1/1"}
    for _ in range(2):
        assert await looks.into(MAILBOX, "INBOX/1/1", "INBOX/1/2") == {"INBOX/1/1"}
    assert await looks.into(MAILBOX, "INBOX/1/2", "INBOX/1/3") == set()


async def test_one_mailbox_by_two_names_of_its_server_is_recognised(
    stores: Stores, clock: ManualClock
) -> None:
    """By its login and UIDVALIDITY; the list that was there first goes on."""
    first = Looks(stores, await a_list(stores, clock.now()))
    second = Looks(stores, await a_list(stores, clock.now(), "pain@example.org"))
    alias = replace(MAILBOX, host="mail.example.org", username=MAILBOX.username.upper(), folders=("inbox",))

    await first.into(MAILBOX, "INBOX/77/1")
    with pytest.raises(UserError, match="reads that very mailbox"):
        await second.into(alias, "inbox/77/1")

    await first.into(MAILBOX, "INBOX/77/1")
    await second.into(replace(alias, username="pain@example.org"), "inbox/77/1")


async def test_the_first_mail_of_an_empty_folder_is_new(looks: Looks) -> None:
    """It is the first to show the UIDVALIDITY."""
    assert await looks.into(MAILBOX) == set()
    assert await looks.into(MAILBOX, "INBOX/1/1") == set()


@pytest.mark.parametrize(
    "change",
    [
        {"host": "imap.example.net"},
        {"port": 1993},
        {"username": "pain@example.org"},
        {"folders": ("Archive",)},
    ],
)
async def test_another_mailbox_is_looked_at_for_the_first_time(looks: Looks, change: dict[str, Any]) -> None:
    """And so is the first one, when the list comes back to it."""
    other = replace(MAILBOX, **change)
    [folder] = other.folders
    await looks.into(MAILBOX, "INBOX/1/1")

    assert await looks.into(other, f"{folder}/1/1", f"{folder}/1/2") == {f"{folder}/1/1", f"{folder}/1/2"}
    assert await looks.into(MAILBOX, "INBOX/1/1", "INBOX/1/3") == {"INBOX/1/1", "INBOX/1/3"}


async def test_a_look_into_the_mailbox_of_before_lets_nothing_pass(looks: Looks) -> None:
    """A poll under way while ``/set`` names another mailbox ends after the first look into the new one."""
    archive = replace(MAILBOX, folders=("Archive",))
    await looks.into(MAILBOX)

    await looks.into(MAILBOX, "INBOX/1/1")

    assert await looks.into(archive, "Archive/1/1") == {"Archive/1/1"}
    await looks.into(MAILBOX, "INBOX/1/1")
    assert await looks.into(archive, "Archive/1/1", "Archive/1/2") == {"Archive/1/1", "Archive/1/2"}


async def test_mails_that_are_numbered_anew_are_old(looks: Looks) -> None:
    """After the move to another host nobody can tell which of them were seen before."""
    await looks.into(MAILBOX)
    await looks.into(MAILBOX, "INBOX/1/1")
    await looks.into(MAILBOX)

    assert await looks.into(MAILBOX, "INBOX/2/1") == {"INBOX/2/1"}


async def test_a_folder_that_is_added_brings_only_its_own_mail_as_old(looks: Looks) -> None:
    """The others go on."""
    both = replace(MAILBOX, folders=("INBOX", "Liste"))
    await looks.into(MAILBOX)

    assert await looks.into(both, "INBOX/1/1", "Liste/1/1") == {"Liste/1/1"}


async def test_of_mails_that_are_gone_nothing_is_kept(looks: Looks, database: Where) -> None:
    """Unless the whole folder shows nothing, which a server in trouble does too."""

    async def marks() -> int:
        async with inside(database) as opened:
            return int(await opened.value("SELECT count(*) FROM known_mail"))

    await looks.into(MAILBOX, *(f"INBOX/1/{uid}" for uid in range(1, 5)))
    await looks.into(MAILBOX)
    assert await marks() == 4
    assert await looks.into(MAILBOX, "INBOX/1/4", "INBOX/1/5") == {"INBOX/1/4"}
    assert await marks() == 1
    await looks.into(replace(MAILBOX, folders=("Liste",)))
    assert await marks() == 0


async def test_counts_are_of_people_and_of_addresses(stores: Stores, clock: ManualClock) -> None:
    """Moderators count where they are members too; nobody counts twice."""
    mlist = await a_list(stores, clock.now())
    anne, boris = Mailbox("Anne", fold("anne@example.org")), Mailbox("", fold("boris@example.org"))
    await stores.people.grant(mlist, Role.MEMBER, anne)
    await stores.people.grant(mlist, Role.MODERATOR, anne)
    await stores.people.grant(mlist, Role.MODERATOR, boris)
    await screened(stores, new_post(mlist.id, clock.now()))

    assert ListCounts(people=1, addresses=1, held=1) == await stores.lists.counts(mlist)
    wider = await stores.lists.change(mlist, {"include_moderators": True})
    assert ListCounts(people=2, addresses=2, held=1) == await stores.lists.counts(wider)


async def test_pausing_is_kept(stores: Stores, clock: ManualClock) -> None:
    mlist = await a_list(stores, clock.now())

    assert (await stores.lists.pause(mlist, paused=True)).paused
    assert (await stores.lists.get(mlist.id)).paused
    assert not (await stores.lists.pause(mlist, paused=False)).paused


async def fill(stores: Stores, clock: ManualClock, mlist: MailingList) -> None:
    """One of everything that can belong to a list."""
    await screened(stores, new_post(mlist.id, clock.now()))
    await accepted(stores, mlist, clock.now(), ["a@example.org", "b@example.org"])
    await stores.people.grant(mlist, Role.MEMBER, Mailbox("Anne", fold("anne@example.org")))
    await stores.bans.add(Ban("spam@example.org", mlist.id, "Anne", clock.now()))
    await Looks(stores, mlist).into(replace(MAILBOX, username=mlist.address), "INBOX/1/1")


async def test_a_list_with_a_post_that_nobody_has_kept_is_not_deleted(
    stores: Stores, clock: ManualClock
) -> None:
    mlist, other = await a_list(stores, clock.now()), await a_list(stores, clock.now(), "pain@example.org")
    kept = await stores.posts.take_in(new_post(mlist.id, clock.now()))
    late = await stores.posts.take_in(new_post(mlist.id, clock.now()))
    await stores.posts.take_in(new_post(other.id, clock.now()))
    assert kept
    assert late

    with pytest.raises(Conflict):
        await stores.lists.delete(mlist, newest_post=kept)
    assert [kept, late] == await stores.posts.received(mlist.id)

    await stores.lists.delete(mlist, newest_post=late)


async def test_a_deleted_list_leaves_nothing_but_people(stores: Stores, clock: ManualClock) -> None:
    """What was held and what was due is counted; other lists keep all of theirs."""
    room = await stores.rooms.open("terminal", "tty", "fr", clock.now())
    mlist, other = await a_list(stores, clock.now()), await a_list(stores, clock.now(), "pain@example.org")
    await fill(stores, clock, mlist)
    await fill(stores, clock, other)

    newest = (await stores.posts.find([mlist.id], set(PostState), "", Page(size=1))).items[0].id
    assert Removed(held=1, dropped=2) == await stores.lists.delete(mlist, newest)

    with pytest.raises(UserError, match="deleted"):
        await stores.lists.get(mlist.id)
    with pytest.raises(UserError, match="deleted"):
        await stores.lists.change(mlist, {})
    assert {other.id} == {
        post.mlist_id for post in (await stores.posts.find(None, set(PostState), "", Page())).items
    }
    assert (await stores.outbox.find(None, set(DeliveryState), "", Page())).total == 2
    assert await stores.outbox.claim(ACCOUNT, [mlist.id], clock.now()) is None
    assert len(await stores.rooms.cards_due(room, clock.now(), 10)) == 2
    assert await stores.bans.concerning(mlist.id) == []
    standing = await stores.people.standing(other, fold("anne@example.org"))
    assert (standing.known, standing.roles) == (True, frozenset({Role.MEMBER}))
    assert await Looks(stores, other).into(replace(MAILBOX, username=other.address), "INBOX/1/1") == {
        "INBOX/1/1"
    }
