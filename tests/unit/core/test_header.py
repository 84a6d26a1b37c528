"""The header of any mail, however wrong: read without failing, edited without touching the rest."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.addresses import Address, Mailbox
from bot.core.header import FIELDS_LIMIT, HEADER_OCTETS, Header, decoded, encoded, split

quick = settings(max_examples=150)

_PIECES = [
    b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"From: ", b"Subject : ", b"To:", b"X-Loop: l@example.org",
    b"From anne Mon Jan", b"=?utf-8?q?=C3=A9?=", b"=?", b"?=", b"<", b">", b'"', b"(", b"\xe9", b"\x00",
    b"anne@example.org", b"body", b",", b";",
]  # fmt: skip
mails = st.one_of(
    st.binary(max_size=300),
    st.lists(st.sampled_from(_PIECES), max_size=40).map(b"".join),
)
NAMES = ("From", "Subject", "To", "X-Loop")


def _lines(raw: bytes) -> list[bytes]:
    """Lines with their ends: CRLF, LF or CR."""
    return re.findall(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", raw)


def _body(raw: bytes) -> bytes:
    """What follows the first line that has nothing but its end."""
    lines = _lines(raw)
    empty = [number for number, line in enumerate(lines) if not line.strip(b"\r\n")]
    return b"".join(lines[empty[0] + 1 :]) if empty else b""


def _unended(field: bytes) -> bytes:
    return re.sub(rb"[\r\n]", b"", field)


def _header(*fields: bytes) -> Header:
    return split(b"".join(field + b"\r\n" for field in fields) + b"\r\nbody")[0]


@quick
@given(mails)
@example(b"")
@example(b"\r\n")
@example(b"Subject: x")
@example(b"Subject: x\r\r\nbody")
@example(b"Subject: x\n\rbody")
@example(b"junk\r\nSubject: x\r\n\r\n\r\nbody")
def test_the_body_is_what_follows_the_first_empty_line(raw: bytes) -> None:
    assert split(raw)[1] == _body(raw)


@quick
@given(mails)
@example(b"   \r\n")
@example(b" junk\r\nSubject: x")
@example(b" \r\n \r\n junk\r\nSubject: x")
def test_a_written_header_has_no_empty_line_before_its_end(raw: bytes) -> None:
    """Else a relay would take the rest of the header for the body; and nothing but CRLF ends a line."""
    written = split(raw)[0].to_bytes()
    assert written.endswith(b"\r\n")
    lines = written.split(b"\r\n")[:-2]
    assert all(lines)
    assert not re.search(rb"[\r\n]", b"".join(lines))


@quick
@given(mails)
def test_a_written_header_is_read_back_as_the_same_fields(raw: bytes) -> None:
    header = split(raw)[0]
    again, body = split(header.to_bytes() + b"body")
    named = [field for field in header.fields if re.match(rb"[!-9;-~]+[ \t]*:", field)]
    assert [_unended(field) for field in again.fields] == [_unended(field) for field in named]
    assert body == b"body"


@quick
@given(mails)
@example(b" first\r\n")
def test_what_is_no_field_is_kept_last_and_only_where_no_body_was_found(raw: bytes) -> None:
    written = split(raw)[0].to_bytes()
    lines = [line for line in written.split(b"\r\n") if line and not line.startswith((b" ", b"\t"))]
    named = [bool(re.match(rb"[!-9;-~]+[ \t]*:", line)) for line in lines]
    assert named == sorted(named, reverse=True)


@quick
@given(mails, st.sampled_from(NAMES))
def test_an_edit_leaves_every_other_field_as_it_came(raw: bytes, name: str) -> None:
    header = split(raw)[0]
    edited = header.edited(remove=["To"], add=[(name, "new"), ("X-New", b"caf\xe9")])
    touched = {"to", name.lower(), "x-new"}

    def others(some: Header) -> list[bytes]:
        return [
            f for f in some.fields if f.partition(b":")[0].strip().lower().decode("latin-1") not in touched
        ]

    assert others(edited) == others(header)
    assert edited.all(name) == ["new"]


@quick
@given(st.one_of(st.text(max_size=40), mails))
def test_no_value_starts_a_field_of_its_own(value: str | bytes) -> None:
    """Header injection: either it is refused, or it stays one field."""
    try:
        edited = Header((b"From: a@b.c\r\n",)).edited(add=[("X-New", value)])
    except ValueError:
        return
    fields = split(edited.to_bytes())[0].fields
    assert [field.partition(b":")[0] for field in fields] == [b"From", b"X-New"]


@quick
@given(mails)
def test_a_value_that_came_by_mail_can_be_used_again(raw: bytes) -> None:
    """As X-Original-From and Reply-To do, folds included."""
    header = split(raw)[0]
    for name in NAMES:
        value = header.raw(name)
        if value is not None:
            copy = header.edited(add=[("X-Copy", value)])
            assert copy.all("X-Copy")[-1].strip() == header.first(name).strip()


@quick
@given(mails)
def test_reading_never_fails(raw: bytes) -> None:
    header = split(raw)[0]
    for name in NAMES:
        assert len(header.all(name)) == len(header.raw_fields(name))
        assert header.first(name) == next(iter(header.all(name)), "")
        for mailbox in header.mailboxes(name):
            assert "@" in mailbox.address
            assert "\x00" not in mailbox.name + mailbox.address


def test_a_folded_field_can_be_used_again() -> None:
    header = _header(b"From: Anne\r\n <anne@example.org>")
    copy = header.edited(add=[("Reply-To", header.raw("from") or b"")])
    assert copy.raw_fields("reply-to") == [b"Reply-To: Anne\r\n <anne@example.org>\r\n"]


def test_a_replaced_field_keeps_its_place_and_a_new_one_goes_to_the_end() -> None:
    header = _header(b"A: 1", b"SUBJECT : old", b"B: 2", b"subject: older")
    edited = header.edited(add=[("Subject", "new"), ("C", "3")])
    assert edited.to_bytes() == b"A: 1\r\nSubject: new\r\nB: 2\r\nC: 3\r\n\r\n"


def test_an_appended_field_leaves_its_namesakes() -> None:
    appended = _header(b"X-Loop: a", b"To: b").appended("X-Loop", "c")
    assert appended.all("x-loop") == ["a", "c"]


@pytest.mark.parametrize("raw", [b"Subject: x\n" + b" fold\n" * 200_000, b"X-Field: y\r\n" * 100_000])
def test_a_header_of_megabytes_is_no_trouble(raw: bytes) -> None:
    header, _ = split(raw + b"\nbody")
    assert header.edited(add=[("Subject", "new")]).without(header.raw_fields("x-field")).to_bytes()


@pytest.mark.parametrize(
    "raw",
    [
        b"X: y\r\n" * (FIELDS_LIMIT + 1),
        b"junk\r\n" * (FIELDS_LIMIT + 1),
        b"X: y\r\nX: " + b"y" * HEADER_OCTETS + b"\r\n",
        b"X: y\r\nX: y" + b"\r\n y" * (HEADER_OCTETS // 4) + b"\r\n",
    ],
)
def test_a_header_beyond_all_measure_is_cut_behind_a_field(raw: bytes) -> None:
    """What is not read is not passed on; the body is found all the same."""
    header, body = split(raw + b"Bcc: late@example.org\r\n\r\nbody")
    assert (header.cut, header.has("bcc"), body) == (True, False, b"body")
    assert set(header.fields) <= {b"X: y\r\n"}
    assert not split(b"X: y\r\n" * FIELDS_LIMIT + b"\r\nbody")[0].cut
    assert not split(b"X: " + b"y" * (HEADER_OCTETS - 5) + b"\r\n\r\nbody")[0].cut


def test_addresses_without_end_are_read_up_to_a_whole_one() -> None:
    many = b", ".join(b"p%d@example.org" % number for number in range(10_000))
    found = [mailbox.address for mailbox in _header(b"From: " + many).mailboxes("from")]
    assert len(found) in range(1_000, 2_500)
    assert found == [f"p{number}@example.org" for number in range(len(found))]
    assert _header(*[b"To: " + many] * 3).mailboxes("to")[-1].address == found[-1]


@pytest.mark.parametrize(
    "value",
    [
        b"(" * 100_000 + b"a@b.c",
        b"a:" * 50_000 + b"a@b.c",
        b"a:" + b"b@c.d," * 16_000 + b";",
        b"<" * 100_000,
        b'"' * 100_001,
        b"=?a?q? " * 14_000 + b"?=",
    ],
)
def test_a_hostile_field_is_read_in_bounded_time(value: bytes) -> None:
    """Comments and groups nested without end, and everything that invites to look back."""
    header = _header(b"From: " + value)
    assert len(header.mailboxes("from")) <= 1
    assert header.first("from")


@pytest.mark.parametrize(
    ("value", "mailboxes"),
    [
        (b"Anne Martin <Anne@Example.ORG>", [("Anne Martin", "anne@example.org")]),
        (b"anne@example.org (Anne)", [("Anne", "anne@example.org")]),
        (b'"Martin, Anne" <anne@example.org>', [("Martin, Anne", "anne@example.org")]),
        (b"=?utf-8?q?H=C3=A9l=C3=A8ne?= <h@example.org>", [("Hélène", "h@example.org")]),
        ("Hélène <h@example.org>".encode(), [("Hélène", "h@example.org")]),
        ("Hélène <h@example.org>".encode("cp1252"), [("Hélène", "h@example.org")]),
        (b"a@b.fr, C <c@d.fr>", [("", "a@b.fr"), ("C", "c@d.fr")]),
        (b"Team: a@b.fr, C <c@d.fr>;", [("", "a@b.fr"), ("C", "c@d.fr")]),
        (b"a@b.fr <a@b.fr>", [("", "a@b.fr")]),
        (b"undisclosed-recipients:;", []),
        (b"a@b:;,<", [("", "a@b")]),
        (b"<", []),
        (b"Anne", []),
        (b"", []),
        (b"a\x00b@c.fr", [("", "a\ufffdb@c.fr")]),
    ],
)
def test_mailboxes(value: bytes, mailboxes: list[tuple[str, str]]) -> None:
    expected = [Mailbox(name, Address(address)) for name, address in mailboxes]
    assert _header(b"From: " + value).mailboxes("from") == expected


@pytest.mark.parametrize("value", [b"<", b"", b"<a@b", b"\xff", b"<a@b> <c@d>"])
def test_a_damaged_message_id_is_read_as_it_is(value: bytes) -> None:
    assert _header(b"Message-ID: " + value).first("message-id") == value.decode("cp1252")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("=?utf-8?q?caf=C3=A9_noir?=", "café noir"),
        ("=?UTF-8?B?Y2Fmw6k=?=", "café"),
        ("=?utf-8?b?Y2Fmw6k?=", "café"),  # without its padding
        ("=?iso-8859-1?q?caf=E9?= noir", "café noir"),
        ("=?utf-8*fr?q?caf=C3=A9?=", "café"),
        ("=?utf-8?q?a?=   =?iso-8859-1?q?=E9?=", "aé"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "é"),  # one character in two words
        ("=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"),
        ("Re: [x]=?utf-8?q?=C3=A9?=(y)", "Re: [x]é(y)"),
        ("=?utf-8?q?ca va??=", "ca va?"),
        ("é =?utf-8?q?=C3=A9?=", "é é"),
        ("=?us-ascii?q?caf=E9?=", "café"),
        ("=?unknown-8bit?q?caf=E9?=", "=?unknown-8bit?q?caf=E9?="),
        ("=?utf-8?q?abc=C3?=", "abc\ufffd"),
        ("=?nonsense?q?a?=", "=?nonsense?q?a?="),
        ("=?a\x00b?q?a?=", "=?a\ufffdb?q?a?="),
        ("=?punycode?q?a-b?=", "=?punycode?q?a-b?="),
        ("=?utf-8?b?a?=", "=?utf-8?b?a?="),
        ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
        ("=?utf-8?q?a", "=?utf-8?q?a"),
        ("=?utf-8?q?a=00=0Ab?=", "a\ufffd\nb"),
        ("=?utf-8?q?=C2=9B31m=7F?=", "\ufffd31m\ufffd"),  # CSI: a terminal would obey
        ("=?iso-8859-1?q?l=92=E9t=E9?=", "l\u2019été"),  # of cp1252, as many programs write
    ],
)
def test_encoded_words_are_read_and_what_cannot_be_read_stays(written: str, meant: str) -> None:
    assert decoded(written) == meant


@quick
@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=300))
@example("=?utf-8?q?a?= <evil@example.org>")
@example("é" * 200)
def test_what_is_encoded_is_short_ascii_lines_and_is_read_back(text: str) -> None:
    value = encoded(text)
    assert value.isascii()
    if not text.isascii():
        assert max(map(len, value.split("\r\n"))) <= 78
    unfolded = value.replace("\r\n", "")
    assert decoded(unfolded) == " ".join(text.split())
