"""A certificate in words: what people compare before they trust it, whatever somebody wrote into it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.core.text import fingerprint
from transports.certificates import told


def certificate(common_name: str, *hosts: str) -> bytes:
    """One that nobody vouches for, valid until the end of February."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])
    building = (
        x509.CertificateBuilder(name, name, key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 2, 28, tzinfo=UTC))
    )
    if hosts:
        alternative = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        building = building.add_extension(alternative, critical=False)
    return building.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (certificate("", "mail.example.org"), "made for mail.example.org, valid until 2027-02-28"),
        (certificate("other", "a.example", "b.example"), "made for a.example, b.example, valid until"),
        (certificate("", "a.b", "c.d", "e.f", "g.h", "i.j"), "made for a.b, c.d, e.f, +2, valid until"),
        (certificate("nas"), "made for nas, valid until"),
        (certificate("n\r\n✅ all\u202e right" + "x" * 40), "made for n ✅ all"),
        (certificate(""), "made for nobody, valid until"),
    ],
)
def test_it_is_told_for_whom_and_until_when(shown: bytes, words: str) -> None:
    said = str(told(shown))
    assert said.startswith(f"{fingerprint(hashlib.sha256(shown).hexdigest())}, {words}")
    assert "\n" not in said
    assert "\u202e" not in said


def test_what_cannot_be_read_is_told_by_its_fingerprint() -> None:
    assert str(told(b"\x30\x03garbage")) == fingerprint(hashlib.sha256(b"\x30\x03garbage").hexdigest())
