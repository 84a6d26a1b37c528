"""The copy of whatever came: one clean header, the list's fields, the body as it was."""

from __future__ import annotations

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.header import split
from bot.core.lists import MailingList
from bot.flow.copy import list_copy
from tests.unit.flow.posts import a_list

quick = settings(max_examples=150)

_LIST_FIELDS = ("Sender", "List-Id", "List-Post", "List-Unsubscribe", "List-Owner", "Precedence")

_TOUCHED = re.compile(
    rb"(subject|from|x-original-from|reply-to|sender|list-(id|post|unsubscribe|owner)|precedence|x-loop|bcc"
    rb"|resent-bcc|return-path|delivered-to|x-original-to|disposition-notification-to|return-receipt-to|message-id"
    rb"|authentication-results|dkim-signature)[ \t]*:",
    re.IGNORECASE,
)
_FIELDS = [
    b"From: ", b"Subject: ", b"Reply-To:", b"X-Other: ", b"To: ", b"Date:", b"DKIM-Signature: h=from",
    b"\r\n", b"\n", b"\r", b"\r\n ", b"\n\t", b" ", b"a@b.fr", b"<", b">", b'"', b",", b"(", b"\xe9", b"\x00",
    b"=?utf-8?q?=C3=A9?=", b"=?utf-8?q?=0D=0AX:?=", b"[adherents]", b"junk", b"\xef\xbb\xbf",
]  # fmt: skip
raws = st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(_FIELDS), max_size=40).map(b"".join))
lists = st.sampled_from(
    [
        a_list(),
        a_list(description='Été "A", B', prefix="[é]", reply_to="list", rewrite_from="always"),
        a_list(reply_to="list", rewrite_from="never", auth_host="mx", prefix=""),
    ]
)


def _unended(fields: list[bytes]) -> list[bytes]:
    return [re.sub(rb"[\r\n]", b"", field) for field in fields]


@quick
@given(raws, lists, st.binary(max_size=100))
@example(b"From: a\r\n b <a@b.fr>\r\n", a_list(), b"\r\n.\r\n")
def test_whatever_came_the_copy_is_one_clean_header_and_the_same_body(
    raw: bytes, mlist: MailingList, body: bytes
) -> None:
    original, old_body = split(raw + b"\r\n\r\n" + body)
    sent = list_copy(original, mlist, []).to_bytes() + old_body
    copy, new_body = split(sent)
    assert new_body == old_body
    header = sent[: len(sent) - len(new_body)]
    assert header.endswith(b"\r\n\r\n")
    assert not re.search(rb"[\r\n]", header.replace(b"\r\n", b""))
    assert all(header.split(b"\r\n")[:-2])
    untouched = [field for field in original.fields if not _TOUCHED.match(field)]
    assert _unended([field for field in copy.fields if not _TOUCHED.match(field)]) == _unended(untouched)


@quick
@given(raws, lists)
def test_whatever_came_the_lists_fields_are_ascii_and_there_once(raw: bytes, mlist: MailingList) -> None:
    copy = list_copy(split(raw)[0], mlist, [])
    for name in _LIST_FIELDS:
        [field] = copy.raw_fields(name)
        assert field.isascii()
    assert len(copy.raw_fields("from")) >= 1
    if copy.has("x-original-from"):
        assert copy.raw_fields("from")[0].isascii()
