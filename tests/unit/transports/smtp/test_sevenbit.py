"""What a relay without 8BITMIME gets: ASCII in the body, and the same mail for whoever reads it."""

from __future__ import annotations

import base64
import email
import email.policy
from email.message import EmailMessage

import pytest

from bot.core.deliveries import Obstacle
from bot.core.header import split
from tests.support.samples import WHOLE, samples, signed
from transports.smtp.sevenbit import seven_bit

EIGHT_BIT = {name: sample.raw for name, sample in samples().items() if not split(sample.raw)[1].isascii()}
CLEARSIGNED = (
    b"-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\n"
    b"L'\xc3\xa9t\xc3\xa9, il reste des poireaux = beaucoup  \r\n\t\r\n- -- \r\n- From moi\r\n.\r\n"
    b"une ligne tr\xc3\xa8s longue qui ne tient pas en soixante-seize caract\xc3\xa8res, pli\xc3\xa9e\t\r\n"
    b" \r\n-----BEGIN PGP SIGNATURE-----\r\n\r\niHUEARYIAB0WIQ==\r\n=abcd\r\n"
    b"-----END PGP SIGNATURE-----\r\n"
)
PLAIN = b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
MIXED = (
    b'Subject: x\r\nDKIM-Signature: v=1\r\nContent-Type: multipart/mixed; boundary="=_b"\r\n'
    b"Content-Transfer-Encoding: 8bit\r\n\r\npr\xc3\xa9ambule\r\n--=_b\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b"\xc3\xa9t\xc3\xa9 \r\n.\r\nFrom moi, qui vous l'avais dit\r\n--=_b\r\n"
    b"Content-Type: text/plain\r\n\r\nascii\r\n--=_b\r\n"
    b"Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n\x89PNG\r\n\x00\xff\r\n--=_b\r\n"
    b"Content-Type: message/rfc822\r\n\r\nSubject: y\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    b"Il y en a d\xc3\xa9j\xc3\xa0 beaucoup\r\n--=_b--\r\n"
)


def seven(mail: bytes) -> bytes:
    """The mail as such a relay gets it."""
    sent = seven_bit(mail)
    assert isinstance(sent, bytes), sent
    assert split(sent)[1].isascii()
    return sent


def contents(mail: bytes) -> list[tuple[str, bytes]]:
    """What a reader finds in it."""
    parsed: EmailMessage = email.message_from_bytes(mail, policy=email.policy.default)
    leaves = (part for part in parsed.walk() if not part.is_multipart())
    return [(part.get_content_type(), bytes(part.get_payload(decode=True)).strip(b"\r\n")) for part in leaves]


@pytest.mark.parametrize("name", EIGHT_BIT)
def test_every_mail_says_the_same(name: str) -> None:
    sent = seven(EIGHT_BIT[name])
    assert contents(sent) == contents(EIGHT_BIT[name])


def test_each_part_is_encoded_as_its_kind_wants() -> None:
    """Boundaries, and parts that are ASCII, stay as they are; an enclosed mail may not be encoded itself."""
    sent = seven(MIXED)
    assert contents(sent) == contents(MIXED)
    assert b"=C3=A9t=C3=A9=20\r\n=2E\r\nFrom moi, qui vous l'avais dit\r\n--=_b\r\n" in sent
    assert b"Content-Type: text/plain\r\n\r\nascii\r\n--=_b\r\n" in sent
    assert b"Content-Transfer-Encoding: base64\r\n\r\niVBORw0KAP8=\r\n--=_b\r\n" in sent
    assert b"7bit\r\n\r\nSubject: y" in sent
    assert b"d=C3=A9j=C3=A0" in sent
    assert b"DKIM-Signature" not in sent


def test_text_is_written_in_the_shorter_way() -> None:
    """Quoted-printable triples what is hardly ever ASCII."""
    greek = "Καλημέρα, έχουμε ακόμα πράσα\r\n".encode() * 4_000
    raw = WHOLE + PLAIN + greek
    sent = seven(raw)
    assert contents(sent) == contents(raw)
    assert len(sent) < 1.4 * len(raw)
    assert max(map(len, sent.split(b"\r\n"))) <= 76


def test_a_mail_that_is_ascii_stays_as_it_is() -> None:
    raw = b"Subject: \xc3\xa9\r\nDKIM-Signature: v=1\r\n\r\nascii\r\n"
    assert seven_bit(raw) == raw


def beside(signed_part: bytes, other: bytes) -> bytes:
    """A mail whose first part is signed, and whose second is not: the footer of a gateway, for instance."""
    return (
        b"DKIM-Signature: v=1\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\npr\xc3\xa9ambule\r\n--o\r\n"
        b"Content-Type: multipart/signed; protocol=x; boundary=s\r\n\r\n--s\r\n"
        + signed_part
        + b"\r\n--s\r\nContent-Type: application/pgp-signature\r\n\r\niHUE\r\n--s--\r\n--o\r\n"
        + other
        + b"\r\n--o--\r\n"
    )


NESTED = b"Content-Type: multipart/mixed; boundary=i\r\n\r\n%s\r\n--i\r\n%s\r\nascii\r\n--i--"


@pytest.mark.parametrize("kind", ["text/plain; charset=utf-8", "image/png", "message/rfc822"])
def test_what_is_not_signed_is_encoded_beside_what_is(kind: str) -> None:
    """The signature covers its own part, of which no octet changes."""
    part = NESTED % (b"", b"Content-Type: text/plain\r\n")
    raw = beside(part, f"Content-Type: {kind}\r\n\r\n".encode() + b"\r\nd\xc3\xa9j\xc3\xa0")
    sent = seven(raw)
    assert contents(sent) == contents(raw)
    signature = (
        b"--s\r\n" + part + b"\r\n--s\r\nContent-Type: application/pgp-signature\r\n\r\niHUE\r\n--s--\r\n"
    )
    assert signature in raw
    assert signature in sent
    assert b"DKIM-Signature" not in sent


@pytest.mark.parametrize(
    "part",
    [
        PLAIN + b"d\xc3\xa9j\xc3\xa0",
        NESTED % (b"pr\xc3\xa9ambule", b""),
        NESTED % (b"", b"Content-Type: text/plain; name=\xe9\r\n"),
        NESTED % (b"", PLAIN + b"\xc3\xa9"),
        b"Content-Type: message/rfc822\r\n\r\nSubject: \xe9\r\n\r\nascii",
    ],
    ids=["its text", "before its parts", "a field of its part", "its part", "an enclosed mail"],
)
def test_whatever_is_signed_is_left(part: bytes) -> None:
    """Also what no reader sees: the signature covers it too."""
    assert seven_bit(beside(part, PLAIN + b"ascii")) is Obstacle.SIGNED


def test_a_signed_part_without_an_end_is_signed_to_the_end() -> None:
    raw = beside(PLAIN + b"ascii", PLAIN + b"d\xc3\xa9j\xc3\xa0").replace(b"--s--", b"")
    assert isinstance(seven_bit(raw), bytes)  # its parent's delimiter ends it
    alone = b"Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n" + PLAIN + b"ascii\r\n--s\r\n\r\n\xe9"
    assert seven_bit(alone) is Obstacle.SIGNED


@pytest.mark.parametrize(
    "name", ["name*=undefined''%E9", "name*=idna''%E9", "name*=x; name*0=y", "name*" + "9" * 4_500 + "=x"]
)
def test_a_name_that_cannot_be_read_keeps_no_mail_back(name: str) -> None:
    """It was refused again and again, without an outcome: nobody would ever have been told."""
    for field in ("Content-Type: text/plain; charset=utf-8; ", "Content-Disposition: inline; file"):
        raw = WHOLE + f"{field}{name}\r\n\r\n".encode() + b"Il y en a d\xc3\xa9j\xc3\xa0 beaucoup"
        assert b"d=C3=A9j=C3=A0" in seven(raw)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (signed(), Obstacle.SIGNED),
        (
            b"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: message/rfc822\r\n\r\n"
            + signed()
            + b"\r\n--o--\r\n",
            Obstacle.SIGNED,
        ),
        (
            b"Content-Type: multipart/mixed; boundary=o\r\n\r\n" + b"--o\r\n\r\n\xe9\r\n" * 600,
            Obstacle.INTRICATE,
        ),
        (b"\r\n" + b"\xe9\r\n" * 9_000_000, Obstacle.INTRICATE),
    ],
    ids=["signed", "signed and enclosed", "too many parts", "too large"],
)
def test_what_cannot_be_encoded_is_left(raw: bytes, why: Obstacle) -> None:
    """A signature covers the octets of its part."""
    assert seven_bit(raw) is why


def test_an_inline_signature_covers_the_same_text() -> None:
    """What is signed is the decoded text (RFC 9580 section 7.1): quoted-printable gives it back as it was.

    Lines that begin with a dash or *From*, blanks at their ends and empty lines among them.
    """
    sent = seven(WHOLE + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + CLEARSIGNED)
    parsed: EmailMessage = email.message_from_bytes(sent, policy=email.policy.default)
    assert parsed.get_payload(decode=True) == CLEARSIGNED


@pytest.mark.parametrize(
    ("kind", "encoding"),
    [
        ("application/pkcs7-mime; smime-type=signed-data; name=smime.p7m", "binary"),
        ("application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", "8bit"),
        ("application/pkcs7-mime; smime-type=signed-data; name=smime.p7m", "base64"),
    ],
)
def test_an_opaque_signature_is_content_like_any_other(kind: str, encoding: str) -> None:
    """What it vouches for is inside it (RFC 8551 section 3.5.2); how it is written does not matter."""
    octets = bytes(range(256)) * 9
    written = base64.encodebytes(octets).replace(b"\n", b"\r\n") if encoding == "base64" else octets
    fields = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    raw = WHOLE + fields.encode() + written
    sent = seven(raw)
    assert encoding != "base64" or sent == raw
    assert f"Content-Type: {kind}\r\n".encode() in sent
    assert [content for _, content in contents(sent)] == [octets.strip(b"\r\n")]


def test_an_encrypted_mail_is_written_in_seven_bits_as_it_is() -> None:
    """PGP/MIME without a signature around it (RFC 3156 section 4)."""
    raw = (
        b'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=e\r\n\r\n'
        b"--e\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n"
        b"--e\r\nContent-Type: application/octet-stream\r\n\r\n\x85\x01\x0c\xff\r\n--e--\r\n"
    )
    assert contents(seven(raw)) == contents(raw)
