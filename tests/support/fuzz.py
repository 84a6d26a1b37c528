"""Mails made of other mails by a few blows, the same ones at every run."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

_NASTY = (
    b"\0",
    b"\r",
    b"\n",
    b"\r\n\r\n",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xe2\x80\xae",
    b"\xe2\x80\x8b",
    b"\x1b[31m",
    b"<b>&amp;</b>",
    b"<script>",
    b"=?utf-8?q?=00=0A?=",
    b"=?utf-8?b?4oCu?=",
    b"=?x?y?z?=",
    b"=?utf-7?q?+2AA-?=",
    b'"',
    b"\\",
    b"(",
    b"<",
    b";",
    b":",
    b"--",
    b"=",
    b"%00",
    b"{subject}",
    b"%s",
    b"From ",
    b"\nFrom: eve@example.net\n",
    b"\nSubject: \xe9t\xe9\n",
    b'\nContent-Type: multipart/mixed; boundary=""\n',
    b"\nMIME-Version: 1.0\n",
    b"\nContent-Transfer-Encoding: base64\n",
    b"; charset=punycode",
    b"; filename*0*=utf-8''%E2%80%AE; filename*9=x",
    b"message/rfc822",
    b"multipart/report; report-type=delivery-status",
    b"a" * 2_000,
    b"\n" * 50,
)

Blow = Callable[[random.Random, bytes, bytes], bytes]


def mutations(mails: Sequence[bytes], count: int, seed: int) -> list[bytes]:
    """`count` mails, each one of `mails` after one to six blows."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        mail, other = chance.choice(mails), chance.choice(mails)
        for _ in range(chance.randint(1, 6)):
            mail = chance.choice(_BLOWS)(chance, mail, other)
        made.append(mail)
    return made


def _insert(chance: random.Random, mail: bytes, other: bytes) -> bytes:
    at = _somewhere(chance, mail)
    return mail[:at] + chance.choice(_NASTY) + mail[at:]


def _remove(chance: random.Random, mail: bytes, other: bytes) -> bytes:
    at = _somewhere(chance, mail)
    return mail[:at] + mail[at + chance.choice((1, 2, 20, 200)) :]


def _flip(chance: random.Random, mail: bytes, other: bytes) -> bytes:
    octets = bytearray(mail)
    for _ in range(chance.randint(1, 8) if octets else 0):
        octets[_somewhere(chance, mail) % len(octets)] = chance.randrange(256)
    return bytes(octets)


def _repeat_line(chance: random.Random, mail: bytes, other: bytes) -> bytes:
    lines = mail.splitlines(keepends=True) or [b""]
    at = chance.randrange(len(lines))
    return b"".join([*lines[:at], *[lines[at]] * chance.choice((2, 3, 40)), *lines[at:]])


def _swap_lines(chance: random.Random, mail: bytes, other: bytes) -> bytes:
    lines = mail.splitlines(keepends=True) or [b""]
    one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[two] = lines[two], lines[one]
    return b"".join(lines)


def _cross(chance: random.Random, mail: bytes, other: bytes) -> bytes:
    return mail[: _somewhere(chance, mail)] + other[_somewhere(chance, other) :]


def _cut(chance: random.Random, mail: bytes, other: bytes) -> bytes:
    return mail[: _somewhere(chance, mail)]


def _line_ends(chance: random.Random, mail: bytes, other: bytes) -> bytes:
    return mail.replace(b"\n", chance.choice((b"\r\n", b"\r", b"\n\r", b"\r\r\n", b"\n\n")))


def _somewhere(chance: random.Random, mail: bytes) -> int:
    """As often in the header, which is read most, as anywhere."""
    return min(chance.randint(0, chance.choice((800, len(mail)))), len(mail))


_BLOWS: tuple[Blow, ...] = (
    _insert, _insert, _insert, _remove, _remove, _flip, _repeat_line, _swap_lines, _cross, _cut, _line_ends
)  # fmt: skip
