"""Servers that answer strangely, lie, hang or hang up: every other mail still comes, byte for byte."""

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
from tests.support.scripted_imap import VALIDITY, Act, Drip, ScriptedImap, body, scripted_imap
from transports.imap.mailbox import ImapMailbox

SILENCE_S = 0.3
"""Where nothing more comes."""
PAUSE_S = 0.7
"""Where something comes again behind it: what works must not seem silent on a machine that is busy."""
HOUR_S = 3_600.0
"""Where it is not what ends the wait."""
ONE, TWO, THREE = (b"Subject: %d\r\n\r\nbody\r\n" % number for number in (1, 2, 3))
BODIES = r"UID FETCH [\d,]+ \(UID BODY"


@pytest.fixture
async def server() -> AsyncIterator[ScriptedImap]:
    """A correct server that holds three mails, until a test teaches it otherwise."""
    async with scripted_imap() as found:
        found.mails = {1: ONE, 2: TWO, 3: THREE}
        yield found


@pytest.fixture
async def mailbox(server: ScriptedImap) -> AsyncIterator[ImapMailbox]:
    found = ImapMailbox(server.account(), timeout_s=WAIT_S)
    yield found
    await found.close()


@pytest.fixture
async def hasty(server: ScriptedImap) -> AsyncIterator[ImapMailbox]:
    """One that waits for nothing."""
    found = ImapMailbox(server.account(), timeout_s=SILENCE_S)
    yield found
    await found.close()


@pytest.fixture
async def brisk(server: ScriptedImap) -> AsyncIterator[ImapMailbox]:
    """One that waits for a moment, and goes on."""
    found = ImapMailbox(server.account(), timeout_s=PAUSE_S)
    yield found
    await found.close()


def cursors(*uids: int) -> list[Cursor]:
    return [Cursor("INBOX", VALIDITY, str(uid)) for uid in uids]


async def taken(mailbox: ImapMailbox, wanted: Sequence[Cursor] | None = None) -> list[Fetched]:
    return [mail async for mail in mailbox.fetch(wanted or await mailbox.listing())]


def came(mails: Sequence[Fetched]) -> dict[str, bytes | None]:
    """Raw mails by UID, None for one that came with an error."""
    return {mail.cursor.uid: None if mail.error else mail.raw for mail in mails}


ALL = {"1": ONE, "2": TWO, "3": THREE}


async def test_the_scripted_server_is_correct_until_taught_otherwise(mailbox: ImapMailbox) -> None:
    assert came(await taken(mailbox)) == ALL


@pytest.mark.parametrize(
    "answer",
    [
        b"".join(
            b"* %d FETCH (BODY[] {%d}\r\n%s UID %d)\r\n" % (uid, len(raw), raw, uid)
            for uid, raw in ((1, ONE), (2, TWO), (3, THREE))
        ),
        body(3, THREE) + body(1, ONE) + body(2, TWO),
        body(1, ONE)
        + b"* 2 FETCH (FLAGS (\\Seen))\r\n"
        + body(2, TWO)
        + b"* 9 FETCH (UID 9 FLAGS ())\r\n* 4 EXISTS\r\n"
        + body(3, THREE),
        body(1, ONE)
        + b'* 2 FETCH (FLAGS (\\Seen) UID 2 BODY[] {%d}\r\n%s INTERNALDATE "x")\r\n' % (len(TWO), TWO)
        + body(3, THREE),
        b"* 1 FETCH (X-NOTE {3}\r\nabc UID 1 BODY[] {%d}\r\n%s)\r\n" % (len(ONE), ONE)
        + body(2, TWO)
        + body(3, THREE),
        b"* 1 fetch (uid 1 body[] {%d}\r\n%s)\r\n" % (len(ONE), ONE) + body(2, TWO) + body(3, THREE),
    ],
    ids=["uid-behind", "wrong-order", "unsolicited", "more-items", "another-literal", "lower-case"],
)
async def test_row_23_strange_but_legal_fetch_answers_give_the_right_bytes(
    server: ScriptedImap, mailbox: ImapMailbox, answer: bytes
) -> None:
    server.answer(r"UID FETCH 1,2,3 \(UID BODY", answer + b"TAG OK done\r\n")
    assert came(await taken(mailbox)) == ALL


@pytest.mark.parametrize("refusal", [b"TAG NO internal error\r\n", b"TAG BAD no groups here\r\n"])
async def test_row_23_a_group_that_is_refused_is_fetched_one_by_one(
    server: ScriptedImap, mailbox: ImapMailbox, refusal: bytes
) -> None:
    server.answer(r"UID FETCH 1,2,3 \(UID BODY", refusal)
    assert came(await taken(mailbox)) == ALL


@pytest.mark.parametrize(
    "answer",
    [
        b"* 2 FETCH (UID 2 BODY[] NIL)\r\nTAG OK done\r\n",
        b"* 2 FETCH (UID 2)\r\nTAG OK done\r\n",
        b"TAG OK done\r\n",
        b"TAG NO [SERVERBUG] cannot read this one\r\n",
        b"* 2 FETCH 12\r\nTAG OK done\r\n",
    ],
    ids=["nil", "no-body", "nothing", "no", "a-number"],
)
async def test_row_23_one_mail_that_cannot_be_had_does_not_stop_the_others(
    server: ScriptedImap, mailbox: ImapMailbox, answer: bytes
) -> None:
    server.answer(r"UID FETCH 1,2,3 \(UID BODY", body(1, ONE) + body(3, THREE) + answer)
    server.answer(r"UID FETCH 2 \(UID BODY", answer)

    mails = await taken(mailbox)

    assert came(mails) == ALL | {"2": None}
    assert [TransientError] == [type(mail.error) for mail in mails if mail.error]
    assert server.connections == 1


async def test_the_words_with_which_a_mail_is_refused_are_passed_on(
    server: ScriptedImap, mailbox: ImapMailbox
) -> None:
    server.answer(BODIES, b"TAG NO [SERVERBUG] disk on fire\r\n")
    (mail,) = await taken(mailbox, cursors(2))
    assert "disk on fire" in str(mail.error)


@pytest.mark.parametrize(
    ("quoted", "raw"), [(b'""', b""), (b'"ab"', b"ab"), (b'"a\\"b\\\\c) UID 3"', b'a"b\\c) UID 3')]
)
async def test_a_body_as_a_quoted_string_is_taken(
    server: ScriptedImap, mailbox: ImapMailbox, quoted: bytes, raw: bytes
) -> None:
    """RFC 3501 section 9: an nstring may be quoted; servers do so for an empty mail."""
    server.answer(BODIES, b"* 2 FETCH (UID 2 BODY[] %s)\r\nTAG OK done\r\n" % quoted)
    assert came(await taken(mailbox, cursors(2))) == {"2": raw}


async def test_a_mail_over_the_limit_comes_with_an_error_and_is_not_fetched(server: ScriptedImap) -> None:
    server.mails[2] = b"x" * 5_000
    mailbox = ImapMailbox(server.account(), timeout_s=WAIT_S, max_mail_octets=4_000)
    mails = await taken(mailbox)
    await mailbox.close()
    assert came(mails) == ALL | {"2": None}
    assert [PermanentError] == [type(mail.error) for mail in mails if mail.error]


@pytest.mark.parametrize(
    "poison",
    [
        (b"* 2 FETCH (UID 2 BODY[] {10000000000}\r\n", Act.HANG),
        (b"* 2 FETCH (UID 2 BODY[] {100}\r\nhalf", Act.CUT),
        (b"* BYE crashed\r\n", Act.CUT),
        (Act.HANG,),
        (Drip(b"* 2 FETCH (UID 2 BODY[] {1000}\r\n" + b"x" * 1_000),),
        (b"what is this\r\n",),
    ],
    ids=["giant-literal", "cut-in-a-mail", "bye", "hangs", "drips", "nonsense"],
)
async def test_row_24_a_mail_that_breaks_the_connection_does_not_stop_the_others(
    server: ScriptedImap, brisk: ImapMailbox, poison: Sequence[bytes | Act | Drip]
) -> None:
    server.answer(r"UID FETCH ([13],)*2(,3)* \(UID BODY", *poison)

    mails = await asyncio.wait_for(taken(brisk), WAIT_S)

    assert came(mails) == ALL | {"2": None}


async def test_a_server_that_breaks_on_every_mail_is_given_up(
    server: ScriptedImap, mailbox: ImapMailbox
) -> None:
    server.mails = dict.fromkeys(range(1, 40), ONE)
    server.answer(BODIES, Act.CUT)
    with pytest.raises(ServerTrouble) as raised:
        await taken(mailbox)
    assert raised.value.trouble is Trouble.LOST
    assert server.connections < 10


async def test_row_25_nothing_is_marked_while_fetching(server: ScriptedImap, mailbox: ImapMailbox) -> None:
    await taken(mailbox)
    assert not [command for command in server.commands if "STORE" in command or "BODY[" in command]


@pytest.mark.parametrize("steps", [(Act.HANG,), (Drip(b"* OK so slow\r\n"),)], ids=["silent", "dripping"])
@pytest.mark.parametrize("where", ["greeting", "LOGIN", "SELECT", "SEARCH"])
async def test_row_21_a_server_that_hangs_is_ended_by_the_time_limit(
    server: ScriptedImap, hasty: ImapMailbox, where: str, steps: Sequence[Act | Drip]
) -> None:
    """Dripping octets never lets a socket time out: the overall limit ends it."""
    if where == "greeting":
        server.greeting = steps
    else:
        server.answer(where, *steps)

    with pytest.raises(ServerTrouble) as raised:
        await asyncio.wait_for(hasty.listing(), WAIT_S)

    assert raised.value.trouble is Trouble.TIMEOUT
    assert str(server.port) in str(raised.value)


async def test_after_trouble_the_next_call_starts_afresh(server: ScriptedImap, brisk: ImapMailbox) -> None:
    server.greeting = (Act.HANG,)
    with pytest.raises(ServerTrouble):
        await brisk.listing()
    server.greeting = (b"* OK ready\r\n",)
    assert await brisk.listing() == cursors(1, 2, 3)


@pytest.mark.parametrize("end", ["closed", "forgotten"])
async def test_row_22_a_connection_that_died_between_two_polls_is_no_trouble(
    server: ScriptedImap, brisk: ImapMailbox, end: str
) -> None:
    """Servers close what is silent, and routers forget it without a word to anybody."""
    await brisk.listing()
    if end == "closed":
        await server.stop()
    else:
        server.answer("NOOP", Act.HANG)
    assert await brisk.listing() == cursors(1, 2, 3)
    assert server.connections == 2


async def test_cancelling_cuts_the_connection_and_ends_its_thread(server: ScriptedImap) -> None:
    server.answer("SEARCH", Act.HANG)
    mailbox = ImapMailbox(server.account(), timeout_s=HOUR_S)
    before = set(threading.enumerate())
    listing = asyncio.create_task(mailbox.listing())
    await asyncio.wait_for(server.hanging.wait(), WAIT_S)
    (busy,) = set(threading.enumerate()) - before

    listing.cancel()
    await asyncio.wait([listing], timeout=WAIT_S)

    assert listing.cancelled()
    await asyncio.to_thread(busy.join, WAIT_S)
    assert not busy.is_alive()


async def test_a_flood_instead_of_an_answer_is_ended(server: ScriptedImap) -> None:
    server.answer("SEARCH", *[b"* OK " + b"x" * 1_000_000 + b"\r\n"] * 20)
    mailbox = ImapMailbox(server.account(), timeout_s=WAIT_S, max_mail_octets=1_000)
    with pytest.raises(ServerTrouble) as raised:
        await mailbox.listing()
    assert raised.value.trouble is Trouble.ANSWER


@pytest.mark.parametrize(
    "where", ["greeting", "CAPABILITY", "LOGIN", "SELECT", "NOOP", "SEARCH", "SIZE", "BODY"]
)
@pytest.mark.parametrize(
    "nonsense",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x16\x03\x01\x00\xff\xfe\r\n",
        b"* \xff\xfe {3}\r\nabc\xff\r\n",
        b"* CAPABILITY \xe9\r\n* SEARCH {2}\r\n12 x\r\n* 1 FETCH\r\n* FETCH\r\nTAG OK done\r\n",
        b"* SEARCH one two 9999999999999999\r\n* OK [UIDVALIDITY]\r\n* 0 FETCH (UID x)\r\nTAG OK done\r\n",
        b"+ go on\r\nTAG OK done\r\n",
        b"TAG BAD \xff\xfe\r\n",
        b"TAG NO\r\n",
        b"A9 OK another tag\r\n",
        b"\r\n\r\n",
    ],
    ids=str,
)
async def test_row_23_nonsense_is_a_trouble_and_never_an_exception_of_a_library(
    server: ScriptedImap, hasty: ImapMailbox, nonsense: bytes, where: str
) -> None:
    if where == "greeting":
        server.greeting = (nonsense,)
    else:
        server.answer(where, nonsense, *([Act.CUT] if b"TAG" not in nonsense else []))
    with suppress(ServerTrouble):
        await hasty.listing()
        await taken(hasty, cursors(1, 2, 3))
        await hasty.settle(cursors(1))


async def test_octets_before_encryption_are_not_read_as_encrypted(server: ScriptedImap) -> None:
    """Somebody on the way may add answers in clear behind that to STARTTLS."""
    server.capabilities = "STARTTLS"
    server.tls = certificates().server_context()
    server.answer("STARTTLS", b"TAG OK begin\r\n* CAPABILITY IMAP4rev1 INJECTED\r\n", Act.START_TLS)
    mailbox = ImapMailbox(
        server.account(Security.STARTTLS), tls=certificates().client_context(), timeout_s=WAIT_S
    )
    with pytest.raises(ServerTrouble) as raised:
        await mailbox.listing()
    assert raised.value.trouble is Trouble.ANSWER
    assert not [command for command in server.commands if command.startswith("LOGIN")]


class TestWaiting:
    """IDLE (RFC 2177)."""

    async def test_row_22_an_exists_in_the_same_segment_as_idling_is_noticed(
        self, server: ScriptedImap, mailbox: ImapMailbox
    ) -> None:
        await mailbox.listing()
        server.answer("IDLE", b"+ idling\r\n* 4 EXISTS\r\n")
        await asyncio.wait_for(mailbox.wait(HOUR_S), WAIT_S)
        assert await mailbox.listing() == cursors(1, 2, 3)
        assert server.connections == 1

    async def test_an_exists_before_idling_is_noticed(
        self, server: ScriptedImap, mailbox: ImapMailbox
    ) -> None:
        await mailbox.listing()
        server.answer("IDLE", b"* 4 EXISTS\r\n+ idling\r\n")
        await asyncio.wait_for(mailbox.wait(HOUR_S), WAIT_S)
        assert await mailbox.listing() == cursors(1, 2, 3)
        assert server.connections == 1

    async def test_a_server_that_only_says_that_it_is_there_does_not_end_the_wait(
        self, server: ScriptedImap, mailbox: ImapMailbox
    ) -> None:
        await mailbox.listing()
        server.answer("IDLE", b"+ idling\r\n* OK Still here\r\n* 3 EXPUNGE\r\n")
        waiting = asyncio.create_task(mailbox.wait(HOUR_S))
        await asyncio.wait_for(server.idling.wait(), WAIT_S)
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done
        waiting.cancel()
        await asyncio.wait([waiting], timeout=WAIT_S)

    @pytest.mark.parametrize(
        "steps",
        [
            (b"+ idling\r\n* BYE restarting\r\n", Act.CUT),
            (b"* BYE restarting\r\n", Act.CUT),
            (b"+ idling\r\n* BYE but it does not hang up\r\n",),
            (Act.CUT,),
            (Act.HANG,),
            (b"TAG NO not now\r\n",),
            (b"+ idling\r\n" + b"* OK flood\r\n" * 200_000,),
        ],
        ids=["bye", "bye-before", "bye-stays", "cut", "hangs", "refused", "flood"],
    )
    async def test_row_21_a_server_that_hangs_up_in_idle_neither_hangs_nor_is_hammered(
        self, server: ScriptedImap, brisk: ImapMailbox, steps: Sequence[bytes | Act]
    ) -> None:
        await brisk.listing()
        server.answer("IDLE", *steps)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.wait_for(brisk.wait(1), WAIT_S)
        assert loop.time() - began > 0.99
        assert server.connections < 3
        assert await brisk.listing() == cursors(1, 2, 3)

    async def test_without_idle_waiting_is_only_waiting(
        self, server: ScriptedImap, mailbox: ImapMailbox
    ) -> None:
        server.capabilities = ""
        await mailbox.listing()
        await asyncio.wait_for(mailbox.wait(0.2), WAIT_S)
        assert "IDLE" not in server.commands
        assert await mailbox.listing() == cursors(1, 2, 3)
        assert server.connections == 1

    async def test_row_22_idle_is_renewed_and_then_looks_for_mail_that_nobody_told_of(
        self, server: ScriptedImap
    ) -> None:
        mailbox = ImapMailbox(server.account(), timeout_s=WAIT_S, renew_idle_s=0.2)
        await mailbox.listing()
        waiting = asyncio.create_task(mailbox.wait(HOUR_S))
        await asyncio.wait_for(server.idling.wait(), WAIT_S)
        server.mails[4] = ONE
        await asyncio.wait_for(waiting, WAIT_S)
        await mailbox.close()
        assert server.connections == 1


class TestWithoutExtensions:
    """Servers with neither UIDPLUS (RFC 4315) nor MOVE (RFC 6851)."""

    async def test_exactly_our_mails_are_expunged(self, server: ScriptedImap, mailbox: ImapMailbox) -> None:
        server.capabilities = ""
        server.answer("UID SEARCH DELETED", b"* SEARCH 3\r\nTAG OK done\r\n")

        await mailbox.settle(cursors(1, 2))

        changes = [command for command in server.commands if "STORE" in command or command == "EXPUNGE"]
        assert changes == [
            r"UID STORE 3 -FLAGS.SILENT (\Deleted)",
            r"UID STORE 1,2 +FLAGS.SILENT (\Deleted)",
            "EXPUNGE",
            r"UID STORE 3 +FLAGS.SILENT (\Deleted)",
        ]

    async def test_moving_is_copying_and_deleting(self, server: ScriptedImap) -> None:
        server.capabilities = "UIDPLUS"
        mailbox = ImapMailbox(server.account(after_intake="move:Reçus"), timeout_s=WAIT_S)
        await mailbox.settle(cursors(1, 2))
        await mailbox.close()
        assert server.commands[-4:] == [
            'UID COPY 1,2 "Re&AOc-us"',
            r"UID STORE 1,2 +FLAGS.SILENT (\Deleted)",
            "UID EXPUNGE 1,2",
            "LOGOUT",
        ]

    async def test_a_copy_that_is_refused_deletes_nothing(self, server: ScriptedImap) -> None:
        server.capabilities = ""
        server.answer("COPY", b"TAG NO over quota\r\n")
        mailbox = ImapMailbox(server.account(after_intake="move:Full"), timeout_s=WAIT_S)
        with pytest.raises(ServerTrouble, match="over quota"):
            await mailbox.settle(cursors(1, 2))
        assert not [command for command in server.commands if "STORE" in command or "EXPUNGE" in command]
