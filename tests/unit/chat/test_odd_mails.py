"""Mail as it really is: what a moderator sees of it, and that its copy has the body that came."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bot.core.header import split
from bot.core.posts import Cursor
from bot.flow.copy import list_copy
from bot.flow.reading import read
from tests.unit.chat.test_cards import FACTS, HELD, MLIST, NOW, shown

FROM = b"From: Anne <anne@example.org>\r\n"
SUBJECT = b"Subject: Paniers\r\n"
TEXT = b"\r\nil reste des poireaux\r\n"


def named(fields: bytes) -> bytes:
    """A mail with one attachment that these fields describe."""
    return (
        FROM + SUBJECT + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + TEXT + b"--b\r\n"
        b"Content-Transfer-Encoding: base64\r\n" + fields + b"\r\n\r\nQUJD\r\n--b--\r\n"
    )


ODD: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "charset not declared": (FROM + SUBJECT + b"\r\n\xe9t\xe9\r\n", ("été",)),
    "charset that is another": (
        FROM + SUBJECT + b"Content-Type: text/plain; charset=utf-8\r\n\r\n\xe9t\xe9\r\n",
        ("été",),
    ),
    "charset that does not exist": (
        FROM + SUBJECT + b"Content-Type: text/plain; charset=klingon\r\n\r\n\xc3\xa9t\xc3\xa9\r\n",
        ("été",),
    ),
    "raw 8-bit header, UTF-8": (
        b"From: H\xc3\xa9l\xc3\xa8ne <h@b.fr>\r\nSubject: \xc3\x89t\xc3\xa9\r\n" + TEXT,
        ("Hélène <h@b.fr>", "Été"),
    ),
    "raw 8-bit header, Latin-1": (
        b"From: H\xe9l\xe8ne <h@b.fr>\r\nSubject: \xc9t\xe9\r\n" + TEXT,
        ("Hélène <h@b.fr>", "Été"),
    ),
    "encoded words cut in a character": (
        FROM + b"Subject: =?utf-8?q?=C3?= =?utf-8?q?=A9t=C3=A9?=\r\n" + TEXT,
        ("été",),
    ),
    "encoded words without an end": (FROM + b"Subject: =?utf-8?q?Paniers\r\n" + TEXT, ("=?utf-8?q?Paniers",)),
    "encoded words in a wrong charset": (FROM + b"Subject: =?klingon?q?Paniers?=\r\n" + TEXT, ("Paniers",)),
    "encoded words glued to others": (
        FROM + b"Subject: Re:=?utf-8?q?=C3=A9t=C3=A9?=2026\r\n" + TEXT,
        ("Re:été2026",),
    ),
    "encoded words in quotes": (
        b'From: "=?utf-8?q?H=C3=A9l=C3=A8ne?=" <h@b.fr>\r\n' + TEXT,
        ("Hélène <h@b.fr>",),
    ),
    "encoded words with line ends in them": (
        FROM + b"Subject: =?utf-8?q?a=0D=0ABcc:_x?=\r\n" + TEXT,
        ("a Bcc: x",),
    ),
    "base64 words without padding": (FROM + b"Subject: =?utf-8?b?w6l0w6k?=\r\n" + TEXT, ("été",)),
    "RFC 2231 name": (
        named(b"Content-Disposition: attachment; filename*=utf-8''%C3%A9t%C3%A9.pdf"),
        ("📎 été.pdf",),
    ),
    "RFC 2231 name in pieces, out of order": (
        named(b"Content-Disposition: attachment; filename*1*=%C3%A9.pdf; filename*0*=utf-8''%C3%A9t"),
        ("📎 été.pdf",),
    ),
    "RFC 2231 name in a wrong charset": (
        named(b"Content-Disposition: attachment; filename*=klingon''%E9t%E9.pdf"),
        (".pdf",),
    ),
    "raw 8-bit name": (
        named(b'Content-Disposition: attachment; filename="\xe9t\xe9.pdf"'),
        ("📎 été.pdf",),
    ),
    "half encoded name": (
        named(b'Content-Disposition: attachment; filename="=?utf-8?q?=C3=A9t?= \xc3\xa9 2026.pdf"'),
        ("2026.pdf",),
    ),
    "name without extension": (
        named(b"Content-Disposition: attachment; filename=paniers"),
        ("📎 paniers (",),
    ),
    "no name": (named(b"Content-Type: application/pdf"), ("📎 part-1.pdf",)),
    "name with a path": (
        named(b'Content-Disposition: attachment; filename="../../a/b.sh"'),
        ("📎 _.._a_b.sh",),
    ),
    "name that turns round": (
        named(b"Content-Disposition: attachment; filename*=utf-8''photo%E2%80%AEgpj.exe"),
        ("📎 photo_gpj.exe",),
    ),
    "boundary that is not there": (
        FROM + SUBJECT + b"Content-Type: multipart/mixed; boundary=x\r\n" + TEXT,
        ("il reste des poireaux",),
    ),
    "boundary that never ends": (
        FROM + SUBJECT + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n" + TEXT,
        ("il reste des poireaux",),
    ),
    "boundary missing": (
        FROM + SUBJECT + b"Content-Type: multipart/mixed\r\n" + TEXT,
        ("il reste des poireaux",),
    ),
    "NUL bytes": (
        b"From: An\0ne <anne@example.org>\r\nSubject: Pa\0niers\r\n\r\nil re\0ste\r\n",
        ("Pa", "niers"),
    ),
    "bare CR": (
        b"From: anne@example.org\rSubject: Paniers\r\ril reste\rdes poireaux\r",
        ("Paniers", "il reste"),
    ),
    "bare LF": (
        b"From: anne@example.org\nSubject: Paniers\n\nil reste\ndes poireaux\n",
        ("Paniers", "il reste"),
    ),
    "two From fields": (
        FROM + b"From: Eve <eve@example.net>\r\n" + SUBJECT + TEXT,
        ("names 2 authors", "eve@example.net"),
    ),
    "group syntax": (
        b"From: Bureau: anne@example.org, Luc <luc@b.fr>;\r\n" + SUBJECT + TEXT,
        ("names 2 authors", "luc@b.fr"),
    ),
    "group without members": (b"From: undisclosed-recipients:;\r\n" + SUBJECT + TEXT, ("cannot be read",)),
    "From without an address": (b"From: Anne Martin\r\n" + SUBJECT + TEXT, ("cannot be read",)),
    "From without anything": (b"From:\r\n" + SUBJECT + TEXT, ("cannot be read",)),
    "no From": (SUBJECT + TEXT, ("cannot be read",)),
    "a UTF-8 address": (
        "From: Élène <élène@example.org>\r\n".encode() + SUBJECT + TEXT,
        ("élène@example.org",),
    ),
    "an empty mail": (b"", ("(no subject)", "(empty)", "cannot be read")),
    "no header": (TEXT, ("(no subject)", "il reste des poireaux")),
    "no body": (FROM + SUBJECT, ("Paniers", "(empty)")),
    "Date of 1901": (
        FROM + SUBJECT + b"Date: Fri, 13 Dec 1901 20:45:51 +0000\r\n" + TEXT,
        ("received 10:00",),
    ),
    "no Date": (FROM + SUBJECT + TEXT, ("received 10:00",)),
    "absurd Date": (
        FROM + SUBJECT + b"Date: Fri, 99 Foo 99999999999999 99:99:99 +999999999\r\n" + TEXT,
        ("received 10:00",),
    ),
    "no Message-ID": (FROM + SUBJECT + TEXT, ("Paniers",)),
    "invalid Message-ID": (b"Message-ID: <<>\xff @\r\n" + FROM + SUBJECT + TEXT, ("Paniers",)),
    "a MIME bomb": (
        FROM + SUBJECT + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 2_000,
        ("more parts than are listed",),
    ),
    "markup": (
        FROM + b"Subject: <b>gras</b> &amp; *x*\r\n\r\n<script>alert(1)</script>\r\n",
        ("<b>gras</b> &amp; *x*", "<script>alert(1)</script>"),
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_mail_has_a_readable_card_and_a_faithful_copy(name: str) -> None:
    raw, said = ODD[name]
    new = read(1, Cursor("INBOX", "1", "1"), raw, NOW)
    post = replace(
        HELD,
        authors=new.authors,
        subject=new.subject,
        text=new.text,
        attachments=new.attachments,
        unread=new.unread,
    )

    card = shown(post, replace(FACTS, standings=FACTS.standings * len(post.authors)))

    for words in said:
        assert words in card
    assert "damaged" not in card
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\ud800-\udfff]", card)
    header, body = split(raw)
    copy = list_copy(header, MLIST, [])
    assert split(copy.to_bytes() + body)[1] == body
    assert copy.mailboxes("from")[0].address == MLIST.address
