"""Connecting to an IMAP server and logging in, with imap-tools on a client of ours."""

from __future__ import annotations

import ast
import imaplib
import re
import ssl
from collections.abc import Callable

from imap_tools import BaseMailBox, MailboxLoginError, UnexpectedCommandStatusError
from typing_extensions import override

from bot.core.settings import Security
from transports.imap.client import Client, TlsClient
from transports.threads import Limits
from transports.trouble import Server, login_refused, no_starttls, unusable, wants_encryption

_NOT_THE_PASSWORD = re.compile(rb"\[(UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\]", re.IGNORECASE)
"""RFC 5530 section 3: refused for now, whatever the password."""
_REPR = re.compile(r"\[b(['\"]).*\1\]$", re.DOTALL)


class Box(BaseMailBox):
    """imap-tools, whatever the security."""

    client: Client

    def __init__(self, client: Client) -> None:
        self._connected = client
        super().__init__()

    @override
    def _get_mailbox_client(self) -> Client:
        return self._connected


def connect(
    server: Server, tls: ssl.SSLContext | None, limits: Limits, opened: Callable[[Client], None]
) -> Box:
    """A connection that is encrypted as `server` says, greeting read, nobody logged in."""
    host, port = server.host, server.port
    if server.security is Security.SSL:
        context = tls or ssl.create_default_context()
        return Box(TlsClient(host, port, limits, opened, ssl_context=context))
    client = Client(host, port, limits, opened)
    if server.security is Security.STARTTLS:
        if "STARTTLS" not in client.capabilities:
            raise no_starttls(server)
        client.starttls(ssl_context=tls or ssl.create_default_context())
    return Box(client)


def log_in(box: Box, server: Server) -> frozenset[str]:
    """Log in; what the server can do now, which is often more than it said before."""
    if "LOGINDISABLED" in box.client.capabilities:
        raise wants_encryption(server)  # RFC 3501 section 6.2.3: the password must not be sent
    try:
        if (server.username + server.password).isascii() and (
            server.username + server.password
        ).isprintable():
            box.login(server.username, server.password, initial_folder=None)
        else:  # a quoted string holds neither (RFC 3501 section 4.3); SASL PLAIN takes UTF-8
            box.login_utf8(server.username, server.password, initial_folder=None)
    except imaplib.IMAP4.abort:
        raise
    except (imaplib.IMAP4.error, MailboxLoginError) as error:
        words = words_of(error)
        refused = unusable if _NOT_THE_PASSWORD.search(words) else login_refused
        raise refused(server, words) from None
    _, answer = box.client.capability()
    return frozenset(b" ".join(part for part in answer if part).decode("ascii", "replace").upper().split())


def words_of(error: Exception) -> bytes:
    """The server's own words in what imaplib or imap-tools raised.

    imaplib writes them into its text as Python would, ``BAD [b'...']``: read as Python reads, so
    that a password among them is recognised.
    """
    if isinstance(error, UnexpectedCommandStatusError):
        parts = error.command_result[1]
    else:
        said = error.args[0] if error.args else b""
        text = said if isinstance(said, bytes) else str(said).encode("utf-8", "replace")
        written = _REPR.search(text.decode("utf-8", "replace"))
        parts = ast.literal_eval(written[0]) if written else [text]
    return b" ".join(part for part in parts if isinstance(part, bytes))
