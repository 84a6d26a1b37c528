"""`self_signed = yes`: the certificate seen first is trusted, another one waits to be accepted."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.settings import MailProtocol, Security
from bot.core.text import fingerprint
from tests.support.certificates import certificates, renew, sha256_of
from tests.support.clock import ManualClock
from tests.support.dovecot import Dovecot
from tests.support.scripted_pop3 import ScriptedPop3, scripted_pop3
from tests.support.smtp_server import SmtpServer, SmtpServers
from tests.support.world import World, mail, opened_world

ANNE = "anne@example.org"


@pytest.fixture
def certificate() -> ssl.SSLContext:
    """What a mailbox's server shows; this system trusts nobody who signed it."""
    return certificates().server_context()


@pytest.fixture
async def mailbox(certificate: ssl.SSLContext) -> AsyncIterator[ScriptedPop3]:
    """A mailbox on a server with that certificate."""
    async with scripted_pop3(certificate) as server:
        yield server


@pytest.fixture
async def relay(smtp_servers: SmtpServers) -> SmtpServer:
    """A relay with a certificate of the same kind."""
    return await smtp_servers(security=Security.SSL, users={"bot": "s3cret"})


async def added(world: World, mailbox: ScriptedPop3, relay: SmtpServer | None = None, **more: str) -> str:
    """What /addlist says for a list with one member on these servers."""
    settings = {
        "self_signed": "yes",
        "protocol": "pop3",
        "host": "localhost",
        "port": str(mailbox.port),
        "security": "ssl",
    }
    if relay:
        login = {"smtp_username": "bot", "smtp_password": "s3cret"}
        settings |= {"smtp_port": str(relay.port), "smtp_security": "ssl"} | login
    said: str = (await world.add_list(**(settings | more)))["text"]
    await world.members(ANNE)
    return said


def shown(context: ssl.SSLContext | None) -> str:
    assert context
    return fingerprint(sha256_of(context))


@pytest.mark.parametrize("protocol", list(MailProtocol))
@pytest.mark.parametrize("security", [Security.SSL, Security.STARTTLS])
async def test_addlist_accepts_the_certificates_and_mail_flows(
    world: World, relay: SmtpServer, protocol: MailProtocol, security: Security
) -> None:
    said = (
        await world.add_list(
            self_signed="yes",
            protocol=protocol.value,
            security=security.value,
            port=str(world.dovecot.port(security, protocol)),
            smtp_port=str(relay.port),
            smtp_security="ssl",
            smtp_username="bot",
            smtp_password="s3cret",
        )
    )["text"]
    await world.members(ANNE)
    assert "❌" not in said
    assert said.count("is trusted by this certificate from now on") == 2
    assert shown(relay.server_context) in said
    assert "from now on" not in await world.said(f"/check {world.name}")

    await world.deliver(mail(author=ANNE))

    assert [taken.recipients for taken in relay.taken] == [(world.address,), (ANNE,)]  # /check wrote itself
    assert relay.taken[1].user == "bot"
    assert await world.trouble() == ""


async def test_another_certificate_of_the_mailbox_stops_it_until_an_administrator_accepts(
    world: World, mailbox: ScriptedPop3, certificate: ssl.SSLContext
) -> None:
    before = shown(certificate)
    assert before in await added(world, mailbox)
    renew(certificate)
    after = shown(certificate)
    mailbox.hold(mail(author=ANNE))
    mailbox.commands.clear()

    await world.pass_()
    refused = await world.refused(f"/check {world.name}")

    for sentence in (await world.trouble(), refused):
        assert f"Trusted: {before}" in sentence
        assert f"Shown: {after}" in sentence
        assert "/check LIST accept=yes" in sentence
    assert mailbox.commands == []

    assert after in await world.said(f"/check {world.name} accept=yes")
    await world.pass_()
    assert await world.trouble() == ""
    assert world.sent_to() == [ANNE]
    assert mailbox.contents == []


async def test_another_certificate_of_the_relay_stops_what_is_due_and_loses_nothing(
    world: World, mailbox: ScriptedPop3, relay: SmtpServer
) -> None:
    await added(world, mailbox, relay)
    assert relay.server_context
    renew(relay.server_context)
    relay.commands.clear()
    mailbox.hold(mail(author=ANNE))

    await world.pass_()
    assert relay.taken == []
    assert "AUTH" not in relay.commands
    assert f"Shown: {shown(relay.server_context)}" in await world.trouble()

    await world.do(f"/check {world.name} accept=yes")
    await world.later(minutes=1)
    assert [taken.recipients for taken in relay.taken] == [(ANNE,)]
    assert await world.trouble() == ""


async def test_what_is_accepted_for_one_list_counts_for_every_list_on_that_server(
    world: World, mailbox: ScriptedPop3, certificate: ssl.SSLContext
) -> None:
    other = world.another()
    await added(world, mailbox)
    assert "from now on" not in await added(other, mailbox)
    renew(certificate)
    await world.do(f"/check {world.name} accept=yes")

    await world.pass_()

    assert await other.trouble() == ""


async def test_without_a_check_nobody_logs_in(world: World, mailbox: ScriptedPop3) -> None:
    """Setting it is not accepting what a server will show some day."""
    said = await added(world, mailbox, self_signed="no")
    assert "self_signed=yes trusts this very certificate" in said
    await world.do(f"/set {world.name} self_signed=yes password=pw")
    mailbox.commands.clear()

    await world.pass_()
    assert "/check LIST accepts that" in await world.trouble()
    assert mailbox.commands == []

    assert "from now on" in await world.said(f"/check {world.name}")
    await world.pass_()
    assert await world.trouble() == ""


async def test_lists_that_verify_certificates_are_not_served_by_a_pin(
    world: World, mailbox: ScriptedPop3
) -> None:
    await added(world, mailbox)
    await world.do(f"/set {world.name} self_signed=no password=pw")
    await world.pass_()
    assert "does not verify" in await world.trouble()
    refused = await world.refused(f"/check {world.name} accept=yes")
    assert "self_signed=yes" in refused


async def test_the_common_account_is_trusted_as_its_lists_trust_it(
    tmp_path: Path, dovecot: Dovecot, relay: SmtpServer, clock: ManualClock
) -> None:
    """Section [smtp] has no setting of its own for that."""
    folder = tmp_path / "data"
    async with opened_world(folder, dovecot, relay, clock, username="bot", password="s3cret") as world:
        checks = world.app.desk.checks
        assert "does not verify" in str((await checks.check_common()).trouble)

        await world.add_list(self_signed="yes")
        assert (await checks.check_common()).trouble is None

        await world.another().add_list()
        assert "does not verify" in str((await checks.check_common()).trouble)
