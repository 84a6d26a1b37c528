"""The copy that members get, row by row of its table; the body never changes."""

from __future__ import annotations

import re

import pytest

from bot.core.addresses import Address
from bot.core.authentication import Policy
from bot.core.header import Header, decoded, split
from bot.core.lists import MailingList
from bot.flow.copy import list_copy, mailbox_field
from tests.unit.flow.posts import LIST, NOON, a_header, a_list


def a_copy(*lines: str | bytes, mlist: MailingList | None = None, owners: tuple[str, ...] = ()) -> Header:
    """The copy of a post with these header lines, as it is read on arrival."""
    copy = list_copy(a_header(*lines), mlist or a_list(), [Address(owner) for owner in owners])
    return split(copy.to_bytes() + b"body")[0]


# Subject: the prefix once


@pytest.mark.parametrize(
    ("subject", "copied"),
    [
        ("Panier", "[adherents] Panier"),
        ("Re: Panier", "[adherents] Re: Panier"),
        ("[adherents] Panier", "[adherents] Panier"),
        ("Re: [adherents] Panier", "Re: [adherents] Panier"),
        ("RE : [adherents] Panier", "RE : [adherents] Panier"),
        ("TR: [adherents] Panier", "TR: [adherents] Panier"),
        ("Fwd: Re: [adherents] Panier", "Fwd: Re: [adherents] Panier"),
        ("[autre] Panier", "[adherents] [autre] Panier"),
        ("=?utf-8?q?Re=3A_=5Badherents=5D_=C3=A9t=C3=A9?=", "Re: [adherents] été"),
        ("=?utf-8?q?Re=3A_=5Badher?=\r\n =?utf-8?q?ents=5D_=C3=A9t=C3=A9?=", "Re: [adherents] été"),
        ("=?utf-8?q?=C3=A9t=C3=A9?=", "[adherents] été"),
        ("=?utf-8?b?broken", "[adherents] =?utf-8?b?broken"),
        ("été", "[adherents] été"),
        ("été".encode("cp1252"), "[adherents] été"),
        ("Panier\r\n de jeudi", "[adherents] Panier de jeudi"),
        ("", "[adherents]"),
    ],
)
def test_the_prefix_is_put_once(subject: str | bytes, copied: str) -> None:
    octets = subject if isinstance(subject, bytes) else subject.encode()
    assert a_copy(b"Subject: " + octets).all("subject") == [copied]


def test_a_post_without_a_subject_gets_the_prefix_as_one() -> None:
    assert a_copy("From: anne@example.org").all("subject") == ["[adherents]"]


def test_the_authors_own_bytes_stay_behind_the_prefix() -> None:
    copy = a_copy("Subject: =?iso-8859-1?Q?=E9?=\r\n\t=?utf-8?b?w6k=?= x")
    assert copy.raw("subject") == b"[adherents] =?iso-8859-1?Q?=E9?=\r\n\t=?utf-8?b?w6k=?= x"


@pytest.mark.parametrize("subject", ["Panier", "=?utf-8?q?=C3=A9t=C3=A9?=", "été", ""])
def test_a_prefix_with_accents_is_encoded_and_one_blank_follows_it(subject: str) -> None:
    mlist = a_list(prefix="[Légumes d'été]")
    copy = a_copy(f"Subject: {subject}", mlist=mlist)
    assert copy.first("subject").strip() == f"[Légumes d'été] {decoded(subject)}".strip()
    again = a_copy(b"Subject: Re: " + (copy.raw("subject") or b""), mlist=mlist)
    assert again.first("subject") == f"Re: {copy.first('subject')}"


@pytest.mark.parametrize("prefix", ["=?utf-8?q?x?=", "AMAP:", "[a%b]", "[a\\1]", "[" + "é" * 58 + "]"])
def test_a_prefix_is_seen_as_it_was_typed(prefix: str) -> None:
    assert a_copy("Subject: Panier", mlist=a_list(prefix=prefix)).first("subject") == f"{prefix} Panier"


def test_no_prefix_leaves_the_subject_alone() -> None:
    bare = a_list(prefix="")
    assert a_copy("Subject:  été ", mlist=bare).raw_fields("subject") == ["Subject:  été \r\n".encode()]
    assert not a_copy("To: a@b.fr", mlist=bare).has("subject")


@pytest.mark.parametrize("length", [900, 950, 980, 989])
@pytest.mark.parametrize("name", ["Subject", "From", "Reply-To"])
def test_no_line_that_we_write_is_longer_than_998_octets(name: str, length: int) -> None:
    """Fields that came as one long line do not grow beyond what a relay must take."""
    value = "<anne@example.org>".rjust(length, "x") if name != "Subject" else "x" * length
    for reply_to in ("sender", "list"):
        copy = a_copy("From: anne@example.org", f"{name}: {value}", mlist=a_list(reply_to=reply_to))
        assert max(map(len, copy.to_bytes().split(b"\r\n"))) <= 998


# From, X-Original-From and Reply-To, decided together

ANNE = "From: Anne Martin <anne@example.org>"
OWN = "From: Bureau <bureau@amap.example>"
VIA = '"Anne Martin via adherents" <adherents@amap.example>'
ASKED = "Reply-To: Boris <boris@example.org>"


@pytest.mark.parametrize(
    ("rewrite", "reply_to", "lines", "from_", "answers"),
    [
        ("foreign", "sender", [ANNE], VIA, "Anne Martin <anne@example.org>"),
        ("foreign", "sender", [ANNE, ASKED], VIA, "Boris <boris@example.org>"),
        ("foreign", "sender", [OWN], None, "Bureau <bureau@amap.example>"),
        ("foreign", "sender", [OWN, ASKED], None, "Boris <boris@example.org>"),
        ("foreign", "list", [ANNE], VIA, f"{LIST}, Anne Martin <anne@example.org>"),
        ("foreign", "list", [ANNE, ASKED], VIA, f"{LIST}, Boris <boris@example.org>"),
        ("foreign", "list", [ANNE, f"Reply-To: <{LIST}>"], VIA, LIST),
        ("foreign", "list", [OWN], None, LIST),
        ("foreign", "list", [OWN, ASKED], None, LIST),
        ("dmarc", "sender", [ANNE], VIA, "Anne Martin <anne@example.org>"),
        ("dmarc", "list", [OWN], None, LIST),
        ("never", "sender", [ANNE], None, "Anne Martin <anne@example.org>"),
        ("never", "sender", [ANNE, ASKED], None, "Boris <boris@example.org>"),
        ("never", "list", [ANNE], None, LIST),
        ("always", "sender", [OWN], '"Bureau via adherents" <adherents@amap.example>', OWN[6:]),
        ("always", "list", [OWN], '"Bureau via adherents" <adherents@amap.example>', f"{LIST}, {OWN[6:]}"),
        ("foreign", "sender", [ANNE, "Reply-To: nobody"], VIA, "Anne Martin <anne@example.org>"),
    ],
)
def test_the_author_stays_answerable(
    rewrite: str, reply_to: str, lines: list[str], from_: str | None, answers: str
) -> None:
    """`from_` None: left as it came, and then there is no X-Original-From."""
    copy = a_copy(*lines, mlist=a_list(rewrite_from=rewrite, reply_to=reply_to))
    assert copy.all("from") == [from_ or lines[0].removeprefix("From: ")]
    assert copy.all("reply-to") == [answers]
    assert copy.all("x-original-from") == ([lines[0].removeprefix("From: ")] if from_ else [])


@pytest.mark.parametrize(
    ("policy", "author", "rewritten"),
    [
        (Policy.NONE, "anne@example.org", False),
        (Policy.QUARANTINE, "anne@example.org", True),
        (Policy.REJECT, "anne@example.org", True),
        (Policy.UNKNOWN, "anne@example.org", True),  # a copy with another From arrives in any case
        (Policy.REJECT, "bureau@amap.example", False),  # the list's own host vouches for it
        (Policy.NONE, "anne@gmail.com", True),  # refuses mail in its name, whatever it publishes
    ],
)
def test_only_a_strict_domain_is_rewritten_where_the_list_says_dmarc(
    policy: Policy, author: str, rewritten: bool
) -> None:
    mlist = a_list(rewrite_from="dmarc")
    copy = list_copy(a_header(f"From: {author}"), mlist, [], policy)
    assert copy.has("x-original-from") is rewritten


@pytest.mark.parametrize(
    ("author", "shown"),
    [
        ("anne@example.org", '"anne via adherents"'),
        ('"Martin, Anne" <a@example.org>', '"Martin, Anne via adherents"'),
        (r'"Anne \"la\" Martin" <a@example.org>', r'"Anne \"la\" Martin via adherents"'),
        (r'"back\\slash" <a@example.org>', r'"back\\slash via adherents"'),
        ("=?utf-8?q?H=C3=A9l=C3=A8ne?= <h@example.org>", "Hélène via adherents"),
        ("Hélène <h@example.org>", "Hélène via adherents"),
        ("a@example.org, B <b@example.org>", '"a, B via adherents"'),
        ("Anne: a@example.org;", '"a via adherents"'),
        ("anne@example.org <anne@example.org>", '"anne via adherents"'),
    ],
)
def test_a_rewritten_from_names_the_authors(author: str, shown: str) -> None:
    copy = a_copy(f"From: {author}")
    assert copy.first("from") == f"{shown} <{LIST}>"
    assert [mailbox.address for mailbox in copy.mailboxes("from")] == [LIST]
    assert copy.raw("x-original-from") == author.encode()


def test_several_authors_are_rewritten_if_one_is_foreign() -> None:
    copy = a_copy("From: bureau@amap.example, anne@example.org")
    assert copy.first("from") == f'"bureau, anne via adherents" <{LIST}>'
    assert copy.first("reply-to") == "bureau@amap.example, anne@example.org"


@pytest.mark.parametrize("rewrite", ["foreign", "never"])
def test_whoever_stands_in_a_second_field_is_not_lost(rewrite: str) -> None:
    """Wrong (RFC 5322 section 3.6), and seen: both authors stay answerable, and Reply-To likewise."""
    mlist, both = a_list(rewrite_from=rewrite), "Anne Martin <anne@example.org>, Eve <eve@x.example>"
    copy = a_copy(ANNE, "From: Eve <eve@x.example>", mlist=mlist)
    assert copy.all("reply-to") == [both]
    assert copy.all("x-original-from") == ([both] if rewrite == "foreign" else [])
    asked = a_copy(ANNE, ASKED, "Reply-To: c@example.org", mlist=mlist)
    assert asked.all("reply-to") == ["Boris <boris@example.org>, c@example.org"]


@pytest.mark.parametrize("rewrite", ["foreign", "never"])
@pytest.mark.parametrize("lines", [[], ["From: "], ["From: nobody"], ["From: <"]])
def test_a_post_without_an_author_comes_from_the_list(rewrite: str, lines: list[str]) -> None:
    """A relay would not take it without From; nobody can be answered."""
    copy = a_copy(*lines, "To: a@b.fr", mlist=a_list(rewrite_from=rewrite))
    assert copy.all("from") == [f'"adherents" <{LIST}>']
    assert not copy.has("reply-to")


def test_a_display_name_cannot_add_an_author() -> None:
    """An encoded word may hold another one, and what it holds is only a name."""
    inner = "=?utf-8?q?x?=, evil@example.org <"
    hidden = "".join(f"={octet:02X}" for octet in inner.encode())
    copy = a_copy(f"From: =?utf-8?q?{hidden}?= <anne@example.org>")
    assert [mailbox.address for mailbox in copy.mailboxes("from")] == [LIST]
    assert inner in copy.first("from")


@pytest.mark.parametrize("name", ["x" * 5_000, "é" * 5_000, 'q"' * 300])
def test_a_name_without_end_is_cut(name: str) -> None:
    copy = a_copy(f'From: "{name.replace(chr(34), chr(92) + chr(34))}" <anne@example.org>')
    assert all(len(line) <= 998 for line in copy.raw_fields("from")[0].split(b"\r\n"))
    assert "via adherents" in copy.first("from")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("", "<a@b.fr>"),
        ("  ", "<a@b.fr>"),
        ("AMAP", '"AMAP" <a@b.fr>'),
        ("A, B", '"A, B" <a@b.fr>'),
        ("two\r\nlines", '"two lines" <a@b.fr>'),
        ("été", "=?utf-8?b?w6l0w6k=?= <a@b.fr>"),
    ],
)
def test_a_mailbox_is_written_so_that_it_can_be_read(name: str, written: str) -> None:
    assert mailbox_field(name, "a@b.fr") == written


# What receivers insist on


@pytest.mark.parametrize("lines", [[], ["Message-ID: 42"], ["Message-ID: <>"]])
def test_a_post_that_lacks_a_message_id_or_a_date_gets_them(lines: list[str]) -> None:
    """Many mails lack a valid Message-ID (karastojko/mailio#54)."""
    copy = list_copy(a_header(f"From: {ANNE}", *lines), a_list(), [], at=NOON)
    assert re.fullmatch(r"<[^<>@]+@amap\.example>", copy.first("message-id"))
    assert copy.all("date") == ["Sun, 22 Nov 2026 11:00:00 +0000"]


def test_those_that_are_there_are_kept() -> None:
    """Amapress dropped In-Reply-To, References and Date: threads broke (its CHANGELOG, 0.82.10)."""
    given = [
        "Message-ID: <1@x.fr>",
        "Date: Tue,\t3 Mar 1901 25:00",
        "In-Reply-To: <0@x.fr>",
        "References: <0@x.fr>",
    ]
    copy = list_copy(a_header(f"From: {ANNE}", *given), a_list(), [], at=NOON)
    assert all(line.encode() in copy.to_bytes() for line in given)


# The list's own fields


def test_the_list_puts_its_fields() -> None:
    copy = a_copy(ANNE, mlist=a_list(description="Les adhérents"), owners=("anne@example.org", "x@y.fr"))
    assert {
        "Sender": [LIST],
        "List-Id": ["Les adhérents <adherents.amap.example>"],
        "List-Post": [f"<mailto:{LIST}>"],
        "List-Unsubscribe": [f"<mailto:{LIST}?subject=unsubscribe>"],
        "List-Owner": ["<mailto:anne@example.org>, <mailto:x@y.fr>"],
        "Precedence": ["list"],
        "X-Loop": [LIST],
    } == {name: copy.all(name) for name in _LIST_FIELDS}


_LIST_FIELDS = ("Sender", "List-Id", "List-Post", "List-Unsubscribe", "List-Owner", "Precedence", "X-Loop")


def test_fields_of_another_list_are_replaced_and_its_x_loop_stays() -> None:
    theirs = [f"{name}: other@lists.example" for name in _LIST_FIELDS]
    copy = a_copy(ANNE, *theirs, "list-id: <another.example>")
    assert all(len(copy.all(name)) == 1 for name in _LIST_FIELDS[:-1])
    assert copy.all("x-loop") == ["other@lists.example", LIST]
    assert b"other@lists.example" not in copy.edited(remove=["X-Loop"]).to_bytes()


@pytest.mark.parametrize(
    ("description", "list_id"),
    [
        ("", "<adherents.amap.example>"),
        ("Les paniers", '"Les paniers" <adherents.amap.example>'),
        ('Les "paniers"', r'"Les \"paniers\"" <adherents.amap.example>'),
        ("Chèvres <&> œufs", "Chèvres <&> œufs <adherents.amap.example>"),
    ],
)
def test_the_description_stands_in_list_id(description: str, list_id: str) -> None:
    copy = a_copy(ANNE, mlist=a_list(description=description))
    assert copy.all("list-id") == [list_id]
    assert (copy.raw("list-id") or b"").isascii()


def test_without_owners_the_list_is_its_own() -> None:
    assert a_copy(ANNE).all("list-owner") == [f"<mailto:{LIST}>"]


def test_odd_owners_are_percent_encoded_and_many_are_folded() -> None:
    copy = a_copy(ANNE, owners=("a?b&c%@example.org", "élodie@example.org", *["anne@example.org"] * 100))
    assert copy.first("list-owner").startswith(
        "<mailto:a%3Fb%26c%25@example.org>, <mailto:%C3%A9lodie@example.org>, "
    )
    assert max(map(len, copy.to_bytes().split(b"\r\n"))) <= 998


# What is removed, what is kept


@pytest.mark.parametrize(
    "name",
    [
        "Bcc", "BCC", "Return-Path", "Delivered-To", "X-Original-To",
        "Disposition-Notification-To", "Return-Receipt-To", "Resent-Bcc",
        "List-Help", "List-Subscribe", "List-Archive", "List-Unsubscribe-Post",
    ],
)  # fmt: skip
def test_what_concerns_the_first_delivery_or_another_list_is_removed(name: str) -> None:
    assert not a_copy(ANNE, f"{name}: x@example.org", f"{name} : y@example.org").has(name)


@pytest.mark.parametrize(
    "field",
    [
        "Message-ID: <1@example.org>",
        "In-Reply-To: <0@example.org>",
        "References: <0@example.org>\r\n <00@example.org>",
        "Date: not a date",
        "To: adherents@amap.example",
        "CC:anne@example.org",
        "Received: from a\r\n\tby b; today",
        "X-Spam-Flag: NO",
        "Content-Type: text/plain;\r\n charset=utf-8",
        "MIME-Version : 1.0",
        "X-Odd:",
        "X-Eight-Bit: été",
    ],
)
def test_other_fields_keep_their_bytes(field: str) -> None:
    name = field.partition(":")[0].strip()
    assert a_copy(field, ANNE, mlist=a_list(auth_host="mx.amap.example")).raw_fields(name) == [
        field.encode() + b"\r\n"
    ]


def test_the_order_of_the_fields_is_kept() -> None:
    copy = a_copy("Received: a", ANNE, "To: b", "Subject: c", "Date: d", "X-End: e")
    names = [field.partition(b":")[0].decode() for field in copy.fields]
    assert names[:6] == ["Received", "From", "To", "Subject", "Date", "X-End"]


@pytest.mark.parametrize(
    ("result", "kept"),
    [
        ("mx.amap.example; spf=pass", False),
        ("MX.amap.example 1; dkim=pass", False),
        ("\r\n mx.amap.example;\r\n dmarc=fail", False),
        ("mx.amap.example", False),
        ("other.example; spf=pass", True),
        ("mx.amap.example.evil.example; spf=pass", True),
    ],
)
def test_results_that_claim_to_be_of_our_host_are_removed(result: str, kept: bool) -> None:
    field = f"Authentication-Results: {result}"
    assert (
        a_copy(ANNE, field, mlist=a_list(auth_host="mx.amap.example")).has("authentication-results") is kept
    )
    assert a_copy(ANNE, field).has("authentication-results")


@pytest.mark.parametrize(
    ("signature", "kept"),
    [
        ("v=1; a=rsa-sha256; h=From:To; bh=x; b=y", False),
        ("v=1; h=to:date:message-id; b=y", True),
        ("v=1; h=to : \r\n\tsubject; b=y", False),
        ("v=1;\r\n\tbh=from;\r\n\th=To:Date; b=y", True),
        ("v=1; h=to:sender; b=y", False),  # signed as absent (RFC 6376 section 5.4.2)
        ("v=1; h=to:x-absent; b=y", True),
        ("v=1; h=to:x-loop; b=y", False),
        ("v=1; h=return-path; b=y", False),
        ("nonsense", True),
    ],
)
def test_a_signature_stays_as_long_as_it_is_whole(signature: str, kept: bool) -> None:
    lines = (
        ANNE,
        "Return-Path: <anne@example.org>",
        "To: x@y.fr",
        "Date: d",
        "Message-ID: <1@x>",
        "Subject: s",
    )
    assert a_copy(*lines, f"DKIM-Signature: {signature}").has("dkim-signature") is kept


def test_each_signature_is_judged_alone() -> None:
    copy = a_copy(ANNE, "DKIM-Signature: h=from; b=1", "DKIM-Signature: h=date; b=2", "Date: d")
    assert copy.all("dkim-signature") == ["h=date; b=2"]


def test_nothing_signed_that_did_not_change_breaks_a_signature() -> None:
    """The list's own domain, prefix there already, Reply-To of the author: From and Subject are as before."""
    copy = a_copy(OWN, "Subject: Re: [adherents] x", ASKED, "DKIM-Signature: h=from:subject:reply-to; b=1")
    assert copy.has("dkim-signature")


def test_a_header_full_of_signatures_is_no_trouble() -> None:
    many = [f"DKIM-Signature: h=from:to:x-{number}; b=1" for number in range(10_000)]
    results = ["Authentication-Results: mx; spf=pass"] * 10_000
    copy = a_copy(ANNE, *many, *results, mlist=a_list(auth_host="mx"))
    assert not copy.has("dkim-signature")
