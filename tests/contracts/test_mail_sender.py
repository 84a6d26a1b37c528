"""The port `MailSender`, on a relay of every kind: what it promises, and never breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.core.addresses import Address
from bot.core.deliveries import Envelope, Outcome
from bot.core.settings import Security
from tests.support.patience import WAIT_S
from tests.support.samples import signed
from tests.support.smtp_server import CUT, HANG, SmtpServer, SmtpServers
from transports.smtp.sender import SmtpSender

LIST = Address("adherents@amap.example.org")
ANNA, GONE, FULL = (Address(f"{name}@example.org") for name in ("anna", "gone", "full"))
MAIL = b"From: a@example.org\r\nSubject: Panier\r\n\r\nBonjour\r\n"
LARGE = b"Subject: photos\r\n\r\n" + b"0123456789" * 7 + b"\r\n" + (b"x" * 70 + b"\r\n") * 150_000

DELIVERED = (Outcome.DELIVERED, 250, False)
LOST = (Outcome.DEFERRED, 0, False)
UNKNOWN = (Outcome.DEFERRED, 0, True)


def deferred(code: int) -> tuple[Outcome, int, bool]:
    return (Outcome.DEFERRED, code, False)


def bounced(code: int) -> tuple[Outcome, int, bool]:
    return (Outcome.BOUNCED, code, False)


@pytest.fixture(params=[True, False], ids=["pipelined", "lockstep"])
def pipelining(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(params=[Security.NONE, Security.STARTTLS, Security.SSL], ids=str)
async def relay(request: pytest.FixtureRequest, pipelining: bool, smtp_servers: SmtpServers) -> SmtpServer:
    users = {} if request.param is Security.NONE else {"adherents@amap.example.org": "s3cret"}
    return await smtp_servers(security=request.param, users=users, pipelining=pipelining)


@pytest.fixture
async def sender(relay: SmtpServer) -> AsyncIterator[SmtpSender]:
    sender = SmtpSender(relay.account(), tls=relay.client_context, timeout_s=WAIT_S, answer_timeout_s=WAIT_S)
    yield sender
    await sender.close()


async def test_a_mail_arrives_as_it_was_sent(relay: SmtpServer, sender: SmtpSender) -> None:
    """Envelope, content, login and encryption are those asked for."""
    results = await sender.send(Envelope(LIST, (ANNA, FULL)), MAIL)

    assert [(r.recipient, r.outcome, r.code) for r in results] == [
        (ANNA, Outcome.DELIVERED, 250),
        (FULL, Outcome.DELIVERED, 250),
    ]
    [mail] = relay.taken
    assert (mail.mail_from, mail.recipients, mail.raw) == (LIST, (ANNA, FULL), MAIL)
    assert mail.user == relay.account().username
    assert mail.tls is (relay.security is not Security.NONE)


OUTCOMES: dict[str, tuple[dict[str, str], list[tuple[Outcome, int, bool]]]] = {
    "nothing special": ({}, [DELIVERED, DELIVERED, DELIVERED]),
    "some refused": (
        {GONE: "550 5.1.1 no such user", FULL: "450 4.2.1 busy"},
        [DELIVERED, bounced(550), deferred(450)],
    ),
    "552 to one: too many recipients": ({FULL: "552 too many"}, [DELIVERED, DELIVERED, deferred(552)]),
    "all refused": (
        {ANNA: "451 4.7.1 greylisted", GONE: "550 5.1.1 no such user", FULL: "553 5.1.3 bad"},
        [deferred(451), bounced(550), bounced(553)],
    ),
    "relaying denied": (
        dict.fromkeys((ANNA, GONE, FULL), "554 5.7.1 Relay access denied"),
        [deferred(554)] * 3,
    ),
    "sender busy": ({"MAIL": "451 4.3.0 later"}, [deferred(451)] * 3),
    "sender refused": ({"MAIL": "553 5.7.1 not your address"}, [deferred(553)] * 3),
    "login wanted": ({"MAIL": "530 5.7.0 Authentication required"}, [deferred(530)] * 3),
    "too big for the relay": ({"MAIL": "552 5.3.4 size exceeds fixed maximum"}, [bounced(552)] * 3),
    "data busy": ({"DATA": "451 4.3.0 later"}, [deferred(451)] * 3),
    "data refused": ({"DATA": "554 5.5.1 no"}, [bounced(554)] * 3),
    "data refused, one recipient too": (
        {"DATA": "451 later", GONE: "550 no such user"},
        [deferred(451), bounced(550), deferred(451)],
    ),
    "content busy": ({"END": "451 4.3.0 later"}, [deferred(451)] * 3),
    "content refused": ({"END": "554 5.6.0 spam"}, [bounced(554)] * 3),
    "content too big": ({"END": "552 5.3.4 too big"}, [bounced(552)] * 3),
    "quota used up": ({"END": "550 5.4.5 Daily sending quota exceeded"}, [deferred(550)] * 3),
    "refused in the middle of the content": ({"BODY": "552 5.3.4 too big"}, [bounced(552)] * 3),
    "cut at MAIL": ({"MAIL": CUT}, [LOST] * 3),
    "cut at a recipient": ({FULL: CUT, GONE: "550 no such user"}, [LOST, bounced(550), LOST]),
    "cut at DATA": ({"DATA": CUT}, [LOST] * 3),
    "cut after the content": ({"END": CUT}, [UNKNOWN] * 3),
    "cut after the content, one refused": (
        {"END": CUT, GONE: "550 no such user"},
        [UNKNOWN, bounced(550), UNKNOWN],
    ),
    "leaves at MAIL": ({"MAIL": "421 4.3.2 closing"}, [deferred(421)] * 3),
    "leaves at a recipient": (
        {FULL: "421 4.7.0 too many", GONE: "550 no such user"},
        [deferred(421), bounced(550), deferred(421)],
    ),
    "leaves at DATA": ({"DATA": "421 4.3.2 closing"}, [deferred(421)] * 3),
    "leaves after the content": ({"END": "421 4.3.2 closing"}, [deferred(421)] * 3),
}


@pytest.mark.parametrize(("script", "expected"), OUTCOMES.values(), ids=OUTCOMES.keys())
async def test_every_answer_has_its_outcome(
    relay: SmtpServer,
    sender: SmtpSender,
    script: dict[str, str],
    expected: list[tuple[Outcome, int, bool]],
) -> None:
    """One outcome per recipient, never two copies without `maybe_taken`, and the next mail goes out."""
    for place, answer in script.items():
        relay.once[place].append(answer)

    results = await sender.send(Envelope(LIST, (ANNA, GONE, FULL)), MAIL)

    assert [(r.outcome, r.code, r.maybe_taken) for r in results] == expected
    got_it = {recipient for mail in relay.taken for recipient in mail.recipients}
    assert got_it == {r.recipient for r in results if r.outcome is Outcome.DELIVERED or r.maybe_taken}
    [again] = await sender.send(Envelope(LIST, (ANNA,)), MAIL)
    assert (again.outcome, relay.taken[-1].recipients) == (Outcome.DELIVERED, (ANNA,))


async def test_a_refusal_in_the_middle_of_a_large_mail_is_heard(
    relay: SmtpServer, sender: SmtpSender
) -> None:
    """The relay answers 552 and leaves while megabytes are still to come: a bounce, not a loss."""
    relay.once["BODY"].append("552 5.3.4 too big")

    [result] = await sender.send(Envelope(LIST, (ANNA,)), LARGE)

    assert (result.outcome, result.code, result.reply) == (Outcome.BOUNCED, 552, "5.3.4 too big")


async def test_a_cut_in_the_middle_of_a_large_mail_is_safe_to_repeat(
    relay: SmtpServer, sender: SmtpSender
) -> None:
    """The end was not sent, so the relay cannot have taken it."""
    relay.once["BODY"].append(CUT)

    [result] = await sender.send(Envelope(LIST, (ANNA,)), LARGE)

    assert (result.outcome, result.code, result.maybe_taken) == LOST


async def test_a_hundred_mails_need_one_connection_and_one_login(
    relay: SmtpServer, sender: SmtpSender
) -> None:
    """Relays count both."""
    for number in range(100):
        [result] = await sender.send(Envelope(LIST, (ANNA,)), b"Subject: %d\r\n\r\n" % number)
        assert result.outcome is Outcome.DELIVERED

    assert (len(relay.taken), relay.connections) == (100, 1)
    assert relay.commands["AUTH"] == (1 if relay.users else 0)
    assert relay.commands["RSET"] == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b".\r\n",
        b"..\r\n.\r\n.a\r\n\r\n.\r\n",
        b"y" * 20_000 + b"\r\n",
        "déjà vu €\r\n".encode(),
        "déjà\r\n".encode("latin-1"),
        b"\0\x01\x1b\xff\r\n",
        LARGE,
    ],
    ids=["empty", "a dot", "dots", "a line of 20000", "utf-8", "latin-1", "binary", "10 MB"],
)
async def test_content_arrives_byte_for_byte(relay: SmtpServer, sender: SmtpSender, body: bytes) -> None:
    """Dots, long lines, 8-bit text and size change nothing."""
    mail = b"Subject: x\r\n\r\n" + body

    await sender.send(Envelope(LIST, (ANNA,)), mail)

    assert [mail] == [taken.raw for taken in relay.taken]


async def test_line_ends_become_those_of_smtp(relay: SmtpServer, sender: SmtpSender) -> None:
    """Bare CR and LF become CRLF, the missing last one is added."""
    await sender.send(Envelope(LIST, (ANNA,)), b"Subject: x\n\none\rtwo\r\n.three")

    assert relay.taken[0].raw == b"Subject: x\r\n\r\none\r\ntwo\r\n.three\r\n"


async def test_a_kept_connection_that_the_relay_closed_costs_nothing(
    relay: SmtpServer, sender: SmtpSender
) -> None:
    """It is noticed or found out; the mail goes out by a new one."""
    await sender.send(Envelope(LIST, (ANNA,)), MAIL)
    relay.drop_connections()
    await relay.wait_until_idle()

    [result] = await sender.send(Envelope(LIST, (ANNA,)), MAIL)

    assert (result.outcome, len(relay.taken), relay.connections) == (Outcome.DELIVERED, 2, 2)


@pytest.mark.parametrize("farewell", ["421 4.7.0 enough for one session", CUT])
async def test_a_kept_connection_that_ends_at_mail_is_replaced_at_once(
    relay: SmtpServer, sender: SmtpSender, farewell: str
) -> None:
    """Nothing was offered yet, so the attempt is not spent."""
    await sender.send(Envelope(LIST, (ANNA,)), MAIL)
    relay.once["MAIL"].append(farewell)

    [result] = await sender.send(Envelope(LIST, (ANNA,)), MAIL)

    assert (result.outcome, len(relay.taken), relay.connections) == (Outcome.DELIVERED, 2, 2)


@pytest.mark.parametrize(
    ("place", "expected"), [("MAIL", LOST), (ANNA, LOST), ("DATA", LOST), ("END", UNKNOWN)]
)
async def test_a_relay_that_falls_silent_ends_as_deferred(
    relay: SmtpServer, place: str, expected: tuple[Outcome, int, bool]
) -> None:
    """Nothing waits longer than the limits; only silence after the content leaves a doubt."""
    sender = SmtpSender(relay.account(), tls=relay.client_context, timeout_s=0.5, answer_timeout_s=0.5)
    relay.once[place].append(HANG)

    [result] = await sender.send(Envelope(LIST, (ANNA,)), MAIL)

    assert (result.outcome, result.code, result.maybe_taken) == expected
    await relay.wait_until_idle()
    await sender.close()


@pytest.mark.parametrize("place", ["MAIL", "DATA", "END"])
async def test_cancelling_closes_the_connection(relay: SmtpServer, sender: SmtpSender, place: str) -> None:
    """The relay forgets the half-finished mail; the next one goes out by a new connection."""
    relay.once[place].append(HANG)
    sending = asyncio.create_task(sender.send(Envelope(LIST, (ANNA,)), MAIL))
    await asyncio.wait_for(relay.hanging.wait(), WAIT_S)
    sending.cancel()
    await asyncio.wait([sending])
    await relay.wait_until_idle()

    [result] = await sender.send(Envelope(LIST, (ANNA,)), MAIL)

    assert (result.outcome, len(relay.taken), relay.connections) == (Outcome.DELIVERED, 1, 2)


@pytest.mark.parametrize(
    "address",
    [
        "a@example.org>\r\nRCPT TO:<b@example.org",
        "a b@example.org",
        "<a@example.org>",
        "a@ex\0mple.org",
        "x" * 250 + "@example.org",
        "nobody",
        "",
    ],
)
async def test_addresses_that_smtp_cannot_carry_never_reach_the_wire(
    relay: SmtpServer, sender: SmtpSender, address: str
) -> None:
    """Such a recipient bounces alone, with a sentence; alone in an envelope, without any network."""
    odd = Address(address)
    [only] = await sender.send(Envelope(LIST, (odd,)), MAIL)
    assert (only.outcome, only.code, relay.connections) == (Outcome.BOUNCED, 0, 0)
    assert "address" in only.reply

    results = await sender.send(Envelope(LIST, (odd, ANNA)), MAIL)

    assert [r.outcome for r in results] == [Outcome.BOUNCED, Outcome.DELIVERED]
    assert [mail.recipients for mail in relay.taken] == [(ANNA,)]


async def test_a_return_path_that_smtp_cannot_carry_bounces_nobody(
    relay: SmtpServer, sender: SmtpSender
) -> None:
    """It is the list's fault, not its members'."""
    [result] = await sender.send(Envelope(Address("é@amap.example.org"), (ANNA,)), MAIL)

    assert (result.outcome, relay.connections) == (Outcome.DEFERRED, 0)


async def test_many_callers_take_turns(relay: SmtpServer, sender: SmtpSender) -> None:
    """Answers are never mixed up between mails (aiosmtplib issue 15)."""
    people = [Address(f"p{number}@example.org") for number in range(20)]
    for gone in people[::2]:
        relay.replies[gone] = "550 5.1.1 no such user"

    results = await asyncio.gather(*(sender.send(Envelope(LIST, (each,)), MAIL) for each in people))

    assert [r.outcome for [r] in results] == [Outcome.BOUNCED, Outcome.DELIVERED] * 10
    assert relay.connections == 1


async def test_an_unused_connection_is_left_politely(relay: SmtpServer) -> None:
    """With QUIT, after the idle time; a later mail opens another."""
    sender = SmtpSender(relay.account(), tls=relay.client_context, idle_s=0.05)
    await sender.send(Envelope(LIST, (ANNA,)), MAIL)
    await relay.wait_until_idle()
    assert relay.commands["QUIT"] == 1

    [result] = await sender.send(Envelope(LIST, (ANNA,)), MAIL)

    assert result.outcome is Outcome.DELIVERED
    await sender.close()


async def test_checking_connects_and_logs_in_afresh(relay: SmtpServer, sender: SmtpSender) -> None:
    """And the connection serves for the next mail."""
    await sender.check()
    await sender.check()
    await sender.send(Envelope(LIST, (ANNA,)), MAIL)

    assert (relay.connections, len(relay.taken)) == (2, 1)


async def test_closing_is_polite_and_may_be_repeated(relay: SmtpServer, sender: SmtpSender) -> None:
    """QUIT, once; closing what was never opened is nothing."""
    await sender.close()
    await sender.send(Envelope(LIST, (ANNA,)), MAIL)
    await sender.close()
    await sender.close()

    await relay.wait_until_idle()
    assert relay.commands["QUIT"] == 1


ELENE = Address("élène@example.org")


async def test_an_address_outside_ascii_is_offered_where_the_relay_takes_it(
    relay: SmtpServer, sender: SmtpSender
) -> None:
    """In a transaction of its own: hosts behind the relay may not know of SMTPUTF8."""
    results = await sender.send(Envelope(LIST, (ELENE, ANNA)), MAIL)

    assert [(r.recipient, r.outcome) for r in results] == [
        (ELENE, Outcome.DELIVERED),
        (ANNA, Outcome.DELIVERED),
    ]
    plain, other = relay.taken
    assert (plain.recipients, "SMTPUTF8" in plain.options) == ((ANNA,), False)
    assert (other.recipients, "SMTPUTF8" in other.options) == ((ELENE,), True)


async def test_an_address_outside_ascii_bounces_alone_where_the_relay_does_not(
    relay: SmtpServer, sender: SmtpSender
) -> None:
    """And the words say what to do; 5.6.x is held against nobody (RFC 6531 section 3.5)."""
    relay.utf8 = False

    refused, sent = await sender.send(Envelope(LIST, (ELENE, ANNA)), MAIL)

    assert (refused.outcome, sent.outcome) == (Outcome.BOUNCED, Outcome.DELIVERED)
    assert refused.reply.startswith("5.6.7 the outgoing server takes only plain letters")
    assert [mail.recipients for mail in relay.taken] == [(ANNA,)]


EIGHT_BIT = (
    b"Subject: x\r\nDKIM-Signature: v=1\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: 8bit\r\n\r\nun bel \xc3\xa9t\xc3\xa9 pour les poireaux\r\n"
)


async def test_eight_bits_are_encoded_only_where_the_relay_takes_seven(
    relay: SmtpServer, sender: SmtpSender
) -> None:
    await sender.send(Envelope(LIST, (ANNA,)), EIGHT_BIT)
    await sender.close()
    relay.eight_bit = False
    await sender.send(Envelope(LIST, (ANNA,)), EIGHT_BIT)

    as_it_was, encoded = relay.taken
    assert (as_it_was.raw, as_it_was.options[-1]) == (EIGHT_BIT, "BODY=8BITMIME")
    assert encoded.raw == (
        b"Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\nun bel =C3=A9t=C3=A9 pour les poireaux\r\n"
    )
    assert not any(option.startswith("BODY") for option in encoded.options)


async def test_a_signed_mail_is_never_encoded_anew(relay: SmtpServer, sender: SmtpSender) -> None:
    relay.eight_bit = False

    results = await sender.send(Envelope(LIST, (ANNA, FULL)), signed())

    assert {(r.outcome, r.reply[:29]) for r in results} == {
        (Outcome.BOUNCED, "5.6.3 the mail is signed, and")
    }
    assert relay.taken == []
