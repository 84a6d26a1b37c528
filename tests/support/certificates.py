"""A certificate authority of the tests' own, and the certificate that their servers share."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path

import trustme

NAMES = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class Certificates:
    """A certificate for `NAMES`, signed by an authority that only `client_context` trusts."""

    authority: trustme.CA = field(default_factory=trustme.CA)

    def server_context(self, *names: str) -> ssl.SSLContext:
        """For a server in this process; `names` other than the usual ones make a wrong certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(*(names or NAMES)).configure_cert(context)
        return context

    def client_context(self) -> ssl.SSLContext:
        """For a client: verifies everything, and trusts this authority alone."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.authority.configure_trust(context)
        return context

    def write(self, folder: Path) -> tuple[Path, Path, Path]:
        """Files for a server in another process: certificate chain, key, authority; PEM."""
        leaf = self.authority.issue_cert(*NAMES)
        chain, key, trusted = folder / "cert.pem", folder / "key.pem", folder / "ca.pem"
        chain.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        key.write_bytes(leaf.private_key_pem.bytes())
        trusted.write_bytes(self.authority.cert_pem.bytes())
        return chain, key, trusted


@cache
def certificates() -> Certificates:
    """The one authority of a test session."""
    return Certificates()


def renew(
    server: ssl.SSLContext,
    *names: str,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
) -> None:
    """From now on the server shows another certificate."""
    authority = certificates().authority
    authority.issue_cert(*(names or NAMES), not_before=not_before, not_after=not_after).configure_cert(server)


def sha256_of(server: ssl.SSLContext) -> str:
    """The SHA-256 of the certificate that a server shows, by a handshake in memory."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server)
    sides = (ours, server.wrap_bio(to_server, to_client, server_side=True))
    for side in sides * 3:
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            pass
    return hashlib.sha256(ours.getpeercert(binary_form=True) or b"").hexdigest()
