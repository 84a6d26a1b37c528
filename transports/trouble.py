"""Why a mail server could not be used: library and system errors as sentences that say what to do."""

from __future__ import annotations

import base64
import errno
import re
import socket
import ssl
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from bot.core.errors import ServerTrouble, Trouble, UnknownCertificate
from bot.core.header import readable
from bot.core.lists import server_name
from bot.core.settings import Security
from bot.core.text import N_, Text, fingerprint
from transports.certificates import told
from transports.pinning import NotPinned

ServiceName: TypeAlias = Literal["IMAP", "POP3", "SMTP"]

QUOTED_CHARACTERS = 200
"""How much of a server's own words is shown to people."""

_USUAL_PORTS = {
    "IMAP": "993 (ssl), 143 (starttls)",
    "POP3": "995 (ssl), 110 (starttls)",
    "SMTP": "465 (ssl), 587 (starttls), 25 (none)",
}
_HUNG_UP = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
_TLS_PORTS = (993, 995, 465)
_UNREACHABLE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.ENETDOWN)
_TRY_AGAIN = (socket.EAI_AGAIN, socket.EAI_FAIL)
_NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL", "HTTP_REQUEST")

# OpenSSL's X509_V_ERR_* numbers, which `ssl` passes on without names.
_CERTIFICATE_DATES = (9, 10)
_CERTIFICATE_SELF_SIGNED = (18, 19)
_CERTIFICATE_ISSUER = (20, 21)
_CERTIFICATE_NAME = (62, 64)

_REFUSALS = {
    Trouble.SWITCHED_OFF: re.compile(
        r"not enabled for (imap|pop)|enable (imap|pop)|(imap|pop)3?( access)? is disabled", re.IGNORECASE
    ),
    Trouble.NO_PASSWORDS: re.compile(
        r"basic ?auth\w*( is)? (disabled|blocked)|basicauth\w*blocked|5\.7\.139", re.IGNORECASE
    ),
    Trouble.APP_LOGIN: re.compile(
        r"app(lication)?([- ]specific)?[- ]password|mot de passe d.application"
        r"|log ?in (to your account )?via (your |a )?web",
        re.IGNORECASE,
    ),
}
_ADVICE = {
    Trouble.SWITCHED_OFF: N_("The mailbox lets no other program in yet: switch IMAP on in its settings."),
    Trouble.NO_PASSWORDS: N_("No password is taken there, whatever program it comes from."),
    Trouble.APP_LOGIN: N_(
        "An application password is wanted instead of the usual one: make one in the security settings "
        "of the account."
    ),
    Trouble.LOGIN: N_("Check user name and password."),
}


@dataclass(frozen=True, slots=True)
class Server:
    """What a client wants to talk to, as the sentences name it; the password is never shown."""

    service: ServiceName
    host: str
    port: int
    security: Security
    username: str = ""
    password: str = field(default="", repr=False)

    def quote(self, words: str | bytes) -> str:
        """The server's own words, fit for people: readable, short, without the password.

        Servers have been seen to repeat the command that they refuse, so the password is looked
        for as it is and as SASL PLAIN and LOGIN write it (RFC 4616).
        """
        text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
        for secret in self._secrets():
            text = text.replace(secret, "****")
        text = " ".join(readable(text).split())
        return text if len(text) <= QUOTED_CHARACTERS else text[: QUOTED_CHARACTERS - 1] + "…"

    def _secrets(self) -> list[str]:
        if not self.password:
            return []
        plain = f"\0{self.username}\0{self.password}"
        coded = [base64.b64encode(secret.encode()).decode() for secret in (plain, self.password)]
        escaped = self.password.replace("\\", "\\\\").replace('"', '\\"')
        return [*coded, escaped, self.password]

    def setting(self, name: str) -> str:
        """The list setting that mends this server: ``security``, or ``smtp_security``."""
        return f"smtp_{name}" if self.service == "SMTP" else name


def connection_trouble(error: BaseException, server: Server) -> ServerTrouble:
    """What went wrong with the connection itself: name, port, silence, TLS, certificate, loss.

    Args:
        error: an OSError, or a library's exception with one as its cause.
        server: whom it was about.
    """
    match _innermost(error):
        case socket.gaierror() | UnicodeError() as unknown:  # a name that IDNA cannot write
            return _unknown_name(unknown, server)
        case ssl.SSLCertVerificationError() as untrusted:
            return _untrusted(untrusted, server)
        case ssl.SSLError() as broken if not isinstance(broken, _HUNG_UP):
            return _no_tls(broken, server)
        case TimeoutError():
            return no_answer(server)
        case OSError() as failed:
            return _unreachable(failed, server)
        case _:
            return unusable(server, str(error))


def no_answer(server: Server) -> ServerTrouble:
    """Nothing came within the time limit."""
    if server.security is not Security.SSL and server.port in _TLS_PORTS:
        text = Text(
            "{host} does not answer on port {port}. That port usually wants {setting}=ssl.",
            host=server.host,
            port=str(server.port),
            setting=server.setting("security"),
        )
    else:
        text = Text(
            "{host} does not answer on port {port}. Check both; if they are right, the server is "
            "overloaded or a firewall is in the way.",
            host=server.host,
            port=str(server.port),
        )
    return ServerTrouble(Trouble.TIMEOUT, text)


def lost(server: Server, words: str | bytes = "") -> ServerTrouble:
    """The connection broke; `words` are the server's last, if it said why."""
    if quoted := server.quote(words):
        text = Text(
            "{host} closed the connection and said: {words}. It will be tried again.",
            host=server.host,
            words=quoted.rstrip("."),
        )
    else:
        text = Text("The connection to {host} broke off. It will be tried again.", host=server.host)
    return ServerTrouble(Trouble.LOST, text)


def unusable(server: Server, words: str | bytes) -> ServerTrouble:
    """The server answered, but not in a way that helps."""
    text = Text(
        "{host}, port {port}, gave an answer that facteur cannot use: {words}. If this goes on, check "
        "that it really speaks {service}, or ask whoever runs it.",
        host=server.host,
        port=str(server.port),
        words=server.quote(words).rstrip("."),
        service=server.service,
    )
    return ServerTrouble(Trouble.ANSWER, text)


def no_starttls(server: Server) -> ServerTrouble:
    """STARTTLS was wanted and is not offered."""
    text = Text(
        "{host} does not offer STARTTLS on port {port}. Try {setting}=ssl; the usual ports are {ports}.",
        host=server.host,
        port=str(server.port),
        setting=server.setting("security"),
        ports=_USUAL_PORTS[server.service],
    )
    return ServerTrouble(Trouble.TLS, text)


def wants_encryption(server: Server) -> ServerTrouble:
    """The server takes no password over a connection in clear (IMAP LOGINDISABLED)."""
    text = Text(
        "{host} takes no password over an unencrypted connection. Set {setting}=ssl or starttls; "
        "the usual ports are {ports}.",
        host=server.host,
        setting=server.setting("security"),
        ports=_USUAL_PORTS[server.service],
    )
    return ServerTrouble(Trouble.TLS, text)


def login_refused(server: Server, words: str | bytes) -> ServerTrouble:
    """User name or password are wrong, or the words say that it is something else."""
    said = server.quote(words).rstrip(".")
    trouble, advice = _refusal(said)
    text = Text(
        "{host} refuses the login of {username} and says: {words}. {advice}",
        host=server.host,
        username=server.username,
        words=said,
        advice=advice,
    )
    return ServerTrouble(trouble, text)


def _refusal(said: str) -> tuple[Trouble, Text]:
    """What a refusal is about, and what to do: how mailbox providers word it, the most telling first."""
    told = next((kind for kind, words in _REFUSALS.items() if words.search(said)), Trouble.LOGIN)
    return told, Text(_ADVICE[told])


def in_use(server: Server, words: str | bytes) -> ServerTrouble:
    """Somebody else is logged in to a POP3 mailbox, or was a moment ago (RFC 2449 section 8.1)."""
    text = Text(
        "The mailbox of {username} at {host} is in use by another program, and the server says: "
        "{words}. It will be tried again; if this goes on, find out who else fetches that mail.",
        username=server.username,
        host=server.host,
        words=server.quote(words).rstrip("."),
    )
    return ServerTrouble(Trouble.IN_USE, text)


def _innermost(error: BaseException) -> BaseException:
    """Libraries wrap what happened: the last cause that says something about a connection."""
    found = error
    while (cause := error.__cause__) is not None:
        error = cause
        if isinstance(error, OSError | UnicodeError):
            found = error
    return found


def _unknown_name(error: OSError | UnicodeError, server: Server) -> ServerTrouble:
    if isinstance(error, OSError) and error.errno in _TRY_AGAIN:
        text = Text(
            "The name {host} cannot be looked up just now. If this goes on, check the host name and "
            "this machine's network.",
            host=server.host,
        )
    else:
        text = Text("There is no server called {host}. Check how the host name is spelt.", host=server.host)
    return ServerTrouble(Trouble.NAME, text)


def _unreachable(error: OSError, server: Server) -> ServerTrouble:
    number = _number(error)
    if number == errno.ECONNREFUSED:
        text = Text(
            "{host} refuses connections on port {port}. The usual ports for {service} are {ports}.",
            host=server.host,
            port=str(server.port),
            service=server.service,
            ports=_USUAL_PORTS[server.service],
        )
        return ServerTrouble(Trouble.REFUSED, text)
    if number in _UNREACHABLE:
        text = Text("{host} cannot be reached. Check the host name and the network.", host=server.host)
        return ServerTrouble(Trouble.TIMEOUT, text)
    if number == errno.ETIMEDOUT:
        return no_answer(server)
    return lost(server)


def _number(error: OSError) -> int | None:
    """The errno; asyncio hides it in the text when several addresses of a host failed."""
    hidden = re.search(r"\[Errno (\d+)\]", str(error))
    return error.errno or (int(hidden[1]) if hidden else None)


def _no_tls(error: ssl.SSLError, server: Server) -> ServerTrouble:
    reason = getattr(error, "reason", None) or ""  # missing where no OpenSSL call failed
    if reason in _NOT_TLS:
        text = Text(
            "What answers at {host}, port {port}, does not speak TLS there. Try {setting}=starttls; the "
            "usual ports are {ports}.",
            host=server.host,
            port=str(server.port),
            setting=server.setting("security"),
            ports=_USUAL_PORTS[server.service],
        )
    else:
        text = Text(
            "No encrypted connection to {host} could be made: {reason}. Check port and "
            "{setting}; the server may also be too old.",
            host=server.host,
            reason=reason.replace("_", " ").lower() or "TLS",
            setting=server.setting("security"),
        )
    return ServerTrouble(Trouble.TLS, text)


def _unknown_certificate(error: NotPinned, server: Server) -> UnknownCertificate:
    name = server_name(server.host, server.port)
    seen, pinned = told(error.certificate), fingerprint(error.pinned)
    if error.pinned:
        text = Text(
            "{server} shows another certificate than the one that is trusted, so nothing was sent there. "
            "Trusted: {pinned}. Shown: {seen}. If whoever runs it has renewed it, an administrator "
            "accepts it by /check LIST accept=yes; if not, somebody is in between.",
            server=name,
            pinned=pinned,
            seen=seen,
        )
    else:
        text = Text(
            "{server} is trusted by its certificate, and none was accepted yet, so nothing was sent "
            "there. It shows {seen}: /check LIST accepts that.",
            server=name,
            seen=seen,
        )
    return UnknownCertificate(text, server=name, seen=error.seen, pinned=error.pinned, told=seen)


def _untrusted(error: ssl.SSLCertVerificationError, server: Server) -> ServerTrouble:
    if isinstance(error, NotPinned):
        return _unknown_certificate(error, server)
    code = getattr(error, "verify_code", None)
    if code in _CERTIFICATE_DATES:
        why = Text("it has expired, or is not valid yet. The provider must renew it")
    elif code in _CERTIFICATE_NAME:
        why = Text("it was made for another name. Use the host name that the provider gives")
    elif code in _CERTIFICATE_SELF_SIGNED:
        why = Text(
            "it is self-signed. Check that this is the right server; then self_signed=yes trusts this very "
            "certificate"
        )
    elif code in _CERTIFICATE_ISSUER:
        why = Text(
            "nobody this machine trusts has signed it. Check that this is the right server; then "
            "self_signed=yes trusts this very certificate"
        )
    else:
        why = Text("{words}", words=server.quote(getattr(error, "verify_message", "") or str(error)))
    text = Text("The certificate of {host} does not verify: {why}.", host=server.host, why=why)
    return ServerTrouble(Trouble.CERTIFICATE, text)
