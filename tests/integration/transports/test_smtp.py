"""The SMTP sender against relays that misbehave, and its sentences about those that cannot be used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from bot.core.addresses import Address
from bot.core.deliveries import Envelope, Outcome, RecipientResult
from bot.core.errors import ServerTrouble, Trouble
from bot.core.lists import SmtpAccount
from bot.core.settings import Security
from tests.support.certificates import certificates
from tests.support.patience import WAIT_S
from tests.support.smtp_server import HANG, Dialogue, SmtpServer, SmtpServers, odd_relay
from transports.smtp.sender import SmtpSender

LIST = Address("adherents@amap.example.org")
ANNA, GONE = Address("anna@example.org"), Address("gone@example.org")
MAIL = b"Subject: Panier\r\n\r\nBonjour\r\n"
USERS = {"anne": "s3cret-é"}


@asynccontextmanager
async def sender_for(account: SmtpAccount, **parameters: Any) -> AsyncIterator[SmtpSender]:
    trusting = None if account.security is Security.NONE else certificates().client_context()
    patient = {"tls": trusting, "timeout_s": WAIT_S, "answer_timeout_s": WAIT_S}
    sender = SmtpSender(account, **(patient | parameters))
    try:
        yield sender
    finally:
        await sender.close()


async def trouble_with(account: SmtpAccount, **parameters: Any) -> ServerTrouble:
    async with sender_for(account, **parameters) as sender:
        with pytest.raises(ServerTrouble) as caught:
            await sender.send(Envelope(LIST, (ANNA,)), MAIL)
    assert "s3cret" not in f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"
    assert "127.0.0.1" in str(caught.value) or account.host in str(caught.value)
    return caught.value


async def results_from(dialogue: Dialogue, *recipients: Address, **parameters: Any) -> list[RecipientResult]:
    async with odd_relay(dialogue) as account, sender_for(account, **parameters) as sender:
        return list(await sender.send(Envelope(LIST, recipients or (ANNA,)), MAIL))


def pipelining_relay(*answers: bytes) -> Dialogue:
    """Announces PIPELINING, reads the whole envelope, then says `answers` in one go."""

    async def dialogue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 odd\r\n")
        await reader.readline()
        writer.write(b"250-odd\r\n250 PIPELINING\r\n")
        await reader.readuntil(b"DATA\r\n")
        writer.write(b"".join(answers))
        await reader.readline()

    return dialogue


# Relays that cannot be used: a sentence that says why


async def test_a_wrong_password_is_named_and_offered_once(smtp_servers: SmtpServers) -> None:
    """Three attempts with one wrong password would block the address at many hosts."""
    server = await smtp_servers(security=Security.SSL, users=USERS, mechanisms=("LOGIN", "PLAIN"))
    trouble = await trouble_with(server.account(password="wrong-s3cret"))

    assert trouble.trouble is Trouble.LOGIN
    assert "anne" in str(trouble)
    assert server.commands["AUTH"] == 1


async def test_a_login_by_auth_login_works(smtp_servers: SmtpServers) -> None:
    """Some hosts offer nothing else."""
    server = await smtp_servers(security=Security.SSL, users=USERS, mechanisms=("LOGIN",))
    async with sender_for(server.account()) as sender:
        await sender.check()


async def test_a_relay_without_auth_is_used_without_login(smtp_server: SmtpServer) -> None:
    """Though a user name is given: the list's own serves for both servers."""
    async with sender_for(smtp_server.account(username="anne", password="s3cret")) as sender:
        [result] = await sender.send(Envelope(LIST, (ANNA,)), MAIL)

    assert (result.outcome, smtp_server.taken[0].user) == (Outcome.DELIVERED, "")


async def test_a_relay_that_wants_a_login_nobody_gave_bounces_nobody(smtp_servers: SmtpServers) -> None:
    """530 at MAIL: deferred, and the reply says it."""
    server = await smtp_servers(security=Security.SSL, users=USERS)
    async with sender_for(server.account(username="", password="")) as sender:
        [result] = await sender.send(Envelope(LIST, (ANNA,)), MAIL)

    assert (result.outcome, result.code) == (Outcome.DEFERRED, 530)


async def test_a_temporary_refusal_of_the_login_is_no_wrong_password(smtp_servers: SmtpServers) -> None:
    """454: later may work."""
    server = await smtp_servers(security=Security.SSL, users=USERS)
    server.once["AUTH"].append("454 4.7.0 Temporary authentication failure")

    assert (await trouble_with(server.account())).trouble is Trouble.LOST


@pytest.mark.parametrize("security", [Security.SSL, Security.STARTTLS])
async def test_an_untrusted_certificate_is_refused_before_the_login(
    smtp_servers: SmtpServers, security: Security
) -> None:
    """With the system's authorities, which do not know this server."""
    server = await smtp_servers(security=security, users=USERS)
    trouble = await trouble_with(server.account(), tls=None)

    assert (trouble.trouble, server.commands["AUTH"]) == (Trouble.CERTIFICATE, 0)


@pytest.mark.parametrize("security", [Security.SSL, Security.STARTTLS])
async def test_a_certificate_of_another_host_is_refused(
    smtp_servers: SmtpServers, security: Security
) -> None:
    """Its authority is trusted; its name is not the one asked for."""
    elsewhere = certificates().server_context("mail.example.org")
    server = await smtp_servers(security=security, users=USERS, server_context=elsewhere)

    assert (await trouble_with(server.account())).trouble is Trouble.CERTIFICATE


async def test_a_port_that_does_not_speak_tls_is_named(smtp_server: SmtpServer) -> None:
    """ssl against a server in clear."""
    assert (await trouble_with(smtp_server.account(security=Security.SSL))).trouble is Trouble.TLS


async def test_a_server_without_starttls_is_named(smtp_server: SmtpServer) -> None:
    """Never on in clear instead."""
    trouble = await trouble_with(smtp_server.account(security=Security.STARTTLS))

    assert (trouble.trouble, smtp_server.commands["MAIL"]) == (Trouble.TLS, 0)


async def test_a_closed_port_is_named(smtp_server: SmtpServer, unused_port: int) -> None:
    """Nothing listens there."""
    assert (await trouble_with(smtp_server.account(port=unused_port))).trouble is Trouble.REFUSED


@pytest.mark.parametrize("host", ["relay.invalid", "a" * 70 + ".example.org"])
async def test_a_host_name_that_does_not_exist_is_named(smtp_server: SmtpServer, host: str) -> None:
    """RFC 2606 keeps .invalid free; a label has 63 characters at most."""
    assert (await trouble_with(smtp_server.account(host=host))).trouble is Trouble.NAME


@pytest.mark.parametrize(
    ("greeting", "expected"),
    [
        (b"", Trouble.LOST),
        (b"421 4.3.2 too many connections\r\n", Trouble.LOST),
        (b"554 go away\r\n", Trouble.ANSWER),
        (b"* OK IMAP4rev1 ready\r\n", Trouble.ANSWER),
        (b"HTTP/1.1 400 Bad Request\r\n", Trouble.ANSWER),
    ],
)
async def test_a_greeting_that_is_none_is_named(greeting: bytes, expected: Trouble) -> None:
    """Closed, too busy, refused, another protocol."""

    async def dialogue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await writer.drain()

    async with odd_relay(dialogue) as account:
        assert (await trouble_with(account)).trouble is expected


async def test_a_relay_that_drips_its_greeting_is_given_up() -> None:
    """The limit is for connecting as a whole, not for each octet."""

    async def dialogue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = asyncio.ensure_future(reader.read())
        while not left.done():
            writer.write(b"2")
            await asyncio.wait([left], timeout=0.05)

    async with odd_relay(dialogue) as account:
        assert (await trouble_with(account, timeout_s=0.3)).trouble is Trouble.TIMEOUT


async def test_a_relay_that_never_greets_is_given_up(smtp_servers: SmtpServers) -> None:
    """As where the port wants TLS from the first octet."""
    server = await smtp_servers(security=Security.SSL)

    assert (
        await trouble_with(server.account(security=Security.NONE), timeout_s=0.3)
    ).trouble is Trouble.TIMEOUT


async def test_a_connection_is_not_left_open_by_a_failed_login(smtp_servers: SmtpServers) -> None:
    """Nor by a cancelled one."""
    server = await smtp_servers(security=Security.STARTTLS, users=USERS)
    await trouble_with(server.account(password="wrong-s3cret"))
    await server.wait_until_idle()

    server.once["AUTH"].append(HANG)
    async with sender_for(server.account()) as sender:
        checking = asyncio.create_task(sender.check())
        await asyncio.wait_for(server.hanging.wait(), WAIT_S)
        checking.cancel()
        await asyncio.wait([checking])
        await server.wait_until_idle()


# Announcements


async def test_a_relay_that_knows_helo_only_is_served(smtp_servers: SmtpServers) -> None:
    """No parameters, one command at a time (RFC 5321 section 3.2)."""
    server = await smtp_servers(esmtp=False)
    async with sender_for(server.account()) as sender:
        [result] = await sender.send(Envelope(LIST, (ANNA,)), "Subject: é\r\n\r\n".encode())

    assert (result.outcome, server.taken[0].options) == (Outcome.DELIVERED, ())


async def test_size_and_8bitmime_are_declared_as_the_mail_needs(smtp_server: SmtpServer) -> None:
    """SIZE without dot-stuffing (RFC 1870); BODY only for octets over 127 (RFC 6152)."""
    async with sender_for(smtp_server.account()) as sender:
        await sender.send(Envelope(LIST, (ANNA,)), b"\r\n.\n")
        await sender.send(Envelope(LIST, (ANNA,)), "\r\né".encode())

    assert [mail.options for mail in smtp_server.taken] == [("SIZE=5",), ("SIZE=6", "BODY=8BITMIME")]


async def test_a_mail_over_the_relays_size_bounces_before_it_is_sent(smtp_servers: SmtpServers) -> None:
    """552 to MAIL is about the mail, and no later attempt makes it smaller."""
    server = await smtp_servers(max_octets=1_000)
    async with sender_for(server.account()) as sender:
        [result] = await sender.send(Envelope(LIST, (ANNA,)), b"\r\n" + b"x" * 2_000)

    assert (result.outcome, result.code) == (Outcome.BOUNCED, 552)


async def test_pipelining_can_be_switched_off(smtp_server: SmtpServer) -> None:
    """For relays that announce it and fail at it: after a refused MAIL nothing more is said."""
    smtp_server.once["MAIL"].append("451 later")
    async with sender_for(replace(smtp_server.account(), pipelining=False)) as sender:
        await sender.send(Envelope(LIST, (ANNA,)), MAIL)

    assert smtp_server.commands["RCPT"] == 0


# Answers that no proper relay gives


async def test_octets_before_tls_are_never_taken_for_answers() -> None:
    """STARTTLS injection (RFC 3207 section 4.2): what came in clear behind the 220 does not count."""
    context = certificates().server_context()

    async def dialogue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 odd\r\n")
        await reader.readline()
        writer.write(b"250-odd\r\n250 STARTTLS\r\n")
        await reader.readline()
        writer.write(b"220 go\r\n250-injected\r\n250 AUTH PLAIN\r\n235 welcome\r\n")
        await writer.start_tls(context)
        await reader.readline()
        writer.write(b"250 real\r\n")
        assert (await reader.readline()).startswith(b"MAIL FROM:")
        writer.write(b"451 seen through TLS\r\n")
        await reader.readline()

    async with odd_relay(dialogue) as plain:
        account = replace(plain, security=Security.STARTTLS, username="anne", password="s3cret")
        async with sender_for(account) as sender:
            [result] = await sender.send(Envelope(LIST, (ANNA,)), MAIL)

    assert result.reply == "seen through TLS"


async def test_a_long_answer_becomes_one_line() -> None:
    """The status code on each of its lines is said once; controls are made visible."""
    [result] = await results_from(
        pipelining_relay(
            b"250 ok\r\n",
            b"550-5.1.1 The address does\r\n550-5.1.1 not\x1b exist.\r\n550 5.1.1 Sorry\r\n",
            b"503 no\r\n",
        )
    )

    assert (result.code, result.reply) == (550, "5.1.1 The address does not\ufffd exist. Sorry")


async def test_data_after_nobody_was_accepted_gets_a_lone_dot() -> None:
    """RFC 2920 section 3.1: 354 although every recipient was refused; no content is sent."""
    sent = bytearray()

    async def dialogue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 odd\r\n")
        await reader.readline()
        writer.write(b"250-odd\r\n250 PIPELINING\r\n")
        await reader.readuntil(b"DATA\r\n")
        writer.write(b"250 a\r\n550 no such user\r\n354 go\r\n")
        sent.extend(await reader.readuntil(b".\r\n"))
        writer.write(b"554 no valid recipients\r\n")
        await reader.readline()

    [result] = await results_from(dialogue)

    assert (result.outcome, result.code, bytes(sent)) == (Outcome.BOUNCED, 550, b".\r\n")


@pytest.mark.parametrize(
    "answers",
    [
        b"250 a\r\n250 b\r\n250 c\r\n354 d\r\n250 e\r\n",
        b"250 a\r\n354 b\r\n354 c\r\n250 d\r\n",
        b"354 a\r\n250 b\r\n354 c\r\n250 d\r\n",
        b"250 a\r\nwhat?\r\n",
        b"250 a\r\n999 b\r\n",
        b"250 a\r\n2500 b\r\n",
        b"x" * 100_000,
        b"250-" + b"a\r\n250-" * 20_000,
    ],
    ids=["one too many", "early 354", "354 to MAIL", "prose", "999", "2500", "endless line", "endless reply"],
)
async def test_answers_out_of_step_deliver_nothing(answers: bytes) -> None:
    """A surplus 250 is never taken for the answer to the content."""
    [result] = await results_from(pipelining_relay(answers))

    assert (result.outcome, result.code) == (Outcome.DEFERRED, 0)


async def test_a_success_before_the_end_of_the_content_is_not_believed() -> None:
    """Nor is the mail sent to its end: the answer was to something else."""
    [result] = await results_from(pipelining_relay(b"250 a\r\n250 b\r\n354 c\r\n250 d\r\n"))

    assert result.outcome is Outcome.DEFERRED


async def test_refusals_before_a_reset_are_heard() -> None:
    """The relay leaves with commands unread, so its system resets the connection at once."""

    async def dialogue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 odd\r\n")
        await reader.readline()
        writer.write(b"250-odd\r\n250 PIPELINING\r\n")
        await reader.readexactly(5)
        writer.write(b"250 a\r\n550 no such user\r\n421 leaving\r\n")
        await writer.drain()
        writer.transport.abort()

    refused, deferred = await results_from(dialogue, GONE, ANNA)

    assert (refused.outcome, refused.code) == (Outcome.BOUNCED, 550)
    assert (deferred.outcome, deferred.code, deferred.maybe_taken) == (Outcome.DEFERRED, 421, False)


async def test_a_relay_that_stops_reading_is_given_up() -> None:
    """A large mail does not wait for ever for room on the line; its end was not sent."""

    async def dialogue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 odd\r\n")
        await reader.readline()
        writer.write(b"250-odd\r\n250 PIPELINING\r\n")
        await reader.readuntil(b"DATA\r\n")
        writer.write(b"250 a\r\n250 b\r\n354 c\r\n")
        await asyncio.Event().wait()

    async with odd_relay(dialogue) as account, sender_for(account, timeout_s=1.5) as sender:
        [result] = await sender.send(Envelope(LIST, (ANNA,)), b"\r\n" + b"x" * 30_000_000)

    assert (result.outcome, result.maybe_taken) == (Outcome.DEFERRED, False)
