"""Connection errors become sentences that say what to do."""

from __future__ import annotations

import base64
import errno
import socket
import ssl

import pytest

from bot.core.errors import Trouble
from bot.core.settings import Security
from transports.trouble import QUOTED_CHARACTERS, Server, connection_trouble, login_refused, lost, no_answer

IMAP = Server("IMAP", "mail.example.org", 993, Security.SSL, "adherents@example.org", 'pass"word')


def _wrapped(error: OSError) -> ConnectionError:
    """As aiosmtplib hands on what the system said."""
    outer = ConnectionError("could not connect")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    ("error", "trouble", "hint"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), Trouble.NAME, "spelt"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), Trouble.NAME, "network"),
        (UnicodeError("label too long"), Trouble.NAME, "spelt"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), Trouble.REFUSED, "993 (ssl), 143 (starttls)"),
        (OSError("Multiple exceptions: [Errno 111] ::1, [Errno 111] 127.0.0.1"), Trouble.REFUSED, "993"),
        (TimeoutError(), Trouble.TIMEOUT, "firewall"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), Trouble.TIMEOUT, "cannot be reached"),
        (ConnectionResetError(errno.ECONNRESET, "reset"), Trouble.LOST, "tried again"),
        (ssl.SSLEOFError(8, "EOF occurred"), Trouble.LOST, "tried again"),
        (ssl.SSLError(1, "[SSL: NO_PROTOCOLS_AVAILABLE] none"), Trouble.TLS, "Check port"),
        (ValueError("what is this"), Trouble.ANSWER, "what is this"),
    ],
)
def test_each_error_has_its_kind_and_says_what_to_do(error: Exception, trouble: Trouble, hint: str) -> None:
    said = connection_trouble(error, IMAP)
    assert (said.trouble, hint in str(said)) == (trouble, True), str(said)
    assert "mail.example.org" in str(said)


def test_an_error_that_a_library_wrapped_is_recognised() -> None:
    refused = _wrapped(ConnectionRefusedError(errno.ECONNREFUSED, "refused"))
    assert connection_trouble(refused, IMAP).trouble is Trouble.REFUSED


def test_silence_on_a_tls_port_without_tls_is_explained() -> None:
    """The server waits for our TLS greeting, and we for its own."""
    silent = Server("SMTP", "mail.example.org", 465, Security.STARTTLS)
    assert "smtp_security=ssl" in str(no_answer(silent))


@pytest.mark.parametrize(
    ("words", "trouble", "hint"),
    [
        ("[AUTHENTICATIONFAILED] Invalid credentials", Trouble.LOGIN, "Check user name and password"),
        (
            "[ALERT] Application-specific password required: https://support.google.com/accounts/answer/185833",
            Trouble.APP_LOGIN,
            "An application password is wanted",
        ),
        (
            "[ALERT] Your account is not enabled for IMAP use. Please visit your Gmail settings page",
            Trouble.SWITCHED_OFF,
            "switch IMAP on",
        ),
        ("You are yet to enable IMAP for your account.", Trouble.SWITCHED_OFF, "switch IMAP on"),
        (
            "5.7.139 Authentication unsuccessful, basic authentication is disabled.",
            Trouble.NO_PASSWORDS,
            "No password is taken there",
        ),
        ("LOGIN failed, BasicAuthBlocked", Trouble.NO_PASSWORDS, "No password is taken there"),
    ],
)
def test_a_refused_login_names_the_user_and_what_is_wanted(words: str, trouble: Trouble, hint: str) -> None:
    server = Server("IMAP", "mail.example.org", 993, Security.SSL, "adherents@example.org", "secret")
    said = login_refused(server, words.encode())
    assert said.trouble is trouble
    assert hint in str(said)
    assert "adherents@example.org" in str(said)


@pytest.mark.parametrize(
    "echo",
    [
        'pass"word',
        'pass\\"word',
        base64.b64encode(b'\0adherents@example.org\0pass"word').decode(),
        base64.b64encode(b'pass"word').decode(),
    ],
)
def test_a_password_that_the_server_repeats_is_not_shown(echo: str) -> None:
    said = str(lost(IMAP, f"cannot parse {echo} here"))
    assert echo not in said
    assert "cannot parse **** here" in said


def test_words_of_a_server_are_readable_and_short() -> None:
    quoted = IMAP.quote(b"\x1b[2Jbad\r\n\xff" + b"x" * 1_000)
    assert quoted.isprintable()
    assert len(quoted) == QUOTED_CHARACTERS
