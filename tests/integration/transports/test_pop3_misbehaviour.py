"""POP3 servers that forget, lie, hang or hang up: only what was read is deleted, the rest still comes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import pytest

from bot.core.errors import PermanentError, ServerTrouble, TransientError, Trouble
from bot.core.ports import Fetched
from bot.core.posts import Cursor
from bot.core.settings import Security
from tests.support.certificates import certificates
from tests.support.patience import WAIT_S
from tests.support.scripted_imap import Act, Drip
from tests.support.scripted_pop3 import ScriptedPop3, content, scripted_pop3
from transports.pop3.mailbox import Pop3Mailbox

SILENCE_S = 0.3
"""Where nothing more comes."""
PAUSE_S = 0.7
"""Where something comes again behind it: what works must not seem silent on a machine that is busy."""
HOUR_S = 3_600.0
"""Where it is not what ends the wait."""
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


@pytest.fixture
async def hasty(server: ScriptedPop3) -> AsyncIterator[Pop3Mailbox]:
    """One that waits for nothing."""
    found = Pop3Mailbox(server.account(), timeout_s=SILENCE_S)
    yield found
    await found.close()


@pytest.fixture
async def brisk(server: ScriptedPop3) -> AsyncIterator[Pop3Mailbox]:
    """One that waits for a moment, and goes on."""
    found = Pop3Mailbox(server.account(), timeout_s=PAUSE_S)
    yield found
    await found.close()


def cursors(*uidls: str) -> list[Cursor]:
    return [Cursor("INBOX", "", uidl) for uidl in uidls]


async def taken(mailbox: Pop3Mailbox, wanted: Sequence[Cursor] | None = None) -> list[Fetched]:
    return [mail async for mail in mailbox.fetch(wanted or await mailbox.listing())]


def came(mails: Sequence[Fetched]) -> dict[str, bytes | None]:
    """Raw mails by UIDL, None for one that came with an error."""
    return {mail.cursor.uid: None if mail.error else mail.raw for mail in mails}


ALL = {"u1": ONE, "u2": TWO, "u3": THREE}
NAMES = cursors("u1", "u2", "u3")


async def test_a_poll_is_one_session_that_ends_with_quit(server: ScriptedPop3, mailbox: Pop3Mailbox) -> None:
    assert came(await taken(mailbox)) == ALL
    await mailbox.settle(cursors("u1", "u3"))
    assert server.connections == 1
    assert server.commands[-3:] == ["DELE 1", "DELE 3", "QUIT"]
    assert server.contents == [TWO]


async def test_keeping_deletes_nothing(server: ScriptedPop3) -> None:
    mailbox = Pop3Mailbox(server.account(after_intake="keep"), timeout_s=WAIT_S)
    await taken(mailbox)
    await mailbox.settle(NAMES)
    assert server.contents == [ONE, TWO, THREE]
    assert not [command for command in server.commands if command.startswith("DELE")]
    assert server.commands[-1] == "QUIT"


@pytest.mark.parametrize(
    ("wire", "raw"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"a\n.\r\nb\r\n.\r\n", b"a\n.\r\nb\r\n"),
        (b"a\n..b\nc\r\n.\r\n", b"a\n..b\nc\r\n"),
        (b"\rab\rc\r\r\n.\r\n", b"\rab\rc\r\r\n"),
        (b"...\r\n..\r\n..x\r\n.\r\n", b"..\r\n.\r\n.x\r\n"),
        (b"x" * 100_000 + b"\r\n.\r\n", b"x" * 100_000 + b"\r\n"),
        (b"\x00\xff\r\n.\r\n", b"\x00\xff\r\n"),
    ],
    ids=["empty", "one-line-end", "dot-behind-lf", "dots-behind-lf", "cr", "dots", "long-line", "octets"],
)
async def test_a_mail_comes_as_it_is_on_the_wire(
    server: ScriptedPop3, mailbox: Pop3Mailbox, wire: bytes, raw: bytes
) -> None:
    """Only a dot behind a CRLF is stuffed or ends the mail (RFC 1939 section 3)."""
    server.answer("RETR 2", b"+OK\r\n" + wire)
    assert came(await taken(mailbox)) == ALL | {"u2": raw}


async def test_an_end_that_comes_in_pieces_is_seen(server: ScriptedPop3, mailbox: Pop3Mailbox) -> None:
    server.answer("RETR 2", b"+OK", b"\r", b"\na\r\n", b".", b"\r", b"\n")
    assert came(await taken(mailbox)) == ALL | {"u2": b"a\r\n"}


async def test_row_26_a_number_is_never_an_identity(server: ScriptedPop3, mailbox: Pop3Mailbox) -> None:
    """Mails are gone when the second session begins: the others have new numbers."""
    await taken(mailbox)
    await mailbox.settle(cursors("u1"))
    await mailbox.settle(cursors("u3"))
    assert server.contents == [TWO]


# Mails that cannot be had


async def test_a_mail_that_vanishes_between_list_and_retr_is_left_out(
    server: ScriptedPop3, mailbox: Pop3Mailbox
) -> None:
    listed = await mailbox.listing()
    server.mails.pop(1)
    server.answer("RETR 2", b"-ERR message is gone\r\n", times=1)

    mails = await taken(mailbox, listed)

    assert came(mails) == {"u1": ONE, "u3": THREE}
    await mailbox.settle(listed)
    assert server.contents == []


async def test_a_mail_that_is_refused_comes_with_the_servers_words_and_stops_no_other(
    server: ScriptedPop3, mailbox: Pop3Mailbox
) -> None:
    server.answer("RETR 2", b"-ERR [SYS/TEMP] disk on fire\r\n")

    mails = await taken(mailbox)

    assert came(mails) == ALL | {"u2": None}
    [error] = [mail.error for mail in mails if mail.error]
    assert isinstance(error, TransientError)
    assert "disk on fire" in str(error)


async def test_many_refused_mails_do_not_make_many_sessions(
    server: ScriptedPop3, mailbox: Pop3Mailbox
) -> None:
    server.hold(*[b"x\r\n"] * 20)
    server.answer("RETR", b"-ERR no\r\n")
    assert set(came(await taken(mailbox)).values()) == {None}
    assert server.connections < 6


@pytest.mark.parametrize(
    "poison",
    [
        (b"+OK\r\nhalf a mail", Act.CUT),
        (b"+OK\r\nhalf a mail", Act.HANG),
        (Act.CUT,),
        (Act.HANG,),
        (Drip(b"+OK\r\n" + b"x" * 1_000),),
        (b"what is this\r\n",),
        (b"+OK\r\n" + b"x" * 5_000_000, Act.HANG),
    ],
    ids=["truncated", "half", "cut", "hangs", "drips", "nonsense", "giant"],
)
async def test_row_24_a_mail_that_breaks_the_connection_does_not_stop_the_others(
    server: ScriptedPop3, poison: Sequence[bytes | Act | Drip]
) -> None:
    server.answer("RETR 2", *poison)
    mailbox = Pop3Mailbox(server.account(), timeout_s=PAUSE_S, max_mail_octets=1_000_000)

    mails = await asyncio.wait_for(taken(mailbox), WAIT_S)
    assert came(mails) == ALL | {"u2": None}

    await mailbox.settle([mail.cursor for mail in mails if not mail.error])
    assert server.contents == [TWO]


async def test_a_server_that_breaks_on_every_mail_is_given_up(
    server: ScriptedPop3, mailbox: Pop3Mailbox
) -> None:
    server.hold(*[b"%d\r\n" % number for number in range(40)])
    server.answer("RETR", Act.CUT)
    with pytest.raises(ServerTrouble) as raised:
        await taken(mailbox)
    assert raised.value.trouble is Trouble.LOST
    assert server.connections < 10


async def test_a_mail_over_the_limit_comes_with_an_error_and_is_not_fetched(server: ScriptedPop3) -> None:
    server.mails[1] = ("u2", b"x" * 5_000)
    mailbox = Pop3Mailbox(server.account(), timeout_s=WAIT_S, max_mail_octets=4_000)
    mails = await taken(mailbox)
    await mailbox.close()
    assert came(mails) == ALL | {"u2": None}
    assert [PermanentError] == [type(mail.error) for mail in mails if mail.error]
    assert "RETR 2" not in server.commands


# Sessions that are lost


async def test_a_session_that_is_lost_before_quit_deletes_nothing_and_the_next_one_does(
    server: ScriptedPop3, mailbox: Pop3Mailbox
) -> None:
    await taken(mailbox)
    server.answer("DELE 3", Act.CUT, times=1)

    await mailbox.settle(NAMES)

    assert server.contents == []
    assert [command for command in server.commands if command.startswith("RETR")] == [
        "RETR 1", "RETR 2", "RETR 3", "RETR 1", "RETR 2", "RETR 3",
    ]  # fmt: skip


@pytest.mark.parametrize("committed", [True, False])
async def test_a_quit_that_is_not_answered_is_tried_again(
    server: ScriptedPop3, mailbox: Pop3Mailbox, committed: bool
) -> None:
    await taken(mailbox)
    server.answer("QUIT", Act.CUT, times=1)
    if committed:
        server.mails = []
    await mailbox.settle(NAMES)
    assert server.contents == []


async def test_a_server_that_never_answers_quit_is_trouble(server: ScriptedPop3, brisk: Pop3Mailbox) -> None:
    await taken(brisk)
    server.answer("QUIT", Act.HANG)
    with pytest.raises(ServerTrouble) as raised:
        await brisk.settle(NAMES)
    assert raised.value.trouble is Trouble.TIMEOUT
    assert server.contents == [ONE, TWO, THREE]


async def test_a_quit_that_is_refused_is_trouble(server: ScriptedPop3, mailbox: Pop3Mailbox) -> None:
    await taken(mailbox)
    server.answer("QUIT", b"-ERR some deleted messages not removed\r\n")
    with pytest.raises(ServerTrouble, match="not removed"):
        await mailbox.settle(NAMES)


async def test_a_poll_that_takes_nothing_in_leaves_the_mailbox_to_others(
    server: ScriptedPop3, mailbox: Pop3Mailbox
) -> None:
    server.answer("RETR", b"-ERR no\r\n")
    await taken(mailbox)
    assert server.commands[-1] == "QUIT"


async def test_waiting_leaves_the_mailbox_to_others(server: ScriptedPop3, mailbox: Pop3Mailbox) -> None:
    """Servers lock it while somebody is logged in (RFC 1939 section 4)."""
    await mailbox.listing()
    await mailbox.wait(0)
    assert server.commands[-1] == "QUIT"


@pytest.mark.parametrize("steps", [(Act.HANG,), (Drip(b"+OK so slow "),)], ids=["silent", "dripping"])
@pytest.mark.parametrize("where", ["greeting", "USER", "PASS", "LIST", "UIDL"])
async def test_row_21_a_server_that_hangs_is_ended_by_the_time_limit(
    server: ScriptedPop3, hasty: Pop3Mailbox, where: str, steps: Sequence[Act | Drip]
) -> None:
    if where == "greeting":
        server.greeting = steps
    else:
        server.answer(where, *steps)

    with pytest.raises(ServerTrouble) as raised:
        await asyncio.wait_for(hasty.listing(), WAIT_S)

    assert raised.value.trouble is Trouble.TIMEOUT
    assert str(server.port) in str(raised.value)


async def test_after_trouble_the_next_call_starts_afresh(server: ScriptedPop3, brisk: Pop3Mailbox) -> None:
    server.greeting = (Act.HANG,)
    with pytest.raises(ServerTrouble):
        await brisk.listing()
    server.greeting = (b"+OK ready\r\n",)
    assert await brisk.listing() == NAMES


async def test_cancelling_cuts_the_connection_and_ends_its_thread(server: ScriptedPop3) -> None:
    server.answer("UIDL", Act.HANG)
    mailbox = Pop3Mailbox(server.account(), timeout_s=HOUR_S)
    before = set(threading.enumerate())
    listing = asyncio.create_task(mailbox.listing())
    await asyncio.wait_for(server.hanging.wait(), WAIT_S)
    (busy,) = set(threading.enumerate()) - before

    listing.cancel()
    await asyncio.wait([listing], timeout=WAIT_S)

    assert listing.cancelled()
    await asyncio.to_thread(busy.join, WAIT_S)
    assert not busy.is_alive()


async def test_a_flood_instead_of_an_answer_is_ended(server: ScriptedPop3, mailbox: Pop3Mailbox) -> None:
    server.answer("UIDL", b"+OK\r\n", *[b"1 " + b"x" * 1_000_000 + b"\r\n"] * 20, Act.HANG)
    with pytest.raises(ServerTrouble) as raised:
        await mailbox.listing()
    assert raised.value.trouble is Trouble.ANSWER


@pytest.mark.parametrize(
    "where", ["greeting", "CAPA", "USER", "PASS", "LIST", "UIDL", "RETR", "DELE", "QUIT"]
)
@pytest.mark.parametrize(
    "nonsense",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x16\x03\x01\x00\xff\xfe\r\n",
        b"+OK\r\n\r\n \xff\xfe\r\n1\r\nx y\r\n99999999999999999999 1\r\n0 0\r\n.\r\n",
        b"-ERR \xff\xfe\r\n",
        b"-ERR\r\n",
        b"+\r\n.\r\n",
        b"\r\n\r\n",
    ],
    ids=str,
)
async def test_nonsense_is_a_trouble_and_never_an_exception_of_a_library(
    server: ScriptedPop3, hasty: Pop3Mailbox, nonsense: bytes, where: str
) -> None:
    if where == "greeting":
        server.greeting = (nonsense,)
    else:
        server.answer(where, nonsense, Act.CUT)
    with suppress(ServerTrouble):
        await hasty.listing()
        await taken(hasty, NAMES)
        await hasty.settle(NAMES[:1])


async def test_octets_before_encryption_are_not_read_as_encrypted(server: ScriptedPop3) -> None:
    """Somebody on the way may add answers in clear behind that to STLS."""
    server.capabilities = "STLS"
    server.tls = certificates().server_context()
    server.answer("STLS", b"+OK begin\r\n+OK injected\r\n", Act.START_TLS)
    mailbox = Pop3Mailbox(
        server.account(Security.STARTTLS), tls=certificates().client_context(), timeout_s=WAIT_S
    )
    with pytest.raises(ServerTrouble) as raised:
        await mailbox.listing()
    assert raised.value.trouble is Trouble.ANSWER
    assert "PASS s3cret pass" not in server.commands


def test_the_scripted_server_stuffs_dots() -> None:
    assert content(b".a\r\n..\r\nb\n.c") == b"+OK\r\n..a\r\n...\r\nb\n.c\r\n.\r\n"
