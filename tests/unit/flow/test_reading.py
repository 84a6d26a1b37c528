"""What intake reads in a mail: the best that can be had, and never a failure."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.header import split
from bot.core.posts import Attachment, Cursor, NewPost, Unread
from bot.flow.reading import attached_files, read
from tests.unit.flow.posts import NOON

quick = settings(max_examples=200)


def reading(raw: bytes) -> NewPost:
    return read(1, Cursor("INBOX", "1", "1"), raw, NOON)


def text_of(content_type: str, body: bytes, encoding: str = "8bit") -> str:
    fields = f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return reading(fields.encode() + body).text


def parts(*contents: bytes, subtype: str = "mixed", cut: str = "cut") -> bytes:
    """A multipart mail; each content begins with its own header."""
    joined = b"".join(b"--%s\r\n%s\r\n" % (cut.encode(), content) for content in contents)
    return (
        f"Content-Type: multipart/{subtype}; boundary={cut}\r\n\r\n".encode()
        + joined
        + f"--{cut}--\r\n".encode()
    )


PLAIN = b"Content-Type: text/plain\r\n\r\nBonjour"


def test_what_is_stored_of_an_ordinary_mail() -> None:
    raw = (
        b"From: Anne <Anne@Example.org>\r\nSubject: =?utf-8?q?=C3=A9t=C3=A9?=\r\n  Panier\r\n"
        b"Message-ID: <1@example.org>\r\n\r\nBonjour,\r\nau revoir.\r\n"
    )
    post = reading(raw)
    assert (post.raw, post.received_at, post.unread) == (raw, NOON, ())
    assert [(author.name, author.address) for author in post.authors] == [("Anne", "anne@example.org")]
    assert (post.subject, post.message_id) == ("été Panier", "<1@example.org>")
    assert post.text == "Bonjour,\nau revoir."
    assert post.body_sha256 == hashlib.sha256(b"Bonjour,\r\nau revoir.\r\n").hexdigest()
    assert post.attachments == ()


def test_a_message_id_is_one_line_without_controls() -> None:
    post = reading(b"Message-ID: =?utf-8?q?<1=0A=C2=9B31m@example.org>?=\r\n\r\n")
    assert post.message_id == "<1 \ufffd31m@example.org>"


# Text


@pytest.mark.parametrize(
    ("content_type", "encoding", "body", "text"),
    [
        ("text/plain; charset=utf-8", "8bit", "été".encode(), "été"),
        ("text/plain; charset=iso-8859-1", "8bit", "été".encode("latin-1"), "été"),
        ("text/plain; charset=utf-8", "quoted-printable", b"=C3=A9t=C3=\r\n=A9", "été"),
        ("text/plain; charset=utf-8", "base64", b"w6l0w6k=", "été"),
        ("text/plain; charset=utf-8", "base64", b"w6l0w6k", "été"),
        ("text/plain; charset=utf-16", "base64", b"//7pAHQA6QA=", "été"),
        ('text/plain; charset="windows-1252"', "8bit", b"\x80", "€"),
        ("text/plain; charset=iso-8859-1", "8bit", b"10 \x80", "10 €"),
        ("text/plain", "8bit", "été".encode(), "été"),
        ("text/plain; charset=us-ascii", "8bit", "été".encode(), "été"),
        ("text/plain; charset=nonsense", "8bit", "été".encode(), "été"),
        (
            "text/plain; charset=utf-8",
            "8bit",
            "L'été prochain, à côté".encode("cp1252"),
            "L'été prochain, à côté",
        ),
        ("text/plain; charset=punycode", "8bit", "été".encode(), "été"),
        ("text/plain; charset=unicode_escape", "8bit", b"\\q", "\\q"),
        ("text/plain; charset=", "8bit", b"a", "a"),
        ("text/plain; charset=a\x00b", "8bit", b"a", "a"),
        ("text/plain; charset*=utf-8''utf-8", "8bit", "é".encode(), "é"),
        ("text/plain", "x-unknown", b"a", "a"),
        ("text/plain; charset=utf-8", "8bit", b"a\x00\x08b", "a\ufffd\ufffdb"),
        ("text/html; charset=utf-8", "8bit", "<p>été</p>".encode(), "été"),
        ("TEXT/HTML", "8bit", b"<style>x</style><p>a<p>b", "a\n\nb"),
        ("multipart/mixed", "8bit", b"no boundary", "no boundary"),
        ("multipart/mixed; boundary=x", "8bit", b"no parts", "no parts"),
        ("", "8bit", b"a", "a"),
        ("nonsense", "8bit", b"a", "a"),
    ],
)
def test_text_is_read_whatever_it_is_said_to_be(
    content_type: str, encoding: str, body: bytes, text: str
) -> None:
    assert text_of(content_type, body, encoding) == text


@pytest.mark.parametrize("body", [b"====", b"w6l0w6k*", b"\xff\xfe", b"!"])
def test_base64_that_is_broken_is_shown_as_far_as_it_goes(body: bytes) -> None:
    assert reading(b"Content-Transfer-Encoding: base64\r\n\r\n" + body).unread == ()


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"\r\n\r\n", b"\n", b"Subject: x", b"From: a@b.fr\r\n\r\n"])
def test_an_empty_mail_has_an_empty_text(raw: bytes) -> None:
    """Totally empty mails come too (CHANGELOG of Amapress, 0.96.180)."""
    post = reading(raw)
    assert (post.text, post.attachments, post.unread) == ("", (), ())


def test_plain_text_is_preferred_and_html_read_where_there_is_none() -> None:
    html = b"Content-Type: text/html\r\n\r\n<p>en HTML</p>"
    assert reading(parts(PLAIN, html, subtype="alternative")).text == "Bonjour"
    assert reading(parts(html, subtype="related")).text == "en HTML"
    assert reading(parts(b"Content-Type: text/plain\r\n\r\n ", html, subtype="alternative")).text == "en HTML"


def test_a_damaged_header_is_not_taken_for_the_text() -> None:
    """The body begins behind the first empty line, whatever stands before it."""
    raw = b"junk\r\nSubject : x\r\nmore junk\r\nContent-Type : text/html\r\n\r\n<b>body</b>"
    assert reading(raw).text == "body"


def test_the_text_is_cut_at_a_length_that_a_card_and_a_search_can_bear() -> None:
    assert len(text_of("text/plain", b"word " * 500_000)) == 20_000
    assert len(text_of("text/plain; charset=utf-16", ("x" * 99 + "\n").encode("utf-16") * 12_000)) == 20_000


def test_a_subject_without_end_is_cut() -> None:
    post = reading(b"Subject: " + b"x" * 100_000 + b"\r\nMessage-ID: <" + b"y" * 100_000 + b">\r\n\r\n")
    assert (len(post.subject), len(post.message_id)) == (500, 1_000)


# Attachments


def _attached(header: str | bytes, content: bytes = b"abc") -> Attachment:
    octets = header if isinstance(header, bytes) else header.encode()
    [attachment] = reading(parts(PLAIN, octets + b"\r\n\r\n" + content)).attachments
    return attachment


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Content-Disposition: attachment; filename=panier.pdf", "panier.pdf"),
        ('Content-Type: application/pdf; name="le panier.pdf"', "le panier.pdf"),
        ("Content-Disposition: attachment; filename*=utf-8''%C3%A9t%C3%A9.pdf", "été.pdf"),
        (
            "Content-Disposition: attachment;\r\n filename*0*=utf-8''%C3%A9t;\r\n filename*1*=%C3%A9.pdf",
            "été.pdf",
        ),
        ('Content-Disposition: attachment; filename="=?utf-8?q?=C3=A9t=C3=A9=2Epdf?="', "été.pdf"),
        (
            'Content-Disposition: attachment; filename="=?utf-8?q?=C3=A9t?=\r\n =?utf-8?q?=C3=A9?=.pdf"',
            "été.pdf",
        ),
        ('Content-Disposition: attachment; filename="été.pdf"', "été.pdf"),
        ('Content-Disposition: attachment; filename="été.pdf"'.encode("cp1252"), "été.pdf"),
        ("Content-Disposition: attachment; filename*=utf-8''caf%C3.pdf", "caf\ufffd.pdf"),
        ('Content-Disposition: attachment; filename="../../etc/passwd"', "_.._etc_passwd"),
        ('Content-Disposition: attachment; filename="C:\\\\Windows\\\\a.exe"', "C:_Windows_a.exe"),
        ('Content-Disposition: attachment; filename="photo\u202egpj.exe"', "photo_gpj.exe"),
        ('Content-Disposition: attachment; filename="a\x00b\x1b.txt"', "a\ufffdb\ufffd.txt"),
        ('Content-Disposition: attachment; filename=" .. "', "part-1.txt"),
        ("Content-Disposition: attachment", "part-1.txt"),
        ("Content-Type: application/pdf", "part-1.pdf"),
        ("Content-Type: application/x-nobody-knows", "part-1"),
        ("Content-Disposition: attachment; filename=" + "x" * 300 + ".pdf", "x" * 146 + ".pdf"),
        ("Content-Disposition: attachment; filename=" + "." * 300 + "x" * 300, "x" * 150),
    ],
)
def test_the_name_of_an_attachment_is_readable_and_harmless(header: str | bytes, name: str) -> None:
    """Raw 8-bit and half-encoded names were cut; the extension is never lost.

    Other libraries cut such names (ikvk/imap_tools#220, #33).
    """
    assert _attached(header).name == name


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("application/PDF", "application/pdf"),
        ("image/svg+xml; x=y", "image/svg+xml"),
        ("text/calendar", "text/calendar"),
        ("application/p\x00df", "application/octet-stream"),
        ("application/pdf é", "application/octet-stream"),
    ],
)
def test_the_type_of_an_attachment_is_a_clean_word(content_type: str, kind: str) -> None:
    assert _attached(f"Content-Type: {content_type}").content_type == kind


def test_the_size_is_that_of_the_decoded_content() -> None:
    attached = _attached("Content-Type: image/png\r\nContent-Transfer-Encoding: base64", b"AAAA\r\nAAAA")
    assert attached == Attachment("part-1.png", "image/png", 6)


def test_an_enclosed_mail_is_one_attachment() -> None:
    inner = parts(PLAIN, b"Content-Type: image/png\r\n\r\nx", cut="inner")
    raw = parts(PLAIN, b"Content-Type: message/rfc822\r\n\r\n" + inner)
    post = reading(raw)
    assert [(item.name, item.content_type) for item in post.attachments] == [("part-1.eml", "message/rfc822")]
    assert b"Bonjour" in attached_files(raw)[0].content
    assert post.text == "Bonjour"


def test_the_files_are_those_that_were_announced() -> None:
    raw = parts(
        PLAIN, b"Content-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA", PLAIN
    )
    files = attached_files(raw)
    announced = reading(raw).attachments
    assert [(f.name, f.content_type, len(f.content)) for f in files] == [
        (item.name, item.content_type, item.size_octets) for item in announced
    ]
    assert files[0].content == b"\0\0\0"


# Mails made to be expensive, or simply wrong


def nested(depth: int) -> bytes:
    return b"".join(
        f"Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n".encode()
        for level in range(depth)
    )


@pytest.mark.parametrize(
    "raw",
    [
        nested(1_000) + PLAIN,
        nested(90) + b"x\r\n" * 100_000,
        b"Content-Type: message/rfc822\r\n\r\n" * 5_000 + PLAIN,
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\n\xff\r\n" * 20_000,
        b'Content-Type: text/plain; x="' + b";" * 1_000_000 + b"\r\n\r\nbody",
        b'Content-Type: text/plain; x="' + b";\r\n " * 300_000 + b"\r\n\r\nbody",
        parts(b'Content-Disposition: attachment; filename="' + b";" * 1_000_000 + b"\r\n\r\nbody"),
        b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"a-" + b"b" * 500_000,
        b"Content-Type: text/html\r\n\r\n" + b"<div>" * 200_000,
        b"From: " + b"(" * 50_000 + b"\r\n\r\nbody",
        b"From: " + b"a@b.fr," * 50_000 + b"\r\n\r\nbody",
        b"Subject: " + b"=?a?q? " * 100_000 + b"?=\r\n\r\nbody",
        b"X: y\r\n" * 100_000 + b"\r\nbody",
        b"\r\n" * 500_000,
        b"\xff" * 2_000_000,
    ],
    ids=lambda raw: repr(raw[:30]),
)
def test_a_mail_made_to_be_expensive_is_read_in_bounded_time(raw: bytes) -> None:
    """One such mail stopped all fetching elsewhere (zammad/zammad#1877)."""
    post = reading(raw)
    assert post.raw == raw
    assert len(post.attachments) <= 500
    assert len(post.authors) <= 50
    attached_files(raw)


def test_what_is_not_taken_apart_is_told() -> None:
    post = reading(b"From: anne@example.org\r\nSubject: x\r\n" + nested(1_000) + PLAIN)
    assert post.unread == (Unread.PARTS,)
    assert (post.subject, post.authors[0].address) == ("x", "anne@example.org")
    assert reading(nested(29) + PLAIN).unread == ()


@pytest.mark.parametrize(
    "header",
    [
        b"From: anne@example.org\r\n" + b"X: y\r\n" * 3_000,
        b"From: " + b", ".join(b"p%d@b.fr" % number for number in range(60)) + b"\r\n",
        b"From: anne@example.org, " + b"x" * 40_000 + b" <eve@example.net>\r\n",
        b"From: anne@example.org\r\n" * 10 + b"From: eve@example.net\r\n",
    ],
    ids=["fields", "authors", "octets", "fields From"],
)
def test_authors_that_are_not_all_read_are_told(header: bytes) -> None:
    """Else one of them could be somebody who must not write."""
    assert reading(header + b"\r\nbody").unread == (Unread.HEADER,)


_REAL = [
    b"From: =?utf-8?q?H=C3=A9l=C3=A8ne?= <h@example.org>\r\nSubject: x\r\nMIME-Version: 1.0\r\n",
    parts(
        PLAIN,
        b"Content-Type: image/png; name*=utf-8''%C3%A9.png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA",
    ),
    parts(PLAIN, b"Content-Type: text/html; charset=iso-8859-1\r\n\r\n<p>\xe9</p>", subtype="alternative"),
    parts(PLAIN, b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nAction: failed"),
    parts(b"Content-Type: message/rfc822\r\n\r\n" + parts(PLAIN)),
    b"Content-Transfer-Encoding: uuencode\r\n\r\nbegin 644 a\r\n#86)C\r\n`\r\nend\r\n",
    b"Content-Type: message/external-body; access-type=x\r\n\r\nContent-Type: a/b\r\n\r\n",
]
_ODD = [
    b"\r\n",
    b"\n",
    b"\r",
    b"--cut",
    b"--",
    b";",
    b'"',
    b"=",
    b"*0*=",
    b"boundary=",
    b"\x00",
    b"\xe9",
    b"'",
    b":",
]


@st.composite
def damaged_mails(draw: st.DrawFn) -> bytes:
    """Real mails put together and struck in a few places."""
    raw = b"".join(draw(st.lists(st.sampled_from(_REAL), min_size=1, max_size=2)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(raw)))
        raw = raw[:at] + draw(st.sampled_from(_ODD)) + raw[at + draw(st.integers(0, 8)) :]
    return raw


@quick
@given(st.one_of(st.binary(max_size=300), damaged_mails()))
@example(
    b"Content-Type: multipart/report; boundary=cut\r\n\r\n--cut\r\nContent-Type: message/delivery-status\r\n"
)
def test_reading_never_fails_and_gives_what_a_database_can_store(raw: bytes) -> None:
    post = reading(raw)
    strings = [post.subject, post.message_id, post.text]
    strings += [word for author in post.authors for word in (author.name, author.address)]
    strings += [word for item in post.attachments for word in (item.name, item.content_type)]
    for word in strings:
        word.encode()
        assert not re.search(r"[\x00\x1b\x7f-\x9f]", word)
    assert "\n" not in post.message_id + post.subject
    assert all(item.name and not set("/\\\r\n") & set(item.name) for item in post.attachments)
    assert len(attached_files(raw)) in {len(post.attachments), 0}
    assert post.body_sha256 == hashlib.sha256(split(raw)[1]).hexdigest()
