"""What a relay without 8BITMIME gets: ASCII in the body, and the same mail for whoever reads it."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest

from bot.core.header import split
from tests.support.samples import samples, signed
from transports.smtp.sevenbit import seven_bit

EIGHT_BIT = {name: sample.raw for name, sample in samples().items() if not split(sample.raw)[1].isascii()}
MIXED = (
    b'Subject: x\r\nDKIM-Signature: v=1\r\nContent-Type: multipart/mixed; boundary="=_b"\r\n'
    b"Content-Transfer-Encoding: 8bit\r\n\r\npr\xc3\xa9ambule\r\n--=_b\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b"\xc3\xa9t\xc3\xa9 \r\n.\r\nFrom moi\r\n--=_b\r\nContent-Type: text/plain\r\n\r\nascii\r\n--=_b\r\n"
    b"Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n\x89PNG\r\n\x00\xff\r\n--=_b\r\n"
    b"Content-Type: message/rfc822\r\n\r\nSubject: y\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    b"d\xc3\xa9j\xc3\xa0\r\n--=_b--\r\n"
)


def contents(mail: bytes) -> list[tuple[str, bytes]]:
    """What a reader finds in it."""
    parsed: EmailMessage = email.message_from_bytes(mail, policy=email.policy.default)
    leaves = (part for part in parsed.walk() if not part.is_multipart())
    return [(part.get_content_type(), bytes(part.get_payload(decode=True)).strip(b"\r\n")) for part in leaves]


@pytest.mark.parametrize("name", EIGHT_BIT)
def test_every_mail_says_the_same(name: str) -> None:
    sent = seven_bit(EIGHT_BIT[name])
    assert sent is not None
    assert split(sent)[1].isascii()
    assert contents(sent) == contents(EIGHT_BIT[name])


def test_each_part_is_encoded_as_its_kind_wants() -> None:
    """Boundaries, and parts that are ASCII, stay as they are; an enclosed mail may not be encoded itself."""
    sent = seven_bit(MIXED)
    assert sent is not None
    assert contents(sent) == contents(MIXED)
    assert b"=C3=A9t=C3=A9=20\r\n=2E\r\nFrom moi\r\n--=_b\r\n" in sent
    assert b"Content-Type: text/plain\r\n\r\nascii\r\n--=_b\r\n" in sent
    assert b"Content-Transfer-Encoding: base64\r\n\r\niVBORw0KAP8=\r\n--=_b\r\n" in sent
    assert b"7bit\r\n\r\nSubject: y" in sent
    assert b"d=C3=A9j=C3=A0" in sent
    assert b"DKIM-Signature" not in sent


def test_a_mail_that_is_ascii_stays_as_it_is() -> None:
    raw = b"Subject: \xc3\xa9\r\nDKIM-Signature: v=1\r\n\r\nascii\r\n"
    assert seven_bit(raw) == raw


@pytest.mark.parametrize(
    "raw",
    [
        signed(),
        b"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: message/rfc822\r\n\r\n"
        + signed()
        + b"\r\n--o--\r\n",
        b"Content-Type: multipart/mixed; boundary=o\r\n\r\n" + b"--o\r\n\r\n\xe9\r\n" * 600,
    ],
    ids=["signed", "signed and enclosed", "too many parts"],
)
def test_what_cannot_be_encoded_is_left(raw: bytes) -> None:
    """A signature covers the octets of its part."""
    assert seven_bit(raw) is None
