"""The demonstration's servers, used as facteur uses any other."""

from __future__ import annotations

import asyncio
import email
import email.policy
import imaplib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from bot.core.deliveries import Envelope, Outcome
from bot.core.errors import ServerTrouble, Trouble
from bot.core.lists import MailboxAccount, SmtpAccount
from bot.core.settings import MailProtocol, Security
from bot.demo.mailbox import DemoMailbox, demo_mailbox
from bot.demo.posts import ANNE, KARIM, LIST, MEMBERS, STRANGER, sample_posts
from bot.demo.relay import demo_relay
from tests.support.patience import WAIT_S
from transports.imap.mailbox import ImapMailbox
from transports.smtp.sender import SmtpSender

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
async def box() -> AsyncIterator[DemoMailbox]:
    async with demo_mailbox() as box:
        yield box


def account(box: DemoMailbox, **changes: object) -> MailboxAccount:
    fields: dict[str, object] = {
        "host": box.host,
        "port": box.port,
        "protocol": MailProtocol.IMAP,
        "security": Security.NONE,
        "username": box.username,
        "password": box.password,
        "folders": ("INBOX",),
        "after_intake": "delete",
    }
    return MailboxAccount(**(fields | changes))  # type: ignore[arg-type]  # the fields above


async def test_posts_come_back_as_they_were_delivered_and_are_deleted(box: DemoMailbox) -> None:
    """List, fetch, delete: all that the poller does."""
    posts = sample_posts(NOW)
    for post in posts:
        await box.deliver(post)
    mailbox = ImapMailbox(account(box))

    cursors = await mailbox.listing()
    fetched = [mail async for mail in mailbox.fetch(cursors)]
    assert [mail.raw for mail in fetched] == list(posts)
    assert [mail.error for mail in fetched] == [None] * 3

    await mailbox.settle(cursors[:2])
    assert (await mailbox.listing(), await box.count()) == (cursors[2:], 1)
    await mailbox.close()


async def test_a_delivery_wakes_who_waits(box: DemoMailbox) -> None:
    """IDLE: long before the interval ends."""
    mailbox = ImapMailbox(account(box))
    await mailbox.listing()
    waiting = asyncio.create_task(mailbox.wait(60))

    async with asyncio.timeout(WAIT_S):
        while not waiting.done():
            await box.deliver(sample_posts(NOW)[0])
            await asyncio.wait([waiting], timeout=0.5)

    assert await mailbox.listing()
    await mailbox.close()


async def test_the_password_counts(box: DemoMailbox) -> None:
    """Not even a demonstration lets anybody in."""
    mailbox = ImapMailbox(account(box, password="guess"))
    with pytest.raises(ServerTrouble) as caught:
        await mailbox.listing()
    assert caught.value.trouble is Trouble.LOGIN


async def test_closing_ends_open_connections() -> None:
    """A client that is still there does not hold the demonstration up."""
    async with asyncio.timeout(WAIT_S), demo_mailbox() as box:
        client = await asyncio.to_thread(imaplib.IMAP4, box.host, box.port)
    await asyncio.to_thread(client.shutdown)


async def test_the_relay_keeps_what_it_is_given() -> None:
    """A mail for each transaction, with its recipients; closing does not wait for clients."""
    mail = sample_posts(NOW)[2] + b"x" * 20_000 + b"\r\n"
    async with asyncio.timeout(WAIT_S), demo_relay() as relay:
        sender = SmtpSender(SmtpAccount(relay.host, relay.port, Security.NONE, "", ""), tls=None)
        results = await sender.send(Envelope(LIST, (ANNE.address, KARIM.address)), mail)
        await relay.wait_for(2)
    await sender.close()

    assert [result.outcome for result in results] == [Outcome.DELIVERED] * 2
    assert (relay.taken[0].mail_from, relay.taken[0].raw) == (LIST, mail)
    assert relay.recipients == [ANNE.address, KARIM.address]


def test_the_posts_are_what_they_are_said_to_be() -> None:
    """A member's plain text, a stranger's, and one with HTML, a picture and a document."""
    parsed = [email.message_from_bytes(post, policy=email.policy.default) for post in sample_posts(NOW)]

    assert all(post["To"] == LIST and not post.defects for post in parsed)
    assert [address.addr_spec for post in parsed for address in post["From"].addresses] == [
        ANNE.address,
        STRANGER.address,
        MEMBERS[-1].address,
    ]
    types = [[part.get_content_type() for part in post.walk()] for post in parsed]
    assert types == [
        ["text/plain"],
        ["text/plain"],
        [
            "multipart/mixed",
            "multipart/alternative",
            "text/plain",
            "multipart/related",
            "text/html",
            "image/png",
            "application/pdf",
        ],
    ]
