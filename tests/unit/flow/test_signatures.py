"""DKIM signatures verified here: what holds is proof, and a mail that is dear to verify proves nothing."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cache

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from bot.core.authentication import Finding
from bot.core.header import split
from bot.core.ports import Service
from bot.flow.signatures import is_verifiable, verified

FIELDS = b"From: Anne <anne@example.org>\r\nSubject: Les  paniers\r\n"


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 2_048)


def _published() -> str:
    octets = _key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; p={base64.b64encode(octets).decode()}"


def signed(body: bytes, canonicalize: bytes = b"relaxed/relaxed") -> bytes:
    pem = _key().private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    mail = FIELDS + b"\r\n" + body
    header, _, body_way = canonicalize.partition(b"/")
    field: bytes = dkim.sign(mail, b"s", b"example.org", pem, canonicalize=(header, body_way))
    return field + mail


class Names:
    """A name server with one key."""

    def __init__(self, record: str) -> None:
        self.record = record

    async def texts(self, name: str) -> Sequence[str] | None:
        return [self.record] if name == "s._domainkey.example.org" else []

    async def services(self, name: str) -> Sequence[Service] | None:
        return []

    async def exchanges(self, domain: str) -> Sequence[str] | None:
        return []


async def finding(raw: bytes, record: str = "") -> Finding:
    return await verified(Names(record or _published()), raw, split(raw)[0], "example.org")


@pytest.mark.parametrize("canonicalize", [b"relaxed/relaxed", b"relaxed/simple", b"simple/simple"])
@pytest.mark.parametrize(
    "body",
    [
        b"Bonjour,\r\n\r\nil  reste \t des poireaux \t \r\n  \r\n\r\n",
        b"\r\n \r\n",
        b"",
        "été\r\n".encode() * 10_000,
    ],
    ids=["blanks", "empty lines", "empty", "long"],
)
async def test_a_genuine_signature_holds(body: bytes, canonicalize: bytes) -> None:
    raw = signed(body, canonicalize)
    assert await finding(raw) is Finding.GENUINE
    assert await finding(raw + b"x\r\n") is Finding.UNPROVEN
    assert await finding(raw.replace(b"Les  paniers", b"Les poireaux")) is Finding.UNPROVEN


async def test_blanks_count_where_the_signature_says_so() -> None:
    assert await finding(signed(b"a  b\r\n", b"simple/simple").replace(b"a  b", b"a b")) is Finding.UNPROVEN
    assert await finding(signed(b"a  b\r\n").replace(b"a  b", b"a b")) is Finding.GENUINE


async def test_a_run_of_blanks_is_read_in_bounded_time() -> None:
    """A forger writes a hundred thousand of them: dkimpy alone would take a minute for each."""
    raw = signed(b"a b\r\n").replace(b"a b", b"a" + b" \t" * 100_000 + b"b")
    assert await finding(raw) is Finding.GENUINE


async def test_a_mail_that_would_cost_too_much_proves_nothing() -> None:
    """Whoever forges would only have to write much, if it were believed instead."""
    photos = b"QUJD" * 19 + b"\r\n"
    assert is_verifiable(FIELDS + b"\r\n" + photos * 140_000)
    for body in (b"a " * 1_000_001 + b"\r\n", photos * 160_000):
        assert not is_verifiable(FIELDS + b"\r\n" + body)
    raw = signed(b"a\r\n").replace(b"\r\na\r\n", b"\r\na" + b" " * 1_000_001 + b"\r\n")
    assert await finding(raw) is Finding.UNPROVEN
    assert await finding(raw.replace(b"  " * 100, b"")) is Finding.GENUINE


async def test_a_signature_or_key_without_end_is_not_looked_at() -> None:
    raw = signed(b"Bonjour\r\n")
    assert await finding(raw.replace(b"v=1;", b"v=1; x=" + b"y" * 4_000 + b";")) is Finding.UNPROVEN
    assert await finding(raw, _published() + " " * 1_200) is Finding.UNPROVEN
