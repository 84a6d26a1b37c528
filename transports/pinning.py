"""Trusting one certificate by its SHA-256 instead of whoever signed it, before anybody logs in.

A subclass of SSLContext, because imaplib, poplib and aiosmtplib take one each, for TLS from the
first octet as after STARTTLS, on blocking sockets and in asyncio; `sslsocket_class` and
`sslobject_class` are the documented way to be told of a handshake.
"""

from __future__ import annotations

import hashlib
import ssl

from typing_extensions import override


class NotPinned(ssl.SSLCertVerificationError):
    """The server showed `seen`, which is not `pinned`; both SHA-256 in hexadecimal, `pinned` may be empty.

    `certificate` is what it showed (DER).
    """

    def __init__(self, seen: str, pinned: str, certificate: bytes) -> None:
        super().__init__("not the pinned certificate")
        self.seen = seen
        self.certificate = certificate
        self.pinned = pinned


class _PinnedSocket(ssl.SSLSocket):
    @override
    def do_handshake(self, block: bool = False) -> None:
        super().do_handshake(block)
        _require_pinned(self.context, self.getpeercert(binary_form=True))


class _PinnedObject(ssl.SSLObject):
    @override
    def do_handshake(self) -> None:
        super().do_handshake()
        _require_pinned(self.context, self.getpeercert(binary_form=True))


class _PinnedContext(ssl.SSLContext):
    sslsocket_class = _PinnedSocket
    sslobject_class = _PinnedObject
    pin = ""


def pinned(sha256: str) -> ssl.SSLContext:
    """A client's context that trusts the certificate with this SHA-256, and none if it is empty.

    Names, dates and signatures do not matter: the certificate itself was accepted.
    """
    context = _PinnedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.pin = sha256
    return context


def _require_pinned(context: ssl.SSLContext, certificate: bytes | None) -> None:
    assert isinstance(context, _PinnedContext)
    shown = certificate or b""
    seen = hashlib.sha256(shown).hexdigest()
    if seen != context.pin:
        raise NotPinned(seen, context.pin, shown)
