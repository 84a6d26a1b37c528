"""Mails made to be expensive: so much of one thing in each that a careless reader takes minutes."""

from __future__ import annotations

import base64
import io
import random
import zipfile
from collections.abc import Callable, Mapping

_FIELDS = (
    b"From: Paul Durand <paul@example.net>\r\nTo: adherents@amap.example\r\nSubject: Les paniers\r\n"
    b"Message-ID: <1@example.net>\r\nDate: Tue, 10 Mar 2026 09:00:00 +0100\r\n"
)
_TEXT = b"\r\nil reste des poireaux\r\n"
_HTML = b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
_REPORT = b'Content-Type: multipart/report; report-type=delivery-status; boundary="r"\r\n\r\n--r\r\n'
_STATUS = b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.net\r\n\r\n"
_FAILED = b"Final-Recipient: rfc822; p%d@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
_WORDS = b"Subject: Undelivered mail\r\n\r\n"

_SERVERS_WORDS = (
    b"The following addresses had permanent fatal errors -----",
    b"Your message cannot be delivered to the following recipients:",
    b"   <p@example.org>: host mx.example.org [192.0.2.1] said: 550 5.1.1 user unknown",
    b"This is a permanent error. The following address(es) failed:",
    b"  Recipient: [SMTP:p@example.org]",
    b"----- Transcript of session follows -----",
    b"Failed to deliver to 'p@example.org'",
    b"The user(s) account is disabled. adresse inconnue, boite pleine",
)

MEGA = 1_000_000


def _mail(fields: bytes = b"", rest: bytes = _TEXT) -> bytes:
    return _FIELDS + fields + rest


def _multipart(parts: bytes, *, subtype: bytes = b"mixed") -> bytes:
    return _mail(
        b'Content-Type: multipart/%s; boundary="b"\r\n' % subtype, b"\r\n" + parts + b"\r\n--b--\r\n"
    )


def _nested(depth: int) -> bytes:
    opened = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (level, level)
        for level in range(depth)
    )
    return _mail(opened, b"Content-Type: text/plain\r\n" + _TEXT)


def _zip_bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("bomb", b"\0" * 100 * MEGA)
    return _attached(packed.getvalue(), b"bomb.zip")


def _attached(content: bytes, name: bytes) -> bytes:
    return _multipart(
        b"--b\r\nContent-Type: text/plain\r\n\r\nil reste des poireaux\r\n--b\r\n"
        b"Content-Type: application/octet-stream; name=%s\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        % name
        + base64.encodebytes(content).replace(b"\n", b"\r\n")
    )


def _attachment(parameters: bytes) -> bytes:
    return _multipart(b"--b\r\nContent-Type: image/png" + parameters + b"\r\n\r\nx")


SHAPES: Mapping[str, Callable[[], bytes]] = {
    "10,000 fields": lambda: _mail(b"".join(b"X-%d: y\r\n" % n for n in range(10_000))),
    "500,000 fields of one name": lambda: _mail(b"X: y\r\n" * 500_000),
    "a field of 50 MB": lambda: _mail(b"X: " + b"y" * 50 * MEGA + b"\r\n"),
    "a field of 5,000,000 folds": lambda: _mail(b"X: y" + b"\r\n y" * 5_000_000 + b"\r\n"),
    "a header without an empty line": lambda: _mail(b"X: y\r\n" * 2_000_000, b""),
    "junk for a header": lambda: b"junk junk\r\n" * 2_000_000,
    "nothing but line ends": lambda: b"\r\n" * 10_000_000,
    "nothing but bare CR": lambda: b"a\r" * 10_000_000,
    "1,000 nested parts": lambda: _nested(1_000),
    "90 nested parts and 20 MB": lambda: _nested(90) + b"il reste des poireaux\r\n" * 870_000,
    "5,000 enclosed mails, one in another": lambda: _mail(b"Content-Type: message/rfc822\r\n\r\n" * 5_000),
    "1,000,000 tiny parts": lambda: _multipart(b"--b\r\n\r\nx\r\n" * MEGA),
    "1,000,000 empty parts": lambda: _multipart(b"--b\r\n" * MEGA),
    "1,000,000 part headers": lambda: _multipart(b"--b\r\n" + b"Content-Type: text/plain\r\n" * MEGA),
    "1,000,000 lines like a boundary": lambda: _multipart(b"--b\r\n\r\n" + b"--bb\r\n" * MEGA),
    "a boundary of 1 MB": lambda: _mail(
        b'Content-Type: multipart/mixed; boundary="' + b"b" * MEGA + b'"\r\n', b"\r\n--" + b"b" * MEGA
    ),
    "20,000 enclosed mails": lambda: _multipart(
        b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nil reste\r\n" * 20_000
    ),
    "100,000 recipients in To": lambda: _mail(b"To: " + b",\r\n ".join(_people(100_000)) + b"\r\n"),
    "100,000 fields To": lambda: _mail(b"".join(b"To: %s\r\n" % each for each in _people(100_000))),
    "100,000 authors": lambda: b"From: " + b", ".join(_people(100_000)) + b"\r\n" + _TEXT,
    "100,000 Reply-To": lambda: _mail(b"Reply-To: " + b", ".join(_people(100_000)) + b"\r\n"),
    "parentheses in From": lambda: b"From: " + b"(" * 5 * MEGA + b"\r\n" + _TEXT,
    "quotes in From": lambda: b'From: "' + b'\\"' * 2 * MEGA + b"\r\n" + _TEXT,
    "a zip bomb": _zip_bomb,
    "25 MB attached": lambda: _attached(bytes(range(256)) * 98_000, b"photos.bin"),
    "40 MB of photos": lambda: _attached(random.Random(1).randbytes(29 * MEGA), b"photos.zip"),
    "40 MB of photos as they are": lambda: _mail(
        b"Content-Type: image/jpeg\r\nContent-Transfer-Encoding: binary\r\n",
        b"\r\n" + random.Random(1).randbytes(39 * MEGA),
    ),
    "50 MB in one line": lambda: _mail(rest=b"\r\n" + b"il reste des poireaux " * 2_280_000),
    "50 MB of 8-bit octets": lambda: _mail(rest=b"\r\n" + b"\xe9\xff" * 25 * MEGA),
    "25 MB of 8-bit octets": lambda: _mail(rest=b"\r\n" + b"\xe9\xff" * 12 * MEGA),
    "25 MB of accents": lambda: _mail(rest=b"\r\n" + "été en été, à la ferme\r\n".encode() * 850_000),
    "50 MB of quoted-printable": lambda: _mail(
        b"Content-Transfer-Encoding: quoted-printable\r\n", b"\r\n" + b"=C3=A9=\r\n" * 5_500_000
    ),
    "50 MB of broken base64": lambda: _mail(
        b"Content-Transfer-Encoding: base64\r\n", b"\r\n" + b"A=*\r\n" * 10_000_000
    ),
    "50 MB of uuencode": lambda: _mail(
        b"Content-Transfer-Encoding: x-uuencode\r\n", b"\r\nbegin 644 a\r\n" + b"#86)C\r\n" * 7 * MEGA
    ),
    "text in punycode": lambda: _mail(
        b"Content-Type: text/plain; charset=punycode\r\n", b"\r\na-" + b"b" * MEGA
    ),
    "a word of RFC 2047 of 5 MB": lambda: _mail(b"Subject: =?utf-8?q?" + b"=C3=A9" * 833_000 + b"?=\r\n"),
    "1,000,000 beginnings of words": lambda: _mail(b"Subject: " + b"=?a?q?" * MEGA + b"?=\r\n"),
    "1,000,000 words of RFC 2047": lambda: _mail(b"Subject:" + b" =?utf-8?q?x?=\r\n" * MEGA),
    "5 MB of blanks in a subject": lambda: _mail(b"Subject: a" + b" \t" * 2_500_000 + b"b\r\n"),
    "a subject of 10 MB": lambda: _mail(b"Subject: " + b"Re: " * 2_500_000 + b"\r\n"),
    "a subject made for expressions": lambda: _mail(
        b"Subject: " + b"unsubscribe delivery failure " * 100_000 + b"\r\n"
    ),
    "HTML nested 100,000 deep": lambda: _mail(_HTML, b"<div>" * 100_000 + b"il reste"),
    "HTML of 20 MB": lambda: _mail(_HTML, b"<p>il reste des <b>poireaux</b> &amp; " * 500_000),
    "HTML without end": lambda: _mail(_HTML, b"<" * 20 * MEGA),
    "HTML of blanks": lambda: _mail(_HTML, b"<p>" + b" \n" * 10 * MEGA + b"</p>"),
    "HTML with an attribute of 20 MB": lambda: _mail(_HTML, b'<p title="' + b"&amp;" * 4 * MEGA + b'">'),
    "100,000 References": lambda: _mail(
        b"References: " + b"\r\n ".join(b"<%d@example.net>" % n for n in range(100_000)) + b"\r\n"
    ),
    "a Message-ID of 5 MB": lambda: b"Message-ID: <" + b"x" * 5 * MEGA + b">\r\n" + _mail(),
    "100,000 Received": lambda: _mail(b"Received: from a by b; Tue, 10 Mar 2026 09:00:00\r\n" * 100_000),
    "a DKIM-Signature of 5 MB": lambda: _mail(
        b"DKIM-Signature: v=1; a=rsa-sha256; d=example.net; s=s; h=" + b"from:" * MEGA + b"; bh=x; b=y\r\n"
    ),
    "tags in a DKIM-Signature": lambda: _mail(b"DKIM-Signature: " + b"d=example.net; " * 300_000 + b"\r\n"),
    "100,000 DKIM-Signature": lambda: _mail(
        b"DKIM-Signature: v=1; a=rsa-sha256; d=example.net; s=s; h=from; bh=eA==; b=eA==\r\n" * 100_000
    ),
    "a mail of 12 MB with a signature": lambda: _mail(
        b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=s; h=from; bh=eA==;"
        b" b=eA==\r\n",
        b"\r\n" + b"a  b \t c  \r\n" * 990_000,
    ),
    "a mail of 12 MB of empty lines with a signature": lambda: _mail(
        b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=s; h=from; bh=eA==;"
        b" b=eA==\r\n",
        b"\r\n" + b" \r\n" * 3_900_000 + b"x",
    ),
    "a signed mail of blanks in a row": lambda: _mail(
        b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=s; h=from; bh=eA==;"
        b" b=eA==\r\n",
        b"\r\n" + b" " * 990_000 + b"x",
    ),
    "a mail of 12 MB of photos with a signature": lambda: _attached(
        bytes(range(256)) * 31_000, b"photos.bin"
    ).replace(
        b"From:",
        b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=s; h=from; bh=eA==;"
        b" b=eA==\r\nFrom:",
        1,
    ),
    "blanks in a signature": lambda: _mail(
        b"DKIM-Signature: v=1; a=rsa-sha256; d=example.net; s=s; h=from; bh=eA==; b="
        + b" " * 3_800
        + b"!\r\n"
    ),
    "names in a signature": lambda: _mail(
        b"DKIM-Signature: v=1; a=rsa-sha256; d=example.net; s=s; bh=eA==; b=eA==; h="
        + b"x:" * 1_900
        + b"from\r\n"
        + b"x: y\r\n" * 1_900
    ),
    "Authentication-Results of 5 MB": lambda: _mail(
        b"Authentication-Results: mx.example.org" + b"; spf=pass smtp.mailfrom=a@example.net" * 120_000
    ),
    "comments in Authentication-Results": lambda: _mail(
        b"Authentication-Results: " + b"(" * 19_000 + b"mx.example.org; spf=pass\r\n"
    ),
    "100,000 Authentication-Results": lambda: _mail(
        b"Authentication-Results: mx.example.org; spf=pass\r\n" * 100_000
    ),
    "a report about 100,000 recipients": lambda: (
        b"From: MAILER-DAEMON@example.net\r\nMIME-Version: 1.0\r\n"
        + _REPORT
        + _STATUS
        + b"".join(_FAILED % n for n in range(100_000))
        + b"\r\n--r--\r\n"
    ),
    "a report in words, 100,000 lines": lambda: (
        b"From: MAILER-DAEMON@example.net\r\n" + _WORDS + b"<p@example.org>: user unknown, adresse " * 100_000
    ),
    "a report in one line": lambda: (
        b"From: MAILER-DAEMON@example.net\r\n" + _WORDS + b"a@b.c adresse compte boite " * 100_000
    ),
    "a report of addresses without end": lambda: (
        b"From: MAILER-DAEMON@example.net\r\n" + _WORDS + b"user unknown\r\n" + b"a.b-c" * 60_000
    ),
    "quotations within quotations": lambda: _mail(
        rest=b"\r\n" + b"On Tue, Paul wrote:\r\n> Le mar. 10, Paul a \xc3\xa9crit :\r\n" * 10_000
    ),
    "marks on one letter": lambda: _mail(rest=b"\r\na" + b"\xcc\x81" * 5 * MEGA),
    "characters that become many": lambda: _mail(rest=b"\r\n" + b"\xef\xb7\xba" * 5 * MEGA),
    "a report of angle brackets": lambda: (
        b"From: MAILER-DAEMON@example.net\r\n"
        + _WORDS
        + (b"<" * 400 + b"a@b.c" + b"(" * 400 + b"\r\n") * 4_000
    ),
    "a report of servers' words": lambda: (
        b"From: MAILER-DAEMON@example.net\r\n" + _WORDS + b"\r\n".join(_SERVERS_WORDS) * 3_000
    ),
    "a report in HTML": lambda: (
        b"From: MAILER-DAEMON@example.net\r\n" + _HTML + b"<b>user unknown <p@example.org></b>" * 100_000
    ),
    "a report that hides its lines": lambda: (
        b"From: MAILER-DAEMON@example.net\r\nContent-Transfer-Encoding: base64\r\n"
        + _WORDS
        + base64.b64encode(b"user unknown a@b.c " * 12_000)
    ),
    "enclosed mails of many parts": lambda: _multipart(
        (b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + _nested(25)) * 400
    ),
    "a boundary that begins another": lambda: _mail(
        b"".join(
            b'Content-Type: multipart/mixed; boundary="%s"\r\n\r\n--%s\r\n' % (b"b" * n, b"b" * n)
            for n in range(1, 30)
        ),
        b"\r\n" + b"--" + (b"b" * 29 + b"\r\n--") * 300_000,
    ),
    "signed parts within signed parts": lambda: _mail(
        b"".join(
            b'Content-Type: multipart/signed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(29)
        ),
        b"\r\n" + b"--b28\r\n\r\n\xe9\r\n--b28--\r\n" * 200_000,
    ),
    "100,000 parameters": lambda: _attachment(b"".join(b"; p%d=x" % n for n in range(100_000))),
    "100,000 continuations of a name": lambda: _attachment(
        b"".join(b";\r\n name*%d*=%%C3%%A9" % n for n in range(100_000))
    ),
    "a name of 100,000 words": lambda: _attachment(b'; name="' + b" =?utf-8?q?x?=" * 100_000 + b'"'),
    "500 names of 5 kB": lambda: _multipart(
        b"--b\r\nContent-Type: image/png; name=" + b"=?utf-8?q?=C3=A9?=" * 270 + b"\r\n\r\nx\r\n" * 500
    ),
    "a charset of 1 MB": lambda: _mail(b"Content-Type: text/plain; charset=" + b"x" * MEGA + b"\r\n"),
    "words in 100,000 charsets": lambda: _mail(
        b"Subject:" + b"".join(b" =?x-%d?q?x?=\r\n" % n for n in range(100_000))
    ),
    "50 MB of base64 without content": lambda: _mail(
        b"Content-Transfer-Encoding: base64\r\n", b"\r\n" + b"====\r\n" * 8 * MEGA
    ),
    "50 MB of soft line breaks": lambda: _mail(
        b"Content-Transfer-Encoding: quoted-printable\r\n", b"\r\n" + b"=\r\n" * 16 * MEGA
    ),
    "text in utf-7": lambda: _mail(
        b"Content-Type: text/plain; charset=utf-7\r\n", b"\r\n" + b"+AOk-" * 2 * MEGA
    ),
    "text that switches its alphabet": lambda: _mail(
        b"Content-Type: text/plain; charset=iso-2022-jp\r\n", b"\r\n" + b"\x1b$B0!\x1b(B" * 2 * MEGA
    ),
    "comments in comments in From": lambda: (
        b"From: " + b"(" * MEGA + b")" * MEGA + b" p@example.org\r\n" + _TEXT
    ),
    "comments between authors": lambda: b"From: " + b"(a)b(c)," * 300_000 + b"p@example.org\r\n" + _TEXT,
    "groups within groups": lambda: b"From: " + b"a:" * MEGA + b"p@example.org;\r\n" + _TEXT,
    "routes in addresses": lambda: b"From: <" + b"@a," * 600_000 + b":p@example.org>\r\n" + _TEXT,
    "an author's name of 5 MB": lambda: (
        b'From: "' + "\ufdfa".encode() * 1_600_000 + b'" <paul@example.net>\r\n' + _TEXT
    ),
    "a name for expressions": lambda: b"From: " + b"x" * 29_000 + b"@example.net\r\n" + _TEXT,
    "a List-Id of 5 MB": lambda: _mail(b"List-Id: " + b"<" * 5 * MEGA + b"\r\n"),
    "100,000 X-Loop": lambda: _mail(b"X-Loop: <p@example.org>\r\n" * 100_000),
    "HTML of 1,000,000 open tags": lambda: _mail(_HTML, b"<b><i>" * 500_000 + b"il reste"),
    "HTML of tables within tables": lambda: _mail(_HTML, b"<table><tr><td>" * 100_000 + b"il reste"),
    "HTML of style": lambda: _mail(_HTML, b"<style>" + b"p { color: red }\r\n" * MEGA),
    "HTML of comments": lambda: _mail(_HTML, b"<!-- <p> -->" * MEGA + b"il reste"),
    "HTML of attributes": lambda: _mail(_HTML, b"<p" + b" a=b" * 4 * MEGA + b">il reste</p>"),
    "HTML of entities": lambda: _mail(_HTML, b"&CounterClockwiseContourIntegral;" * 600_000),
    "a calendar of 20 MB": lambda: _multipart(
        b"--b\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\n"
        + b"BEGIN:VEVENT\r\nRRULE:FREQ=SECONDLY\r\nEND:VEVENT\r\n" * 400_000
    ),
    "links without end": lambda: _mail(rest=b"\r\n" + b"https://example.net/" + b"a." * 5 * MEGA),
    "quotation marks": lambda: _mail(rest=b"\r\n" + b"> " * 5 * MEGA + b"\r\n"),
    "lines of quotation marks": lambda: _mail(rest=b"\r\n" + b">>>>>>>>\r\n" * 2 * MEGA),
    "endings of mails": lambda: _mail(
        rest=b"\r\n" + b"-- \r\nEnvoy\xc3\xa9 de mon iPhone\r\nDe : Paul\r\n" * 300_000
    ),
}


def _people(many: int) -> list[bytes]:
    return [b"P%d <p%d@example.org>" % (n, n) for n in range(many)]
