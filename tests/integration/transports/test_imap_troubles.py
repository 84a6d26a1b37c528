"""What a person who set up a mailbox wrongly is told; and settings that are unusual but right."""

from __future__ import annotations

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.errors import ServerTrouble, Trouble
from bot.core.lists import MailboxAccount
from bot.core.posts import Cursor
from bot.core.settings import Security
from tests.support.certificates import certificates
from tests.support.dovecot import Dovecot
from tests.support.patience import WAIT_S
from tests.support.scripted_imap import scripted_imap
from transports.imap.mailbox import ImapMailbox

RAW = b"Subject: one\r\n\r\nbody\r\n"


async def trouble_with(
    account: MailboxAccount, tls: ssl.SSLContext | None = None, *, silence_s: float = WAIT_S
) -> ServerTrouble:
    mailbox = ImapMailbox(account, tls=tls or certificates().client_context(), timeout_s=silence_s)
    with pytest.raises(ServerTrouble) as raised:
        await mailbox.listing()
    assert account.password not in str(raised.value)
    return raised.value


async def test_a_host_name_that_does_not_exist(dovecot: Dovecot) -> None:
    account = replace(dovecot.mailbox_account(dovecot.add_user()), host="no..such.host")
    said = await trouble_with(account)
    assert said.trouble is Trouble.NAME
    assert "no..such.host" in str(said)


async def test_no_host_at_all(dovecot: Dovecot) -> None:
    """Python would take it for this machine."""
    said = await trouble_with(replace(dovecot.mailbox_account(dovecot.add_user()), host=""))
    assert said.trouble is Trouble.NAME


async def test_a_wrong_port_names_the_usual_ones(dovecot: Dovecot, unused_port: int) -> None:
    said = await trouble_with(replace(dovecot.mailbox_account(dovecot.add_user()), port=unused_port))
    assert said.trouble is Trouble.REFUSED
    assert f"port {unused_port}" in str(said)
    assert "993 (ssl), 143 (starttls)" in str(said)


async def test_a_server_of_another_kind(dovecot: Dovecot) -> None:
    account = dovecot.mailbox_account(dovecot.add_user(), Security.NONE)
    said = await trouble_with(replace(account, port=dovecot.pop3))
    assert said.trouble is Trouble.ANSWER
    assert "really speaks IMAP" in str(said)


async def test_tls_on_a_port_without(dovecot: Dovecot) -> None:
    account = replace(dovecot.mailbox_account(dovecot.add_user()), port=dovecot.imap)
    said = await trouble_with(account)
    assert said.trouble is Trouble.TLS
    assert "security=starttls" in str(said)


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.NONE])
async def test_no_tls_on_a_port_that_wants_it(dovecot: Dovecot, security: Security) -> None:
    """Both sides wait for the other to speak first."""
    account = dovecot.mailbox_account(dovecot.add_user(), security)
    said = await trouble_with(replace(account, port=dovecot.imaps), silence_s=0.5)
    assert said.trouble is Trouble.TIMEOUT
    assert f"port {dovecot.imaps}" in str(said)


async def test_starttls_where_it_is_not_offered() -> None:
    async with scripted_imap() as server:
        said = await trouble_with(server.account(Security.STARTTLS))
    assert said.trouble is Trouble.TLS
    assert "does not offer STARTTLS" in str(said)


async def test_no_password_is_sent_in_clear_to_a_server_that_forbids_it() -> None:
    async with scripted_imap() as server:
        server.capabilities = "LOGINDISABLED"
        said = await trouble_with(server.account(Security.NONE))
        assert said.trouble is Trouble.TLS
        assert server.commands == ["CAPABILITY"]


@pytest.mark.parametrize("security", [Security.SSL, Security.STARTTLS])
async def test_a_certificate_that_nobody_trusted_has_signed(dovecot: Dovecot, security: Security) -> None:
    account = dovecot.mailbox_account(dovecot.add_user(), security)
    said = await trouble_with(account, ssl.create_default_context())
    assert said.trouble is Trouble.CERTIFICATE
    assert "trusts" in str(said) or "self-signed" in str(said)


async def test_a_certificate_for_another_name() -> None:
    async with scripted_imap(certificates().server_context("mail.example.org")) as server:
        said = await trouble_with(server.account(Security.SSL))
    assert said.trouble is Trouble.CERTIFICATE
    assert "another name" in str(said)


async def test_a_certificate_that_has_expired() -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificates().authority.issue_cert(
        "localhost", not_before=yesterday - timedelta(days=9), not_after=yesterday
    ).configure_cert(context)
    async with scripted_imap(context) as server:
        said = await trouble_with(server.account(Security.SSL))
    assert said.trouble is Trouble.CERTIFICATE
    assert "renew" in str(said)


@pytest.mark.parametrize("password", ["wrong", "", "faux é"])
async def test_a_wrong_password_names_the_user(dovecot: Dovecot, password: str) -> None:
    account = dovecot.mailbox_account(dovecot.add_user())
    mailbox = ImapMailbox(replace(account, password=password), tls=certificates().client_context())
    with pytest.raises(ServerTrouble) as raised:
        await mailbox.listing()
    assert raised.value.trouble is Trouble.LOGIN
    assert account.username in str(raised.value)
    assert "Check user name and password" in str(raised.value)


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (b"TAG NO LOGIN s3cret pass refused\r\n", Trouble.LOGIN),
        (b'TAG BAD cannot parse "s3cret pass"\r\n', Trouble.LOGIN),
        (b"TAG NO [UNAVAILABLE] s3cret pass not now\r\n", Trouble.ANSWER),
        (b"* BYE s3cret pass is wrong\r\n", Trouble.LOST),
        (b"nonsense s3cret pass\r\n", Trouble.ANSWER),
    ],
)
async def test_a_password_that_the_server_repeats_is_not_shown(answer: bytes, trouble: Trouble) -> None:
    async with scripted_imap() as server:
        server.answer("LOGIN", answer)
        said = await trouble_with(server.account())
    assert said.trouble is trouble
    assert "****" in str(said)


@pytest.mark.parametrize("password", ['quo"ted \\ pass', "mot de passe été €"])
async def test_passwords_with_any_characters_log_in(dovecot: Dovecot, password: str) -> None:
    account = dovecot.add_user(password)
    mailbox = ImapMailbox(dovecot.mailbox_account(account), tls=certificates().client_context())
    assert await mailbox.listing() == []
    await mailbox.close()


async def test_a_folder_that_is_not_there_is_named_with_those_that_are(dovecot: Dovecot) -> None:
    user = dovecot.add_user()
    with dovecot.client(user) as client:
        for number in range(12):
            client.create(f"F{number}")
    said = await trouble_with(dovecot.mailbox_account(user, folders=("INBOX", "Liste")))
    assert said.trouble is Trouble.FOLDER
    assert "no folder Liste" in str(said)
    assert str(said).count("F") == 7 + 1  # and INBOX; "F" of "The folders" is small
    assert "…" in str(said)


async def test_a_folder_to_move_to_that_is_not_there_is_told_before_anything_is_taken(
    dovecot: Dovecot,
) -> None:
    user = dovecot.add_user()
    dovecot.deliver(user, RAW)
    said = await trouble_with(dovecot.mailbox_account(user, after_intake="move:Taken"))
    assert said.trouble is Trouble.FOLDER
    assert "no folder Taken" in str(said)
    assert "INBOX" in str(said)
    with dovecot.client(user) as client:
        assert "Taken" not in str(client.list())  # nothing is created


async def test_moving_into_a_folder_that_is_read_is_refused(dovecot: Dovecot) -> None:
    said = await trouble_with(dovecot.mailbox_account(dovecot.add_user(), after_intake="move:INBOX"))
    assert said.trouble is Trouble.FOLDER


async def test_several_folders_with_accents_are_read_over_one_connection(dovecot: Dovecot) -> None:
    user = dovecot.add_user()
    with dovecot.client(user) as client:
        client.create('"Ind&AOk-sirables & co"'.replace("& co", "&- co"))
    dovecot.deliver(user, RAW)
    dovecot.deliver(user, RAW.replace(b"one", b"two"), '"Ind&AOk-sirables &- co"')
    folders = ("INBOX", "Indésirables & co")
    mailbox = ImapMailbox(dovecot.mailbox_account(user, folders=folders), tls=certificates().client_context())

    listed = await mailbox.listing()
    mails = [mail async for mail in mailbox.fetch(listed)]
    await mailbox.settle([Cursor(folders[1], listed[1].validity, "1")])

    assert folders == tuple(cursor.folder for cursor in listed)
    assert [mail.raw[9:12] for mail in mails] == [b"one", b"two"]
    assert [folders[0]] == [cursor.folder for cursor in await mailbox.listing()]
    await mailbox.close()


async def test_a_folder_that_may_only_be_read_says_so_unless_mails_are_kept() -> None:
    async with scripted_imap() as server:
        server.answer("SELECT", b"* OK [UIDVALIDITY 7] x\r\nTAG OK [READ-ONLY] yours to look at\r\n")
        said = await trouble_with(server.account())
        assert said.trouble is Trouble.FOLDER
        assert "after_intake=keep" in str(said)
        mailbox = ImapMailbox(server.account(after_intake="keep"))
        assert await mailbox.listing() == []
        await mailbox.close()
