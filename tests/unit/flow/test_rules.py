"""Screening: each rule alone, and the table from top to bottom."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.authentication import Authentication, Finding
from bot.core.lists import MailingList
from bot.core.people import Ban, Role, Standing
from bot.core.posts import Disposition, Unread, Verdict
from bot.core.text import Text
from bot.flow.rules import CHAIN, Evidence
from bot.flow.screening import judge
from tests.unit.flow.posts import LIST, NOON, a_header, a_list, a_post

STRANGER = Standing(known=False, roles=frozenset())
KNOWN = Standing(known=True, roles=frozenset())
ACCEPT, HOLD, DISCARD = Disposition.ACCEPT, Disposition.HOLD, Disposition.DISCARD
ANNE = "anne@example.org"


def having(*roles: Role) -> Standing:
    return Standing(known=True, roles=frozenset(roles))


MEMBER = having(Role.MEMBER)
MODERATOR = having(Role.MODERATOR)


def evidence(
    *lines: str,
    authors: tuple[str, ...] = (ANNE,),
    standing: Standing | tuple[Standing, ...] = MODERATOR,
    mlist: MailingList | None = None,
    folder: str = "INBOX",
    size_octets: int = 1_000,
    bans: tuple[str, ...] = (),
    repeated: bool = False,
    old: bool = False,
    spam_headers: tuple[str, ...] = (),
    subject: str = "Panier",
    text: str = "",
) -> Evidence:
    """A post of Anne, a moderator, to an ordinary list, unless told otherwise: it would be accepted."""
    standings = standing if isinstance(standing, tuple) else (standing,) * len(authors)
    return Evidence(
        post=replace(
            a_post(*authors, subject=subject, folder=folder, size_octets=size_octets, old=old), text=text
        ),
        header=a_header(*lines),
        mlist=mlist or a_list(),
        standings=standings,
        bans=[Ban(pattern, None, "local:anne", NOON) for pattern in bans],
        repeated=repeated,
        spam_headers=spam_headers,
    )


def verdict(*lines: str, **of: object) -> tuple[str, Disposition]:
    judged = judge(evidence(*lines, **of))  # type: ignore[arg-type]  # as `evidence` takes them
    return judged.rule, judged.disposition


PASSES = ("moderator", ACCEPT)


def test_an_ordinary_post_of_a_moderator_passes() -> None:
    assert verdict("From: anne@example.org", f"To: {LIST}", "Auto-Submitted: no", "Received: a") == PASSES


def test_no_opinion_means_hold() -> None:
    silent = judge(evidence(), chain=())
    assert (silent.rule, silent.disposition) == ("default", HOLD)


def test_every_verdict_says_why_in_a_sentence() -> None:
    strangers = [
        evidence(*lines, standing=STRANGER) for lines in (["X-Loop: " + LIST], ["X-Spam-Flag: YES"], [])
    ]
    assert [str(judge(case).reason) for case in strangers] == [
        "this list has distributed it already",
        "the mail provider takes it for spam",
        "nobody knows the author",
    ]


# test


def test_a_test_post_waits_whatever_the_settings_are() -> None:
    wanted = a_list(moderation="open", unknown_senders="discard")
    line = "X-Facteur-Test: yes"
    assert verdict(line, authors=(LIST,), standing=STRANGER, mlist=wanted) == ("test", HOLD)
    assert verdict(line) == ("test", HOLD)


def test_a_field_that_anybody_can_write_lets_nobody_in() -> None:
    line, strict = "X-Facteur-Test: yes", a_list(unknown_senders="discard")
    assert verdict(line, bans=("anne@example.org",)) == ("banned", DISCARD)
    assert verdict(line, standing=STRANGER, mlist=strict) == ("unknown", DISCARD)


# loop


@pytest.mark.parametrize(
    "field",
    [
        "List-Id: Les adherents <adherents.amap.example>",
        "List-Id: adherents.amap.example",
        "List-ID: <ADHERENTS.amap.example> (our list)",
        "List-Id: =?utf-8?q?=C3=A9?= <adherents.amap.example>",
        f"List-Post: <mailto:{LIST}>",
        f"List-Post: <https://lists.example/post>, <mailto:{LIST}?subject=post>",
        f"X-Loop: {LIST}",
        f"X-LOOP: <{LIST.upper()}>",
    ],
)
def test_loop_discards_what_this_list_has_distributed(field: str) -> None:
    """A list may be a member of another."""
    assert verdict("X-Loop: other@lists.example", field) == ("loop", DISCARD)


@pytest.mark.parametrize(
    "field",
    [
        "List-Id: <adherents.other.example>",
        "List-Post: NO",
        "List-Post: <mailto:other@lists.example>",
        "X-Loop: other@lists.example",
        f"X-Loop: x{LIST}",
        f"Subject: about {LIST}",
    ],
)
def test_mail_of_another_list_is_no_loop(field: str) -> None:
    assert verdict(field) == PASSES


def test_loop_holds_what_went_through_too_many_servers() -> None:
    assert verdict(*["Received: x"] * 31) == ("loop", HOLD)
    assert verdict(*["Received: x"] * 30) == PASSES


# auto-reply and bounce


@pytest.mark.parametrize(
    "lines",
    [
        ["Auto-Submitted: auto-replied"],
        ["Auto-Submitted: Auto-Replied; owner-email=x@y.fr"],
        ["Auto-Submitted: auto-replied (vacation)"],
        ["X-Autoreply: yes"],
        ["X-Autorespond: Absence"],
        ["Precedence: auto_reply"],
        ["Return-Path: <>", "Subject: Absence : je reviens lundi"],
        ["Return-Path: <>", "Subject: =?utf-8?q?R=C3=A9ponse_automatique?= : Panier"],
        ["Return-Path: <>", "Subject: Automatic reply: Panier"],
        ["Precedence: bulk", "Subject: Absence du bureau : Panier"],
        ["Precedence: junk", "Subject: away"],
    ],
)
def test_vacation_answers_are_never_distributed(lines: list[str]) -> None:
    """Amapress distributed them like any mail; answered, they loop (RFC 3834)."""
    assert verdict(*lines) == ("auto-reply", DISCARD)


@pytest.mark.parametrize("subject", ["Absence de Paul", "Automatic watering", "Away for a week"])
def test_a_person_may_write_about_an_absence(subject: str) -> None:
    assert verdict(f"Subject: {subject}", "Return-Path: <anne@example.org>") == PASSES


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Type: multipart/report; report-type=delivery-status; boundary=x"],
        ['Content-Type: multipart/report;\r\n boundary=x;\r\n report-type="feedback-report"'],
        ["Content-Type: multipart/report; report-type=disposition-notification"],
        ["Content-Type: multipart/report; report-type=delivery-status", "Return-Path: <>", "Subject: Absent"],
        ["Return-Path: <>"],
        ["Return-Path:  < > "],
    ],
)
def test_a_report_is_not_a_post(lines: list[str]) -> None:
    assert verdict(*lines) == ("bounce", DISCARD)


@pytest.mark.parametrize("local", ["mailer-daemon", "mail-daemon", "mdaemon", "postmaster"])
def test_mailer_daemon_and_kin_are_never_distributed(local: str) -> None:
    assert verdict(authors=(f"{local}@example.org",)) == ("bounce", DISCARD)


@pytest.mark.parametrize(
    "lines", [[], ["Return-Path: <anne@example.org>"], ["Return-Path:"], ["Return-Path: "]]
)
def test_an_ordinary_return_path_is_no_bounce(lines: list[str]) -> None:
    assert verdict(*lines) == PASSES


@pytest.mark.parametrize("local", ["abuse", "sympa", "mailman", "mailman-bounces", "majordomo"])
@pytest.mark.parametrize("moderation", ["all", "non_members", "open"])
def test_list_servers_and_complaints_desks_wait_for_a_person(local: str, moderation: str) -> None:
    """As in Amapress, abuse, sympa, mailman never pass by themselves, not even as members."""
    mlist = a_list(moderation=moderation)
    assert verdict(authors=(f"{local}@example.org",), standing=MEMBER, mlist=mlist) == ("automatic", HOLD)


# duplicate, no-author, banned, unknown, paused


def test_the_same_mail_is_taken_once() -> None:
    assert verdict(repeated=True) == ("duplicate", DISCARD)


@pytest.mark.parametrize("moderation", ["all", "non_members", "open"])
def test_a_post_without_an_author_is_held_on_every_list(moderation: str) -> None:
    assert verdict(authors=(), mlist=a_list(moderation=moderation)) == ("no-author", HOLD)


@pytest.mark.parametrize("pattern", ["anne@example.org", "*@example.org", "/^an+e@/"])
def test_a_ban_comes_before_every_role(pattern: str) -> None:
    assert verdict(bans=("x@y.fr", pattern)) == ("banned", DISCARD)


def test_one_banned_author_among_several_is_enough() -> None:
    assert verdict(authors=("x@y.fr", ANNE), bans=(ANNE,)) == ("banned", DISCARD)


@pytest.mark.parametrize(
    ("moderation", "standing", "rule"),
    [
        ("all", STRANGER, "unknown"),
        ("non_members", STRANGER, "unknown"),
        ("open", STRANGER, "open"),
        ("all", KNOWN, "default"),
        ("non_members", KNOWN, "default"),
    ],
)
def test_strangers_are_discarded_where_the_list_says_so_but_never_on_an_open_one(
    moderation: str, standing: Standing, rule: str
) -> None:
    """Amapress dropped senders without an account before it read the mode."""
    mlist = a_list(moderation=moderation, unknown_senders="discard")
    assert verdict(standing=standing, mlist=mlist)[0] == rule


def test_one_known_author_among_several_is_no_stranger() -> None:
    mlist = a_list(unknown_senders="discard")
    assert verdict(authors=("x@y.fr", ANNE), standing=(STRANGER, KNOWN), mlist=mlist) == ("default", HOLD)


def test_a_paused_list_holds_even_its_moderators() -> None:
    assert verdict(mlist=replace(a_list(), paused=True)) == ("paused", HOLD)


# leave, confirm

DISCARDED, HELD = ("leave", DISCARD), ("leave", HOLD)


def test_leave_is_no_post() -> None:
    """What List-Unsubscribe of every copy writes would else go to all members."""
    assert verdict(subject="unsubscribe") == DISCARDED


def test_leave_holds_what_may_be_a_post_after_all() -> None:
    asked = judge(evidence(subject="Désinscription", text="Les tomates coûtent deux euros. " * 9))
    assert (asked.rule, asked.disposition) == HELD
    assert f"/delmember adherents {ANNE}" in str(asked.reason)


def test_leave_names_nobody_whom_its_author_only_looks_like() -> None:
    anne = "anne@example.org\u200b.example.net"
    asked = judge(evidence(subject="Désinscription ?", text="Quand ?", authors=(anne,)))
    assert "\u200b" not in str(asked.reason)


@pytest.mark.parametrize(
    "lines",
    [
        ["Auto-Submitted: auto-generated"],
        ["X-Spam-Flag: YES"],
        ["Precedence: bulk"],
        ["List-Id: <other.example>"],
    ],
)
def test_leave_asks_nobody_because_of_what_a_program_wrote(lines: list[str]) -> None:
    assert verdict(*lines, subject="unsubscribe")[0] != "leave"


@pytest.mark.parametrize(
    "of",
    [
        {"old": True},
        {"authors": (ANNE, "x@y.fr"), "standing": (MODERATOR, STRANGER)},
        {"authors": ("mailman@example.org",)},
        {"authors": ("x@y.fr",), "standing": STRANGER, "bans": ("x@y.fr",)},
        {"authors": ("x@y.fr",), "standing": STRANGER, "mlist": a_list(unknown_senders="discard")},
    ],
)
def test_leave_asks_nobody_who_may_not_have_written_it_or_is_not_heard(of: dict[str, object]) -> None:
    assert verdict(subject="unsubscribe", **of)[0] != "leave"


def test_leave_is_for_banned_members_too() -> None:
    assert verdict(subject="unsubscribe", bans=(ANNE,), standing=MEMBER) == DISCARDED


@pytest.mark.parametrize("finding", [Finding.FORGED, Finding.UNPROVEN])
def test_leave_asks_nobody_who_seems_to_be_imitated(finding: Finding) -> None:
    found = Authentication(finding=finding, said=Text("it is not Anne's"))
    doubtful = replace(evidence(subject="unsubscribe"), authentication=found)
    assert judge(doubtful).rule == "forged"


TOKEN = "0123456789abcdef0123"
QUESTION = f"<facteur-leave-{TOKEN}@amap.example>"


@pytest.mark.parametrize(
    ("lines", "rule"),
    [
        ([f"In-Reply-To: {QUESTION}"], "confirm"),
        ([f"References: <1@x.fr> {QUESTION}"], "confirm"),
        ([f"Subject: RE: Quitter la liste ? [leave-{TOKEN}]"], "confirm"),
        ([f"In-Reply-To: {QUESTION}", "Auto-Submitted: auto-replied"], "auto-reply"),
        ([f"In-Reply-To: {QUESTION}", "Auto-Submitted: auto-generated"], "moderator"),
        ([f"In-Reply-To: {QUESTION}", "Subject: Absence du bureau : Re: Quitter"], "auto-reply"),
        ([f"References: {QUESTION} <1@x.fr>"], "moderator"),  # it answers the other one
        ([f"Subject: Fwd: Quitter la liste ? [leave-{TOKEN}]"], "moderator"),
        ([f"Subject: Re: [leave-{TOKEN[:-1]}]"], "moderator"),
        (["In-Reply-To: <facteur-leave-@amap.example>"], "moderator"),
    ],
)
def test_confirm_is_an_answer_of_a_person_to_a_question_of_ours(lines: list[str], rule: str) -> None:
    assert verdict(*lines)[0] == rule


# spam, too-big, automatic, first poll


@pytest.mark.parametrize(
    "lines",
    [
        ["X-Spam-Flag: YES"],
        ["X-Spam-Status: Yes, score=7.3 required=5.0"],
        ["X-Spam-Flag: NO", "X-Spam-Flag: YES"],
        ["X-Ovh-Spam: spam"],
        ["X-Ovh-Spam: True"],
    ],
)
def test_what_the_provider_flagged_is_held_as_probable_spam(lines: list[str]) -> None:
    assert verdict(*lines, spam_headers=("X-Ovh-Spam",)) == ("spam", HOLD)
    assert judge(evidence(*lines, spam_headers=("X-Ovh-Spam",))).warning


@pytest.mark.parametrize(
    "line", ["X-Spam-Flag: NO", "X-Spam-Status: No, score=-1", "X-Ovh-Spam: spam", "X-Spam-Flag:"]
)
def test_what_the_provider_did_not_flag_passes(line: str) -> None:
    assert verdict(line) == PASSES


@pytest.mark.parametrize(
    "folder", ["Junk", "INBOX.Spam", "Indésirables", "Courrier inde\u0301sirable", "Bulk Mail"]
)
def test_what_lay_in_a_junk_folder_is_held_as_probable_spam(folder: str) -> None:
    assert verdict(folder=folder) == ("spam", HOLD)


def test_only_what_is_larger_than_the_limit_is_too_big() -> None:
    mlist = a_list(max_size="10kB")
    assert verdict(mlist=mlist, size_octets=10_000) == PASSES
    assert verdict(mlist=mlist, size_octets=10_001) == ("too-big", HOLD)
    assert verdict(size_octets=10**9) == PASSES
    assert "12 kB" in str(judge(evidence(mlist=mlist, size_octets=12_000)).reason)


def test_a_header_that_nobody_read_to_its_end_is_held() -> None:
    """What follows could name another author, or say that the list has distributed it already."""
    of_moderator = evidence()
    cut = replace(of_moderator, post=replace(of_moderator.post, unread=(Unread.HEADER,)))
    assert (judge(cut).rule, judge(cut).disposition, judge(cut).warning) == ("overlong", HOLD, True)
    other = replace(of_moderator, post=replace(of_moderator.post, unread=(Unread.PARTS,)))
    assert judge(other).disposition is ACCEPT


def test_a_copy_that_the_relay_would_refuse_is_too_big() -> None:
    """With our own header fields; nothing is known of a relay that announces nothing."""
    big = replace(evidence(), copy_octets=10_001)
    assert judge(replace(big, relay_max_octets=10_001)).rule == "moderator"
    assert judge(big).rule == "moderator"
    held = judge(replace(big, relay_max_octets=10_000))
    assert (held.rule, held.disposition) == ("too-big", HOLD)
    assert "outgoing server" in str(held.reason)


@pytest.mark.parametrize("kind", ["auto-generated", "Auto-Generated; x=y", "auto-notified"])
def test_programs_pass_with_a_role_and_wait_without(kind: str) -> None:
    mlist = a_list(moderation="open")
    assert verdict(f"Auto-Submitted: {kind}", standing=MEMBER, mlist=mlist) == ("automatic", HOLD)
    assert verdict(f"Auto-Submitted: {kind}", standing=having(Role.UNMODERATED), mlist=mlist) == (
        "unmoderated",
        ACCEPT,
    )


def test_mail_older_than_the_list_is_held_whoever_wrote_it() -> None:
    assert verdict(old=True) == ("first-poll", HOLD)


# moderation and roles


_PASSES_AS = {Role.MODERATOR: "moderator", Role.UNMODERATED: "unmoderated", Role.OWNER: "owner"}


@pytest.mark.parametrize("moderation", ["all", "non_members", "open"])
@pytest.mark.parametrize("unknown_senders", ["moderate", "discard"])
@pytest.mark.parametrize("role", list(_PASSES_AS))
def test_moderators_unmoderated_people_and_owners_always_pass(
    moderation: str, unknown_senders: str, role: Role
) -> None:
    mlist = a_list(moderation=moderation, unknown_senders=unknown_senders)
    assert verdict(standing=having(role), mlist=mlist) == (_PASSES_AS[role], ACCEPT)


@pytest.mark.parametrize(
    ("moderation", "standing", "expected"),
    [
        ("all", MEMBER, ("default", HOLD)),
        ("all", KNOWN, ("default", HOLD)),
        ("all", STRANGER, ("default", HOLD)),
        ("non_members", MEMBER, ("member", ACCEPT)),
        ("non_members", having(Role.MEMBER, Role.EXCLUDED), ("member", ACCEPT)),
        ("non_members", having(Role.EXCLUDED), ("default", HOLD)),
        ("non_members", KNOWN, ("default", HOLD)),
        ("non_members", STRANGER, ("default", HOLD)),
        ("open", MEMBER, ("open", ACCEPT)),
        ("open", KNOWN, ("open", ACCEPT)),
        ("open", STRANGER, ("open", ACCEPT)),
    ],
)
def test_the_moderation_decides_for_everybody_else(
    moderation: str, standing: Standing, expected: tuple[str, Disposition]
) -> None:
    assert verdict(standing=standing, mlist=a_list(moderation=moderation)) == expected


@pytest.mark.parametrize(
    ("standings", "expected"),
    [
        ((MODERATOR, having(Role.OWNER)), ("moderator", ACCEPT)),
        ((MEMBER, MEMBER), ("member", ACCEPT)),
        ((MODERATOR, MEMBER), ("member", ACCEPT)),
        ((MODERATOR, STRANGER), ("default", HOLD)),
        ((MEMBER, KNOWN), ("default", HOLD)),
        ((STRANGER, MODERATOR), ("default", HOLD)),
    ],
)
def test_a_post_of_several_authors_passes_only_if_each_of_them_does(
    standings: tuple[Standing, ...], expected: tuple[str, Disposition]
) -> None:
    assert verdict(authors=("a@b.fr", "c@d.fr"), standing=standings) == expected


def test_a_moderator_and_a_member_together_are_held_where_members_are() -> None:
    both = (MODERATOR, MEMBER)
    assert verdict(authors=("a@b.fr", "c@d.fr"), standing=both, mlist=a_list(moderation="all")) == (
        "default",
        HOLD,
    )


# the order of the table


def test_the_table_is_read_from_top_to_bottom() -> None:
    """A post that every rule has an opinion on, then without the reason of the first, and so on."""
    mlist = replace(a_list(unknown_senders="discard", max_size="1kB"), paused=True)
    everything = evidence(
        f"X-Loop: {LIST}",
        "Auto-Submitted: auto-replied",
        "Return-Path: <>",
        "X-Spam-Flag: YES",
        standing=STRANGER,
        mlist=mlist,
        size_octets=2_000,
        bans=(ANNE,),
        repeated=True,
        old=True,
    )
    without = [
        ("loop", {"header": a_header("Auto-Submitted: auto-replied", "Return-Path: <>", "X-Spam-Flag: YES")}),
        ("auto-reply", {"header": a_header("Return-Path: <>", "X-Spam-Flag: YES")}),
        ("bounce", {"header": a_header("Auto-Submitted: auto-generated", "X-Spam-Flag: YES")}),
        ("duplicate", {"repeated": False}),
        ("banned", {"bans": ()}),
        ("unknown", {"standings": (MEMBER,)}),
        ("paused", {"mlist": replace(mlist, paused=False)}),
        ("spam", {"header": a_header("Auto-Submitted: auto-generated")}),
        ("too-big", {"post": a_post(ANNE, old=True)}),
        ("automatic", {"header": a_header()}),
        ("first-poll", {"post": a_post(ANNE)}),
        ("member", {"standings": (MODERATOR,)}),
        ("moderator", {}),
    ]
    seen, case = [], everything
    for _, change in without:
        seen.append(judge(case).rule)
        case = replace(case, **change)  # type: ignore[arg-type]  # fields of Evidence
    assert seen == [rule for rule, _ in without]


def test_no_rule_fails_without_any_evidence() -> None:
    """No author, no standing, no header: every rule answers, and none accepts but on an open list."""
    nothing = evidence(authors=(), standing=())
    opinions: list[Verdict | None] = [rule(nothing) for rule in CHAIN]
    assert [opinion.rule for opinion in opinions if opinion] == ["no-author"]
