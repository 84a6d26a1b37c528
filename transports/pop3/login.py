"""Logging in to a POP3 server with a password (RFC 1939 section 7), and what a refusal means."""

from __future__ import annotations

import poplib
import re

from bot.core.settings import Security
from transports.pop3.client import Client, is_refusal, words_of
from transports.trouble import Server, in_use, login_refused, unusable, wants_encryption

_IN_USE = re.compile(
    rb"\[(IN-USE|LOGIN-DELAY)\]|\b(mailbox|maildrop|lock)\b.*\b(locked|busy|in use)\b"
    rb"|already (locked|in use)",
    re.IGNORECASE,
)
"""RFC 2449 section 8; older servers say it in words alone."""
_NOT_THE_PASSWORD = re.compile(rb"\[SYS/", re.IGNORECASE)
"""RFC 3206: the server's own trouble."""
_WANTS_TLS = re.compile(rb"plain ?text|\bTLS\b|\bSSL\b|\bSTLS\b|encrypt", re.IGNORECASE)


def log_in(client: Client, server: Server) -> None:
    """USER and PASS. Raises ServerTrouble where the server refuses."""
    if server.security is Security.NONE:
        able = client.capa()
        if "STLS" in able and "USER" not in able:  # RFC 2595 section 2.1: the password must not be sent
            raise wants_encryption(server)
    if not (server.username + server.password).isprintable():
        # A line end in it would be a command of its own.
        raise login_refused(server, "a user name or a password cannot have control characters")
    try:
        client.user(server.username)
        client.pass_(server.password)
    except poplib.error_proto as error:
        if not is_refusal(error):
            raise
        words = words_of(error)
        if _IN_USE.search(words):
            raise in_use(server, words) from None
        if server.security is Security.NONE and _WANTS_TLS.search(words):
            raise wants_encryption(server) from None
        refused = unusable if _NOT_THE_PASSWORD.search(words) else login_refused
        raise refused(server, words) from None
