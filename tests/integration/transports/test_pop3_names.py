"""What identifies a mail in a POP3 mailbox: its UIDL where that is one, else its content; never a number."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

import pytest

from bot.core.errors import PermanentError
from bot.core.ports import Fetched
from bot.core.posts import Cursor
from tests.support.patience import WAIT_S
from tests.support.scripted_pop3 import ScriptedPop3, scripted_pop3
from transports.pop3.mailbox import Pop3Mailbox

ONE, TWO, THREE = (b"Subject: %d\r\n\r\nbody\r\n" % number for number in (1, 2, 3))


@pytest.fixture
async def server() -> AsyncIterator[ScriptedPop3]:
    """A correct server that holds three mails, until a test teaches it otherwise."""
    async with scripted_pop3() as found:
        found.hold(ONE, TWO, THREE)
        yield found


@pytest.fixture
async def mailbox(server: ScriptedPop3) -> AsyncIterator[Pop3Mailbox]:
    found = Pop3Mailbox(server.account(), timeout_s=WAIT_S)
    yield found
    await found.close()


def cursors(*names: str) -> list[Cursor]:
    return [Cursor("INBOX", "", name) for name in names]


async def taken(mailbox: Pop3Mailbox) -> list[Fetched]:
    return [mail async for mail in mailbox.fetch(await mailbox.listing())]


def came(mails: list[Fetched]) -> dict[str, bytes]:
    return {mail.cursor.uid: mail.raw for mail in mails}


def sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


async def test_a_server_without_uidl_names_mails_by_their_content(
    server: ScriptedPop3, mailbox: Pop3Mailbox
) -> None:
    server.uidl_of = None

    mails = await taken(mailbox)
    await mailbox.settle(cursors(sha256(ONE)))
    await mailbox.settle(cursors(sha256(THREE)))

    assert came(mails) == {sha256(raw): raw for raw in (ONE, TWO, THREE)}
    assert server.contents == [TWO]


async def test_two_mails_under_one_uidl_are_told_apart(server: ScriptedPop3, mailbox: Pop3Mailbox) -> None:
    server.mails = [("same", ONE), ("u2", TWO), ("same", THREE)]

    mails = await taken(mailbox)
    await mailbox.settle(cursors(sha256(THREE)))

    assert came(mails) == {sha256(ONE): ONE, "u2": TWO, sha256(THREE): THREE}
    assert server.contents == [ONE, TWO]


@pytest.mark.parametrize(
    "uidl", ["", "x" * 300, "\N{SNOWMAN}", "a b"], ids=["none", "long", "snowman", "two"]
)
async def test_what_is_no_uidl_is_not_taken_for_one(
    server: ScriptedPop3, mailbox: Pop3Mailbox, uidl: str
) -> None:
    server.mails[1] = (uidl, TWO)
    assert came(await taken(mailbox)) == {"u1": ONE, sha256(TWO): TWO, "u3": THREE}


async def test_uidls_that_change_with_each_session_delete_only_what_was_read(
    server: ScriptedPop3, mailbox: Pop3Mailbox
) -> None:
    server.uidl_of = lambda session, _number, uidl: f"{session}-{uidl}"
    mails = await taken(mailbox)
    await mailbox.close()

    await mailbox.settle([mail.cursor for mail in mails])
    assert server.contents == [ONE, TWO, THREE]

    assert len(await taken(mailbox)) == 3
    await mailbox.settle(await mailbox.listing())
    assert server.contents == []


async def test_a_uidl_that_means_another_mail_in_a_later_session_deletes_nothing(
    server: ScriptedPop3, mailbox: Pop3Mailbox
) -> None:
    """Some servers give the number of a mail for its UIDL: after a deletion it is another's."""
    server.uidl_of = lambda _session, number, _uidl: str(number)
    await taken(mailbox)
    await mailbox.settle(cursors("1"))
    assert server.contents == [TWO, THREE]

    for name in ("1", "2", "2"):
        await mailbox.settle(cursors(name))
        assert server.contents == [TWO, THREE]


async def test_a_mail_over_the_limit_on_a_server_without_uidl_is_told_and_stops_no_other(
    server: ScriptedPop3,
) -> None:
    server.uidl_of = None
    server.mails[1] = ("u2", b"x" * 5_000)
    mailbox = Pop3Mailbox(server.account(), timeout_s=WAIT_S, max_mail_octets=4_000)
    mails = await taken(mailbox)
    await mailbox.settle(cursors(sha256(ONE), sha256(THREE)))
    assert [mail.raw for mail in mails if not mail.error] == [ONE, THREE]
    assert [PermanentError] == [type(mail.error) for mail in mails if mail.error]
    assert server.contents == [b"x" * 5_000]
