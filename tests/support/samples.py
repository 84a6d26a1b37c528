"""Mails of every shape that reaches a mailbox: each must survive its way through the list."""

from __future__ import annotations

import base64
import quopri
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

FIELDS = b"""\
Received: from a.example.net (a.example.net [192.0.2.1])\r
\tby mx.example.org with ESMTPS;\r
 Tue, 10 Mar 2026 09:00:00 +0100\r
From: Paul Durand <paul@example.net>\r
To: someone@example.com\r
Subject: Les paniers\r
X-Spaced:   kept   as it   is  \r
X-8bit: \xe9t\xe9 \xc3\xa9t\xc3\xa9\r
"""
"""Among them fields that nobody may touch: folded, spaced, in two charsets at once."""

DATED = FIELDS + b"Date: Tue, 10 Mar 2026 09:00:00 +0100\r\n"
WHOLE = DATED + b"Message-ID: <1@example.net>\r\nMIME-Version: 1.0\r\n"

BODY = b"Bonjour \xc3\xa0 tous,\r\nil reste des poireaux.\r\n"
PIXEL = base64.b64decode(
    b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJg"
)


@dataclass(frozen=True, slots=True)
class Sample:
    """A mail, and words that a moderator must find on its card."""

    raw: bytes = field(repr=False)
    shown: str = "il reste des poireaux"


def samples() -> dict[str, Sample]:
    """All of them, by what is special about each."""
    html = "<p>Bonjour à tous, <b>il reste</b> des poireaux.</p>".encode()
    return {
        "plain text": Sample(WHOLE + b"\r\nBonjour,\r\nil reste des poireaux.\r\n"),
        "quoted-printable": Sample(
            _text(b"quoted-printable", _crlf(quopri.encodestring(BODY.replace(b"\r\n", b"\n")))),
            "Bonjour à tous",
        ),
        "base64": Sample(_text(b"base64", _crlf(base64.encodebytes(BODY))), "Bonjour à tous"),
        "8-bit UTF-8": Sample(_text(b"8bit", BODY), "Bonjour à tous"),
        "8-bit Latin-1": Sample(
            _text(b"8bit", BODY.decode().encode("latin-1"), charset=b"iso-8859-1"), "Bonjour à tous"
        ),
        "8-bit, no charset told": Sample(WHOLE + b"\r\n" + BODY.decode().encode("latin-1"), "Bonjour à tous"),
        "HTML with an inline image": Sample(_related(html), "Bonjour à tous, il reste des poireaux."),
        "10 MB attached": Sample(_mixed(_attached(bytes(range(256)) * 29_000)), "paniers.bin"),
        "an enclosed mail": Sample(
            _mixed(_enclosed(WHOLE + b"\r\nLe premier message.\r\n")), "message/rfc822"
        ),
        "an empty body": Sample(WHOLE + b"\r\n", "(empty)"),
        "one long line": Sample(WHOLE + b"\r\n" + b"il reste des poireaux, " * 870 + b"\r\n"),
        "lines that start with dots": Sample(
            WHOLE + b"\r\n.\r\n..\r\n.il reste des poireaux\r\n...\r\n\r\n.\r\nfin\r\n"
        ),
        "blanks at the ends of lines": Sample(
            WHOLE + b"\r\nil reste des poireaux  \r\n-- \r\nPaul\t\r\n \r\n"
        ),
        "no last line end": Sample(WHOLE + b"\r\nBonjour,\r\nil reste des poireaux."),
        "no empty line": Sample(WHOLE.removesuffix(b"\r\n"), "(empty)"),
        "junk before the first field": Sample(
            b"junk of a gateway\r\n" + WHOLE + b"\r\nil reste des poireaux\r\n"
        ),
        "an mbox line before the first field": Sample(
            b"From paul@example.net Tue Mar 10 09:00:00 2026\r\n" + WHOLE + b"\r\nil reste des poireaux\r\n"
        ),
        "no Message-ID": Sample(DATED + b"\r\nil reste des poireaux\r\n"),
        "no Date": Sample(FIELDS + b"Message-ID: <2@example.net>\r\n\r\nil reste des poireaux\r\n"),
        "a Date of 1901": Sample(
            FIELDS + b"Date: Sun, 01 Dec 1901 25:61:00 +9999\r\n\r\nil reste des poireaux\r\n"
        ),
        "a Date that is none": Sample(FIELDS + b"Date: demain \xe0 midi\r\n\r\nil reste des poireaux\r\n"),
        "a boundary that never ends": Sample(
            WHOLE + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
            b"--b  \r\nContent-Type: text/plain\r\n\r\nil reste des poireaux\r\n"
        ),
        "a broken encoding": Sample(
            _text(b"base64", b"aWwgcmVzdGUgZGVzIHBvaXJlYXV4\r\n!!! pas du base64 =\r\n"),
            "il reste des poireaux",
        ),
    }


@cache
def signed() -> bytes:
    """``multipart/signed`` (S/MIME, RFC 8551), signed by a certificate of its own."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.EMAIL_ADDRESS, "paul@example.net")])
    began = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(began)
        .not_valid_after(began + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    part = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + BODY
    options = [pkcs7.PKCS7Options.DetachedSignature]
    builder = pkcs7.PKCS7SignatureBuilder().set_data(part).add_signer(certificate, key, hashes.SHA256())
    signature = _crlf(base64.encodebytes(builder.sign(serialization.Encoding.DER, options)))
    return (
        WHOLE
        + b'Content-Type: multipart/signed; micalg="sha-256"; boundary="sig";\r\n'
        + b' protocol="application/pkcs7-signature"\r\n\r\n'
        + b"This is a signed mail.\r\n--sig\r\n"
        + part
        + b'\r\n--sig\r\nContent-Type: application/pkcs7-signature; name="smime.p7s"\r\n'
        + b"Content-Transfer-Encoding: base64\r\n\r\n"
        + signature
        + b"--sig--\r\n"
    )


def _text(encoding: bytes, body: bytes, *, charset: bytes = b"utf-8") -> bytes:
    kind = b"Content-Type: text/plain; charset=%s\r\nContent-Transfer-Encoding: %s\r\n" % (charset, encoding)
    return WHOLE + kind + b"\r\n" + body


def _related(html: bytes) -> bytes:
    return (
        WHOLE
        + b'Content-Type: multipart/related; boundary="=_r"\r\n\r\n'
        + b"--=_r\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + _crlf(base64.encodebytes(html + b'<img src="cid:1">'))
        + b"--=_r\r\nContent-Type: image/png\r\nContent-ID: <1>\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + _crlf(base64.encodebytes(PIXEL))
        + b"--=_r--\r\n"
    )


def _mixed(part: bytes) -> bytes:
    return (
        WHOLE
        + b'Content-Type: multipart/mixed; boundary="=_m"\r\n\r\n'
        + b"--=_m\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nVoici.\r\n--=_m\r\n"
        + part
        + b"\r\n--=_m--\r\n"
    )


def _attached(content: bytes) -> bytes:
    return (
        b'Content-Type: application/octet-stream; name="paniers.bin"\r\n'
        b'Content-Disposition: attachment; filename="paniers.bin"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n" + _crlf(base64.encodebytes(content))
    )


def _enclosed(mail: bytes) -> bytes:
    return b"Content-Type: message/rfc822\r\nContent-Disposition: inline\r\n\r\n" + mail


def _crlf(text: bytes) -> bytes:
    return text.replace(b"\n", b"\r\n")
