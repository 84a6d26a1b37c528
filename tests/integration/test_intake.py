"""From the mailbox into the database: nothing is lost, nothing is taken twice, one bad mail stays one."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import format_datetime
from imaplib import Time2Internaldate

import pytest

from bot.core.lists import mailbox_account
from bot.core.posts import Cursor
from bot.core.settings import MailProtocol, Security
from bot.flow.reading import read
from tests.support.certificates import certificates
from tests.support.scripted_imap import VALIDITY, Act, ScriptedImap, scripted_imap
from tests.support.scripted_pop3 import ScriptedPop3, scripted_pop3
from tests.support.world import World, every_way, mail
from transports.servers import MailServers

ANNE = "anne@example.org"


async def a_list(world: World, **settings: str) -> None:
    """A list whose only member's posts pass."""
    await world.add_list(**settings)
    await world.members(ANNE)


async def posts(world: World) -> list[tuple[int, str]]:
    """Every decided post, oldest first, with its subject."""
    return sorted((row["id"], row["subject"]) for row in await world.rows("/archives"))


@every_way
async def test_what_is_taken_in_is_deleted(world: World) -> None:
    await a_list(world)
    await world.deliver(mail(author=ANNE), mail(author=ANNE))
    assert world.dovecot.holds(world.mailbox) == []
    assert len(world.copies()) == 2


async def test_what_is_taken_in_may_be_moved(world: World) -> None:
    with world.dovecot.client(world.mailbox) as client:
        client.create("Trait&AOk-s")
    await a_list(world, after_intake="move:Traités")
    raw = mail(author=ANNE)

    await world.deliver(raw)
    await world.later(minutes=5)

    assert world.dovecot.holds(world.mailbox) == []
    assert world.dovecot.holds(world.mailbox, "Trait&AOk-s") == [raw]
    assert len(world.copies()) == 1


@every_way
async def test_what_is_taken_in_may_stay(world: World) -> None:
    """Unread as it was, and it is not taken again, whatever else arrives."""
    await a_list(world, after_intake="keep")
    first, second = mail(author=ANNE, subject="un"), mail(author=ANNE, subject="deux")

    await world.deliver(first)
    await world.later(minutes=5)
    await world.deliver(second)

    assert world.dovecot.holds(world.mailbox) == [first, second]
    if world.protocol is MailProtocol.IMAP:  # a server may take it for read where POP3 handed it out
        with world.dovecot.client(world.mailbox) as client:
            assert client.search(None, "UNSEEN")[1] == [b"1 2"]
    assert await posts(world) == [(1, "un"), (2, "deux")]
    assert len(world.copies()) == 2


@every_way
async def test_what_stays_is_not_taken_again_when_its_post_is_purged(world: World) -> None:
    await a_list(world, after_intake="keep")
    await world.deliver(mail(author=ANNE))

    await world.later(days=91)
    assert await posts(world) == []
    await world.later(minutes=5)

    assert await posts(world) == []
    assert len(world.copies()) == 1


@every_way
async def test_what_stayed_may_be_deleted_once_its_post_is_purged(world: World) -> None:
    """*keep* becomes *delete*: the mailbox is emptied, and nobody gets anything twice."""
    await a_list(world, after_intake="keep")
    await world.deliver(mail(author=ANNE))
    await world.later(days=91)

    await world.do(f"/set {world.name} after_intake=delete")
    await world.later(minutes=5)

    assert world.dovecot.holds(world.mailbox) == []
    assert await posts(world) == []
    assert len(world.copies()) == 1


async def test_mails_that_were_moved_to_another_host_wait_for_a_moderator(world: World) -> None:
    """The same mails under another UIDVALIDITY: from before the list, purged, and still in the archive."""
    before, purged, kept = (mail(author=ANNE, subject=subject) for subject in ("un", "deux", "trois"))
    with world.dovecot.client(world.mailbox) as client:
        client.create("Liste")
    await world.put(before, folder="Liste")
    await a_list(world, after_intake="keep", folder="Liste")
    await world.put(purged, folder="Liste")
    await world.pass_()
    await world.do("/discard 1")
    await world.later(days=91)
    await world.put(kept, folder="Liste")
    await world.pass_()
    assert len(world.copies()) == 2

    with world.dovecot.client(world.mailbox) as client:
        client.delete("Liste")
        client.create("Liste")
    await world.put(before, purged, kept, folder="Liste")
    await world.later(minutes=5)

    assert len(world.copies()) == 2
    assert sorted(row["subject"] for row in await world.rows("/pending")) == ["deux", "un"]
    assert [await world.state(number) for number in (4, 5, 6)] == [
        ("held", "first-poll"),
        ("held", "first-poll"),
        ("discarded", "duplicate"),
    ]


async def test_another_folder_is_named_while_the_mailbox_is_read(world: World) -> None:
    """The poll under way began with the old settings: what lies in the new folder is old all the same."""
    with world.dovecot.client(world.mailbox) as client:
        client.create("Archive")
    await world.put(mail(author=ANNE), mail(author=ANNE), folder="Archive")
    await a_list(world)
    [before] = await world.app.stores.lists.all()
    account = mailbox_account(before)
    mailbox = MailServers(idle=False).mailbox(account)
    listing = await mailbox.listing()
    await mailbox.close()

    await world.do(f"/set {world.name} folder=Archive")
    await world.app.stores.lists.note_old_mail(before.id, account, listing)
    await world.pass_()

    assert world.copies() == []
    assert len(await world.rows("/pending")) == 2


async def test_several_folders_are_read(world: World) -> None:
    with world.dovecot.client(world.mailbox) as client:
        client.create("Liste")
    await a_list(world, folder="INBOX, Liste")
    await world.put(mail(author=ANNE, subject="ailleurs"), folder="Liste")

    await world.deliver(mail(author=ANNE, subject="ici"))

    assert await posts(world) == [(1, "ici"), (2, "ailleurs")]
    assert world.dovecot.holds(world.mailbox) == world.dovecot.holds(world.mailbox, "Liste") == []


@every_way
async def test_a_mail_that_was_stored_and_not_settled_is_only_settled(world: World) -> None:
    """Killed between commit 1 and the deletion on the server: screened now, and never a second post."""
    await a_list(world)
    raw = mail(author=ANNE)
    await world.put(raw)
    [mlist] = await world.app.stores.lists.all()
    servers = MailServers(idle=False, tls=certificates().client_context())
    mailbox = servers.mailbox(mailbox_account(mlist))
    [cursor] = await mailbox.listing()
    await mailbox.close()
    assert await world.app.stores.posts.take_in(read(mlist.id, cursor, raw, world.clock.now())) == 1

    await world.pass_()

    assert world.dovecot.holds(world.mailbox) == []
    assert len(await posts(world)) == 1
    assert await world.state(1) == ("distributed", "member")
    assert len(world.copies()) == 1


both_protocols = pytest.mark.parametrize(
    "way", [(protocol, Security.NONE) for protocol in MailProtocol], ids="-".join, indirect=True
)
YESTERDAY = datetime(2026, 3, 9, 12, tzinfo=UTC)
TODAY = datetime(2026, 3, 10, 8, tzinfo=UTC)


async def put_at(world: World, moment: datetime, raw: bytes, folder: str = "INBOX") -> None:
    """A mail that came at that moment."""

    def append() -> None:
        with world.dovecot.client(world.mailbox) as client:
            client.append(folder, "", Time2Internaldate(moment), raw)

    await asyncio.to_thread(append)


@both_protocols
@pytest.mark.parametrize("after_intake", ["delete", "keep"])
async def test_old_mail_may_be_left_alone(world: World, after_intake: str) -> None:
    """What came before the day of /addlist stays, untouched; what came on it waits, the rest is as ever."""
    dates = [format_datetime(moment) for moment in (YESTERDAY, TODAY)]
    before, morning = (mail(author=ANNE, subject=date, Date=date) for date in dates)
    await put_at(world, YESTERDAY, before)
    await put_at(world, TODAY, morning)
    await a_list(world, first_poll="leave", after_intake=after_intake)
    after = mail(author=ANNE, subject="apres")
    await world.deliver(after)
    for _ in range(2):
        await world.later(minutes=5)

    assert [row["subject"] for row in await world.rows("/pending")] == [dates[1]]
    assert await posts(world) == [(2, "apres")]
    assert len(world.copies()) == 1
    kept = [morning, after] if after_intake == "keep" else []
    assert world.dovecot.holds(world.mailbox) == [before, *kept]
    if world.protocol is MailProtocol.IMAP:
        with world.dovecot.client(world.mailbox) as client:
            assert b"1" in client.search(None, "UNSEEN")[1][0].split()

    await world.do(f"/set {world.name} first_poll=hold")
    await world.later(minutes=5)
    assert {row["subject"] for row in await world.rows("/pending")} == set(dates)
    assert len(world.copies()) == 1


async def test_old_mail_is_left_alone_when_its_folder_is_made_anew(world: World) -> None:
    """Another UIDVALIDITY: what came since the last look waits for a moderator, so that it is seen."""
    with world.dovecot.client(world.mailbox) as client:
        client.create("Liste")
    old = mail(author=ANNE, subject="vieux")
    await put_at(world, YESTERDAY, old, "Liste")
    await a_list(world, folder="Liste", first_poll="leave")
    await world.pass_()
    assert (await world.rows("/pending"), await posts(world)) == ([], [])

    with world.dovecot.client(world.mailbox) as client:
        client.delete("Liste")
        client.create("Liste")
    await put_at(world, YESTERDAY, old, "Liste")
    await put_at(world, TODAY, mail(author=ANNE, subject="neuf"), "Liste")
    await world.later(days=2)

    assert [row["subject"] for row in await world.rows("/pending")] == ["neuf"]
    assert world.dovecot.holds(world.mailbox, "Liste") == [old]
    assert world.copies() == []


@both_protocols
async def test_thousands_of_old_mails_come_in_once(world: World) -> None:
    """None is lost, none comes twice, none passes; and they are never all in memory at once."""
    number, octets = (3_000 if world.protocol is MailProtocol.IMAP else 1_000), 30_000
    body = b"Bonjour\r\n" * (octets // 9)
    raws = [
        mail(author=ANNE, subject=f"vieux {n}", body=body, Content_Type="application/pdf")
        for n in range(number)
    ]
    for n, raw in enumerate(raws):
        world.dovecot.drop(world.mailbox, raw, f"{n:04}")
    del raws
    await a_list(world)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    await world.pass_()
    grown = 1_024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    await world.later(minutes=5)

    held = await world.rows("/pending")
    assert sorted(row["subject"] for row in held) == sorted(f"vieux {n}" for n in range(number))
    assert {row["rule"] for row in held} == {"first-poll"}
    assert world.copies() == []
    assert world.dovecot.holds(world.mailbox) == []
    assert grown < 1_000 * octets * 2 // 3


@pytest.fixture
async def odd_server(world: World) -> AsyncIterator[ScriptedImap]:
    """A mail server that does as the test says, with a list on it."""
    async with scripted_imap() as server:
        await a_list(world, host="localhost", port=str(server.port))
        yield server


async def test_a_mail_that_cannot_be_fetched_does_not_stop_the_others(
    world: World, odd_server: ScriptedImap
) -> None:
    """It is told, stays where it is, and comes in as soon as the server hands it out.

    In Amapress one exception aborted the whole pass.
    """
    odd_server.mails |= {uid: mail(author=ANNE, subject=f"mail {uid}") for uid in (1, 2, 3)}
    odd_server.answer(r"UID FETCH (\d,)*2(,\d)* .*BODY", b"TAG NO [SERVERBUG] index corrupted\r\n")

    await world.pass_()

    assert await posts(world) == [(1, "mail 1"), (2, "mail 3")]
    assert "1 mail cannot be fetched" in await world.trouble()
    assert "index corrupted" in await world.trouble()
    settled = [command for command in odd_server.commands if "STORE" in command or "EXPUNGE" in command]
    assert settled
    assert not any("2" in command for command in settled)


async def test_a_server_that_hangs_up_in_the_middle_loses_nothing(
    world: World, odd_server: ScriptedImap
) -> None:
    odd_server.mails[1] = mail(author=ANNE)
    odd_server.answer("UID STORE", Act.CUT)

    await world.pass_()
    assert "broke off" in await world.trouble()
    await world.pass_()

    assert len(await posts(world)) == 1
    assert len(world.copies()) == 1


async def test_a_cursor_that_is_used_again_for_another_mail_does_no_harm(
    world: World, odd_server: ScriptedImap
) -> None:
    """A server that was restored from a backup counts from the same number again."""
    for subject in ("un", "deux"):
        odd_server.mails[1] = mail(author=ANNE, subject=subject)
        await world.pass_()
        await world.pass_()  # the same mail under the same cursor: not again

    assert await posts(world) == [(1, "un"), (2, "deux")]
    assert {(await world.app.stores.posts.get(number)).cursor for number in (1, 2)} == {
        Cursor("INBOX", VALIDITY, "1")
    }


@pytest.fixture
async def odd_pop3(world: World) -> AsyncIterator[ScriptedPop3]:
    """The same for POP3."""
    async with scripted_pop3() as server:
        await a_list(world, protocol="pop3", host="localhost", port=str(server.port))
        yield server


async def test_a_uidl_that_is_used_again_for_another_mail_does_no_harm(
    world: World, odd_pop3: ScriptedPop3
) -> None:
    for subject in ("un", "deux"):
        odd_pop3.mails = [("same", mail(author=ANNE, subject=subject))]
        await world.pass_()
        assert odd_pop3.mails == []

    assert await posts(world) == [(1, "un"), (2, "deux")]
    assert len(world.copies()) == 2


async def test_a_uidl_that_means_another_mail_after_a_crash_loses_neither(
    world: World, odd_pop3: ScriptedPop3
) -> None:
    """The first was stored and not deleted; then its UIDL is another mail's."""
    odd_pop3.mails = [("same", mail(author=ANNE, subject="un"))]
    odd_pop3.answer("DELE|QUIT", Act.CUT, times=1_000)
    await world.pass_()
    odd_pop3.mails = [("same", mail(author=ANNE, subject="deux"))]
    odd_pop3.answer("DELE|QUIT", b"+OK\r\n")
    await world.pass_()

    assert await posts(world) == [(1, "un"), (2, "deux")]
    assert len(world.copies()) == 2


async def test_uidls_that_change_with_every_session_lose_nothing_and_distribute_once(
    world: World, odd_pop3: ScriptedPop3
) -> None:
    """What could not be deleted comes again under another name: the duplicate rule knows it.

    Where numbers or UIDLs were taken for lasting ids, mails came twice (getmail6/getmail6#212, #188).
    """
    odd_pop3.uidl_of = lambda session, _number, uidl: f"{session}-{uidl}"
    odd_pop3.hold(mail(author=ANNE, subject="un"), mail(author=ANNE, subject="deux"))
    odd_pop3.answer("QUIT", Act.CUT, times=2)
    await world.pass_()
    await world.pass_()

    assert odd_pop3.mails == []
    assert len(world.copies()) == 2
    assert {(await world.state(number))[1] for number in (1, 2)} == {"member"}
    assert {(await world.state(number)) for number in (3, 4)} == {("discarded", "duplicate")}


@pytest.mark.parametrize("first_poll", ["hold", "leave"])
async def test_old_mail_is_known_although_uidls_change_with_every_session(
    world: World, first_poll: str
) -> None:
    """From the look of /addlist on no mail has its name again: what lies there passes all the same not."""
    async with scripted_pop3() as server:
        server.uidl_of = lambda session, _number, uidl: f"{session}-{uidl}"
        server.hold(mail(author=ANNE, subject="vieux"), mail(author=ANNE, subject="ancien"))
        await a_list(world, protocol="pop3", host="localhost", port=str(server.port), first_poll=first_poll)
        server.answer("QUIT", Act.CUT, times=1)
        await world.pass_()
        await world.pass_()
        assert world.copies() == []

        held = await world.rows("/pending")
        assert {row["subject"] for row in held} == ({"vieux", "ancien"} if first_poll == "hold" else set())
        if first_poll == "hold":  # all that was there has been taken in: what comes now is new
            server.hold(mail(author=ANNE, subject="neuf"))
            await world.pass_()
            assert len(world.copies()) == 1


async def test_many_mails_come_in_over_several_sessions(world: World, odd_pop3: ScriptedPop3) -> None:
    """Each fifty are deleted before the next are fetched, which ends a POP3 session."""
    raws = [mail(author=ANNE, subject=f"{number}") for number in range(120)]
    odd_pop3.hold(*raws)
    await world.pass_()
    assert odd_pop3.mails == []
    assert len(await posts(world)) == 120
    assert len([command for command in odd_pop3.commands if command.startswith("RETR")]) == 120


async def test_a_server_without_uidl_loses_nothing(world: World, odd_pop3: ScriptedPop3) -> None:
    odd_pop3.uidl_of = None
    odd_pop3.hold(*(mail(author=ANNE, subject=f"{number}") for number in range(60)))
    await world.pass_()
    assert odd_pop3.mails == []
    assert len(world.copies()) == 60


async def test_a_mailbox_that_another_program_uses_is_read_later(
    world: World, odd_pop3: ScriptedPop3
) -> None:
    odd_pop3.hold(mail(author=ANNE))
    odd_pop3.answer("PASS", b"-ERR [IN-USE] another session\r\n", times=1)
    await world.pass_()
    assert "in use by another program" in await world.trouble()
    await world.pass_()
    assert await world.trouble() == ""
    assert len(world.copies()) == 1


async def test_one_mailbox_in_trouble_does_not_stop_another(world: World, odd_server: ScriptedImap) -> None:
    """Amapress swallowed connection errors."""
    other = world.another()
    await a_list(other)
    odd_server.answer("SELECT", b"TAG NO [UNAVAILABLE] try later\r\n")

    await other.deliver(mail(author=ANNE))

    assert len(world.copies()) == 1
    assert set(other.troubles) == {world.address}
    assert await other.trouble() == ""
