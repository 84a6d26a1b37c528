"""A list whose servers cannot be used: the reason in words, the list kept, and its state in /lists."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.core.settings import MailProtocol, Security
from tests.support.clock import ManualClock
from tests.support.dovecot import Dovecot
from tests.support.patience import WAIT_S
from tests.support.smtp_server import SmtpServer, SmtpServers
from tests.support.world import World, mail, opened_world
from transports.servers import MailServers

SILENCE_S = 1.5
"""More than what works takes for an answer, also on a machine that is busy."""


@pytest.fixture
async def impatient(
    tmp_path: Path, dovecot: Dovecot, smtp_server: SmtpServer, clock: ManualClock
) -> AsyncIterator[World]:
    """An installation that does not wait long for an answer."""
    servers = MailServers(idle=False, timeout_s=SILENCE_S)
    async with opened_world(tmp_path / "data", dovecot, smtp_server, clock, servers=servers) as world:
        yield world


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


async def badly_added(world: World, **settings: str) -> str:
    """What /addlist says, after seeing that the other commands tell the same and the list is kept."""
    said: str = (await world.add_list(**settings))["text"]

    assert f"{world.address} is a mailing list now" in said
    assert f"The list is kept: mend it with /set {world.name} key=value" in said
    [reason] = [line for line in said.splitlines() if line.startswith("❌")]
    assert reason in await world.refused(f"/check {world.name}")
    trouble = reason.partition(": ")[2]
    assert trouble in await world.trouble()
    assert trouble in await world.said(f"/list {world.name}")
    assert f"⚠️ {world.address}" in await world.said("/lists")
    assert "s3cret" not in said
    return reason


async def mended(world: World, **settings: str) -> None:
    """The list works after /set, and its mail flows."""
    await world.do(f"/set {world.name} " + " ".join(f"{k}={v}" for k, v in settings.items()))
    await world.members("anne@example.org")
    await world.deliver(mail(author="anne@example.org"))

    assert await world.trouble() == ""
    assert f"✅ {world.address}" in await world.said("/lists")
    await world.distribute(1)  # it was there before facteur could look
    assert world.copied_to() == ["anne@example.org"]


async def test_a_wrong_password(world: World) -> None:
    reason = await badly_added(world, password="s3cret-and-wrong")

    assert f"refuses the login of {world.address}" in reason
    assert "Check user name and password" in reason
    await mended(world, password=world.mailbox.password)


async def test_a_wrong_port(world: World, unused_port: int) -> None:
    reason = await badly_added(world, port=str(unused_port))

    assert f"refuses connections on port {unused_port}" in reason
    assert "993 (ssl), 143 (starttls)" in reason
    await mended(world, port=str(world.dovecot.imap), password=world.mailbox.password)


async def test_a_certificate_that_does_not_verify(world: World) -> None:
    reason = await badly_added(world, security="ssl", port=str(world.dovecot.imaps))

    assert "The certificate of localhost does not verify" in reason
    assert "Check that this is the right server" in reason


@pytest.mark.parametrize("way", [(MailProtocol.IMAP, Security.SSL)], ids="-".join, indirect=True)
async def test_a_certificate_that_verifies(world: World) -> None:
    assert "❌" not in (await world.add_list())["text"]
    assert await world.trouble() == ""


async def test_a_host_that_does_not_exist(world: World) -> None:
    reason = await badly_added(world, host="no-such-host.invalid")
    assert "no-such-host.invalid" in reason
    assert "host name" in reason


async def test_a_host_that_never_answers(impatient: World, silent_port: int) -> None:
    """And meanwhile everything else goes on."""
    working = impatient.another()
    await working.add_list()
    await working.members("anne@example.org")

    async with asyncio.timeout(WAIT_S):
        reason = await badly_added(impatient, host="127.0.0.1", port=str(silent_port))
        await working.deliver(mail(author="anne@example.org"))

    assert f"127.0.0.1 does not answer on port {silent_port}" in reason
    assert impatient.copied_to() == ["anne@example.org"]
    assert await working.trouble() == ""
    assert set(working.troubles) == {impatient.address}


async def test_a_folder_that_is_not_there(world: World) -> None:
    """The folders that are there are named, so that a typo is seen."""
    reason = await badly_added(world, folder="INBOX,Liste")
    assert "There is no folder Liste" in reason
    assert "The folders there: INBOX" in reason
    await mended(world, folder="INBOX")


async def test_a_folder_to_move_to_that_is_not_there(world: World) -> None:
    """Told before a mail is taken in, not after."""
    reason = await badly_added(world, after_intake="move:Traités")
    assert "There is no folder Traités" in reason


async def test_no_host_at_all(world: World) -> None:
    said = await world.said(f"/addlist {world.address} description=Adhérents")
    assert f"/set {world.name} host=" in said
    assert "server" in await world.trouble()


async def test_a_wrong_password_of_the_outgoing_server(world: World, smtp_servers: SmtpServers) -> None:
    relay = await smtp_servers(users={"bot": "right"})
    given = {"smtp_port": str(relay.port), "smtp_username": "bot"}

    reason = await badly_added(world, smtp_password="s3cret-and-wrong", **given)

    assert "127.0.0.1 refuses the login of bot" in reason
    await world.do(f"/set {world.name} smtp_password=right")
    assert await world.trouble() == ""
    await world.members("anne@example.org")
    await world.deliver(mail(author="anne@example.org"))
    assert [taken.user for taken in relay.taken] == ["bot"]
    assert await world.trouble() == ""


async def test_an_outgoing_server_without_tls(world: World) -> None:
    reason = await badly_added(world, smtp_security="ssl", smtp_port=str(world.relay.port))
    assert "does not speak TLS" in reason
    assert "smtp_security=starttls" in reason


async def test_trouble_is_told_in_the_words_of_the_reader(
    tmp_path: Path, dovecot: Dovecot, smtp_server: SmtpServer, clock: ManualClock, unused_port: int
) -> None:
    async with opened_world(tmp_path / "data", dovecot, smtp_server, clock, language="fr") as world:
        said = (await world.add_list(port=str(unused_port)))["text"]
        assert f"refuse les connexions sur le port {unused_port}" in said
        assert "refuse les connexions" in await world.said("/lists")


async def test_a_mailbox_that_fails_later_is_reported_once_and_heals_by_itself(world: World) -> None:
    """The provider is away for a while: the list says so, and nothing is lost."""
    await world.add_list()
    await world.members("anne@example.org")
    await world.do(f"/set {world.name} folder=Absent")
    await world.pass_()
    assert "There is no folder Absent" in await world.trouble()

    with world.dovecot.client(world.mailbox) as client:
        client.create("Absent")
    await world.put(mail(author="anne@example.org"), folder="Absent")
    await world.later(minutes=5)

    assert await world.trouble() == ""


async def test_mail_in_another_folder_is_old_mail(world: World) -> None:
    """A folder full of old posts is not sent to everybody because the list reads it from now on."""
    await world.add_list()
    await world.members("anne@example.org")
    with world.dovecot.client(world.mailbox) as client:
        client.create("Archive")
    await world.put(mail(author="anne@example.org"), folder="Archive")

    await world.do(f"/set {world.name} folder=INBOX,Archive")
    await world.deliver()
    assert await world.state(1) == ("held", "first-poll")

    await world.put(mail(author="anne@example.org"), folder="Archive")
    await world.deliver(mail(author="anne@example.org"))
    assert await world.state(2) == await world.state(3) == ("distributed", "member")


async def test_two_lists_cannot_read_one_mailbox(world: World) -> None:
    await world.add_list()
    other = world.another()
    refused = await other.refused(
        f"/addlist {other.address} host=localhost port={world.dovecot.imap} security=none "
        f"username={world.address} password=pw"
    )
    both = " and ".join(sorted([world.address, other.address]))
    assert f"{both} would read the same mailbox" in refused
    assert [row["address"] for row in await world.rows("/lists")] == [world.address]


@pytest.mark.parametrize(
    "twin",
    [
        {"username": "{USER}"},
        {"username": "{user}", "folder": "inbox"},
        {"username": "{user}", "protocol": "imap", "port": "143"},
    ],
)
async def test_two_lists_never_read_one_mailbox(world: World, twin: dict[str, str]) -> None:
    """Logins and INBOX are written in any case: a moderated post would pass through the open list."""
    await world.add_list(moderation="all")
    names = {"USER": world.address.upper(), "user": world.address}
    words = " ".join(f"{key}={value.format(**names)}" for key, value in twin.items())

    refused = await world.refused(f"/addlist bureau@example.test host=localhost moderation=open {words}")

    assert "would read the same mailbox" in refused
    assert [row["address"] for row in await world.rows("/lists")] == [world.address]


async def test_an_alias_of_the_server_is_seen_at_the_first_look(world: World) -> None:
    """The second list is kept, ill, and takes nothing."""
    await world.add_list(moderation="all")
    await world.members("anne@example.org")
    await world.deliver(mail(to=world.address))
    await world.put(mail(to=world.address))
    await world.pass_()
    await world.put(mail(to=world.address))
    account = world.dovecot.mailbox_account(world.mailbox, Security.NONE)
    said = await world.do(
        f"/addlist bureau@example.test host=127.0.0.1 port={account.port} security=none moderation=open "
        f"username={account.username} password={account.password}"
    )

    assert "reads that very mailbox" in said["text"]
    await world.pass_()
    assert [row["healthy"] for row in await world.rows("/lists")] == [False, True]
    assert len(await world.rows("/pending")) == 3
    assert world.copies() == []
