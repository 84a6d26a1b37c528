"""What a person who set up a POP3 mailbox wrongly is told; and settings that are unusual but right."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.core.errors import ServerTrouble, Trouble
from bot.core.lists import MailboxAccount
from bot.core.settings import MailProtocol, Security
from tests.support.certificates import certificates
from tests.support.dovecot import Account, Dovecot
from tests.support.patience import WAIT_S
from tests.support.scripted_pop3 import ScriptedPop3, scripted_pop3
from transports.pop3.mailbox import Pop3Mailbox


@pytest.fixture
async def server() -> AsyncIterator[ScriptedPop3]:
    """A correct server until a test teaches it otherwise."""
    async with scripted_pop3() as found:
        yield found


def on(dovecot: Dovecot, security: Security = Security.SSL, user: Account | None = None) -> MailboxAccount:
    return dovecot.mailbox_account(user or dovecot.add_user(), security, protocol=MailProtocol.POP3)


async def trouble_with(
    account: MailboxAccount, tls: ssl.SSLContext | None = None, *, silence_s: float = WAIT_S
) -> ServerTrouble:
    mailbox = Pop3Mailbox(account, tls=tls or certificates().client_context(), timeout_s=silence_s)
    with pytest.raises(ServerTrouble) as raised:
        await mailbox.listing()
    assert account.password not in str(raised.value)
    return raised.value


async def test_a_host_name_that_does_not_exist(dovecot: Dovecot) -> None:
    said = await trouble_with(replace(on(dovecot), host="no..such.host"))
    assert said.trouble is Trouble.NAME
    assert "no..such.host" in str(said)


async def test_no_host_at_all(dovecot: Dovecot) -> None:
    assert (await trouble_with(replace(on(dovecot), host=""))).trouble is Trouble.NAME


async def test_a_server_of_another_kind(dovecot: Dovecot) -> None:
    said = await trouble_with(replace(on(dovecot, Security.NONE), port=dovecot.imap))
    assert said.trouble is Trouble.ANSWER
    assert "really speaks POP3" in str(said)


async def test_tls_on_a_port_without(dovecot: Dovecot) -> None:
    said = await trouble_with(replace(on(dovecot), port=dovecot.pop3))
    assert said.trouble is Trouble.TLS
    assert "110 (starttls)" in str(said)


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.NONE])
async def test_no_tls_on_a_port_that_wants_it(dovecot: Dovecot, security: Security) -> None:
    said = await trouble_with(replace(on(dovecot, security), port=dovecot.pop3s), silence_s=0.5)
    assert said.trouble is Trouble.TIMEOUT


@pytest.mark.parametrize("answer", [None, b"-ERR unknown command\r\n"])
async def test_stls_where_it_is_not_offered(server: ScriptedPop3, answer: bytes | None) -> None:
    if answer:
        server.answer("CAPA", answer)
    said = await trouble_with(server.account(Security.STARTTLS))
    assert said.trouble is Trouble.TLS
    assert "does not offer STARTTLS" in str(said)
    assert server.commands == ["CAPA"]


async def test_no_password_is_sent_in_clear_to_a_server_that_forbids_it(server: ScriptedPop3) -> None:
    """RFC 2595 section 2.1: it offers encryption, and no login without."""
    server.capabilities = "STLS UIDL"
    said = await trouble_with(server.account())
    assert said.trouble is Trouble.TLS
    assert server.commands == ["CAPA"]


async def test_a_user_name_that_is_refused_for_want_of_encryption_sends_no_password(
    server: ScriptedPop3,
) -> None:
    server.answer("USER", b"-ERR Plaintext authentication disallowed on non-secure connections.\r\n")
    said = await trouble_with(server.account())
    assert said.trouble is Trouble.TLS
    assert "security=ssl or starttls" in str(said)
    assert server.commands == ["CAPA", "USER list@example.test"]


@pytest.mark.parametrize("security", [Security.SSL, Security.STARTTLS])
async def test_a_certificate_that_nobody_trusted_has_signed(dovecot: Dovecot, security: Security) -> None:
    said = await trouble_with(on(dovecot, security), ssl.create_default_context())
    assert said.trouble is Trouble.CERTIFICATE


@pytest.mark.parametrize("password", ["wrong", "", "faux é"])
async def test_a_wrong_password_names_the_user(dovecot: Dovecot, password: str) -> None:
    account = replace(on(dovecot), password=password)
    mailbox = Pop3Mailbox(account, tls=certificates().client_context())
    with pytest.raises(ServerTrouble) as raised:
        await mailbox.listing()
    assert raised.value.trouble is Trouble.LOGIN
    assert account.username in str(raised.value)
    assert "Check user name and password" in str(raised.value)


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (b"-ERR [AUTH] s3cret pass refused\r\n", Trouble.LOGIN),
        (b"-ERR account locked, s3cret pass\r\n", Trouble.LOGIN),
        (b"-ERR [SYS/TEMP] s3cret pass not now\r\n", Trouble.ANSWER),
        (b"-ERR [IN-USE] Do you have another POP session running? s3cret pass\r\n", Trouble.IN_USE),
        (b"-ERR [LOGIN-DELAY] minimum time between logins, s3cret pass\r\n", Trouble.IN_USE),
        (b"-ERR maildrop already locked, s3cret pass\r\n", Trouble.IN_USE),
        (b"nonsense s3cret pass\r\n", Trouble.ANSWER),
    ],
)
async def test_a_refusal_is_understood_and_a_password_that_the_server_repeats_is_not_shown(
    server: ScriptedPop3, answer: bytes, trouble: Trouble
) -> None:
    server.answer("PASS", answer)
    said = await trouble_with(server.account())
    assert said.trouble is trouble
    assert "****" in str(said)


async def test_a_mailbox_that_another_program_uses_is_tried_again(server: ScriptedPop3) -> None:
    server.answer("PASS", b"-ERR [IN-USE] locked\r\n", times=1)
    mailbox = Pop3Mailbox(server.account(), timeout_s=WAIT_S)
    with pytest.raises(ServerTrouble, match="in use by another program"):
        await mailbox.listing()
    assert await mailbox.listing() == []
    await mailbox.close()


async def test_a_server_with_too_many_connections_says_so_in_its_greeting(server: ScriptedPop3) -> None:
    server.greeting = (b"-ERR too many connections, come back later\r\n",)
    said = await trouble_with(server.account())
    assert said.trouble is Trouble.LOST
    assert "come back later" in str(said)


@pytest.mark.parametrize("password", ["a\r\nQUIT", "a\nDELE 1", "a\0b"])
async def test_no_password_becomes_a_command(server: ScriptedPop3, password: str) -> None:
    said = await trouble_with(replace(server.account(), password=password))
    assert said.trouble is Trouble.LOGIN
    assert "control characters" in str(said)
    assert server.commands == ["CAPA"]


@pytest.mark.parametrize("password", ['quo"ted \\ pass', "mot de passe été €"])
async def test_passwords_with_any_characters_log_in(dovecot: Dovecot, password: str) -> None:
    account = on(dovecot, user=dovecot.add_user(password))
    mailbox = Pop3Mailbox(account, tls=certificates().client_context())
    assert await mailbox.listing() == []
    await mailbox.close()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"folders": ("INBOX", "Liste")}, "folder=INBOX"),
        ({"after_intake": "move:Taken"}, "after_intake=delete"),
    ],
)
async def test_what_pop3_cannot_do_is_told_before_anything_is_taken(
    server: ScriptedPop3, wrong: dict[str, object], says: str
) -> None:
    """Refused when it is set; but a default for all lists may be set later."""
    said = await trouble_with(replace(server.account(), **wrong))  # type: ignore[arg-type]
    assert said.trouble is Trouble.FOLDER
    assert says in str(said)
    assert server.connections == 0
