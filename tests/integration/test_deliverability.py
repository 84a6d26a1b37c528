"""What Gmail and Yahoo ask of senders (docs/deliverability.md), checked on what the relay took."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from bot.core.addresses import domain_of
from bot.core.header import Header, split
from bot.flow.dmarc import STRICT_PROVIDERS
from tests.integration.test_dmarc_copies import signed, verifies
from tests.support.smtp_server import Taken
from tests.support.world import World, mail

DOCUMENT = Path(__file__).parents[2] / "docs" / "deliverability.md"
ANNE = "anne@example.org"
OURS = (
    "from", "sender", "list-id", "list-post", "list-unsubscribe", "list-owner", "precedence", "message-id",
    "date",
)  # fmt: skip
"""Fields that are written here, as far as no author's bytes are kept in them."""


def is_copy(header: Header) -> bool:
    return header.has("list-id")


def envelope(taken: Taken, header: Header) -> bool:
    return domain_of(taken.mail_from) == "example.test" == domain_of(header.mailboxes("from")[0].address)


def no_provider(taken: Taken, header: Header) -> bool:
    return not any(domain_of(author.address) in STRICT_PROVIDERS for author in header.mailboxes("from"))


def one_author(taken: Taken, header: Header) -> bool:
    return len(header.raw_fields("from")) == len(header.mailboxes("from")) == 1


def signature(taken: Taken, header: Header) -> bool:
    return not header.has("dkim-signature") or verifies(taken.raw)


def identity(taken: Taken, header: Header) -> bool:
    once = all(len(header.raw_fields(name)) == 1 for name in ("from", "date", "message-id", "subject"))
    return once and bool(re.fullmatch(r"<[^<>\s@]+@[^<>\s@]+>", header.first("message-id")))


def line_ends(taken: Taken, header: Header) -> bool:
    return not re.search(rb"[\r\n]", taken.raw.replace(b"\r\n", b""))


def our_fields(taken: Taken, header: Header) -> bool:
    lines = [line for name in OURS for field in header.raw_fields(name) for line in field.split(b"\r\n")]
    return all(line.isascii() and len(line) <= 998 for line in lines)


def says_list(taken: Taken, header: Header) -> bool:
    fields = ("list-id", "list-post", "list-owner", "sender", "x-loop")
    return header.first("precedence") == "list" and all(header.has(name) for name in fields)


def may_leave(taken: Taken, header: Header) -> bool:
    return header.all("list-unsubscribe") == [f"<mailto:{taken.mail_from}?subject=unsubscribe>"]


def says_automatic(taken: Taken, header: Header) -> bool:
    return header.has("auto-submitted") and header.first("x-auto-response-suppress") == "All"


def honest(taken: Taken, header: Header) -> bool:
    [author] = header.mailboxes("from")
    return (author.address != taken.mail_from or " via " in author.name) and "[list" in header.first(
        "subject"
    )


COPIES: dict[str, Callable[[Taken, Header], bool]] = {
    "one From, with one address": one_author,
    "mailing lists say so: List-Id": says_list,
    "an easy way to leave": may_leave,
    "subjects and sender names mislead nobody": honest,
}
NOTICES: dict[str, Callable[[Taken, Header], bool]] = {"automatic mail says so": says_automatic}
EVERYTHING: dict[str, Callable[[Taken, Header], bool]] = {
    "the envelope sender is of the sending domain": envelope,
    "From is aligned with what is authenticated; DMARC, `p=none` at least (*bulk*)": envelope,
    "no From of a provider's own domain, such as gmail.com": no_provider,
    "signatures verify": signature,
    "RFC 5322: From, Date and Message-ID are there, once": identity,
    "RFC 5321: no bare CR or LF": line_ends,
    "fields that are written here are ASCII and of at most 998 octets a line": our_fields,
}


async def record(world: World) -> list[tuple[Taken, Header]]:
    """Copies and notices of mail as the world writes it."""
    await world.add_list(moderation="open", notify_auto="yes", notify_unknown="yes", description="Légumes")
    await world.members(ANNE, "bruno@gmail.com")
    nobody = b"From: =?utf-8?q?H=C3=A9l=C3=A8ne?= <helene@yahoo.fr>\r\nSubject: \xe9t\xe9\r\n\r\nseul\n\rici"
    await world.deliver(
        mail(author="Paul <paul@gmail.com>", to=world.address),
        mail(author="Paul <paul@gmail.com>, Zoé <zoe@yahoo.fr>", List_Id="<other.example.net>"),
        signed(mail(author="Paul <p@nothing.example.com>"), "from", "subject", "date"),
        signed(mail(author="Paul <p@example.test>"), "from", "date", domain="example.test"),
        mail(author=f"{'É' * 300} <long@example.net>", subject="x" * 3_000, Reply_To="a@example.org"),
        mail(author=ANNE, subject=f"Re: [{world.name}] =?utf-8?b?w6k=?=", body=b"sans fin"),
        nobody,
    )
    return [(taken, split(taken.raw)[0]) for taken in world.copies()]


async def test_every_rule_that_is_ours_holds_for_what_was_recorded(world: World) -> None:
    recorded = await record(world)
    copies = [each for each in recorded if is_copy(each[1])]
    notices = [each for each in recorded if not is_copy(each[1])]
    assert (len(copies), len(notices)) == (7, 6)
    for rules, mails in ((COPIES, copies), (NOTICES, notices), (EVERYTHING, recorded)):
        for rule, holds in rules.items():
            broken = [header.first("from") for taken, header in mails if not holds(taken, header)]
            assert broken == [], rule
    assert any(header.has("dkim-signature") for _, header in copies)


def test_every_rule_that_is_ours_is_checked_here_or_names_its_test() -> None:
    rows = [
        line.strip("| ").split(" | ") for line in DOCUMENT.read_text().splitlines() if line.startswith("|")
    ]
    ours = {rule: how for rule, who, how in rows if who == "facteur"}
    checked = {*COPIES, *NOTICES, *EVERYTHING}
    assert checked <= ours.keys()
    for rule in ours.keys() - checked:
        for name in re.findall(r"`(test_\w+\.py)`", ours[rule]):
            assert (Path(__file__).parent / name).exists(), name
    unproven = {rule for rule in ours.keys() - checked if "test_" not in ours[rule]}
    assert unproven == {"few complaints: below 0.1 %, never 0.3 %"}
