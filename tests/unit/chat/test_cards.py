from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.chat.cards import card
from bot.chat.facts import AUTHORS_SHOWN, Facts
from bot.chat.language import Languages
from bot.core.addresses import Address, Mailbox
from bot.core.clock import Clock
from bot.core.deliveries import Counts, Obstacle
from bot.core.lists import MailingList
from bot.core.people import Actor, Role, Standing
from bot.core.posts import Attachment, Cursor, Post, PostState, Unread
from bot.core.settings import ListSettings
from bot.core.text import Text
from tests.support.clock import ManualClock
from tests.support.office import PARIS, buttons_of, text_of

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
ENGLISH = Languages("en", PARIS, ManualClock(NOW)).default
FRENCH = Languages("fr", PARIS, ManualClock(NOW)).default

MLIST = MailingList(1, Address("adherents@amap.example"), ListSettings(), {}, 1, paused=False, created_at=NOW)
HELD = Post(
    id=12,
    mlist_id=1,
    cursor=Cursor("INBOX", "1", "1"),
    state=PostState.HELD,
    received_at=NOW,
    size_octets=12_300,
    authors=(Mailbox("Hélène Petit", Address("helene@example.org")),),
    subject="Panier de jeudi",
    message_id="<1@example.org>",
    body_sha256="",
    text="Bonjour,\n\nil reste des poireaux.",
    attachments=(Attachment("plan.pdf", "application/pdf", 120_000),),
    rule="default",
    reason=Text("the author is not a member"),
    decisions=2,
)
FACTS = Facts(MLIST, (Standing(known=False, roles=frozenset()),), NOW, recipients=86)
DECIDED = replace(HELD, decisions=3, decided_by=Actor("x:1", "Anne"), decided_at=NOW, undo_until=NOW)


def shown(post: Post, facts: Facts = FACTS) -> str:
    return text_of(card(post, facts, ENGLISH)[0])


def test_a_held_post_says_all_that_a_moderator_needs() -> None:
    screen, again_at = card(HELD, FACTS, ENGLISH)
    assert text_of(screen).splitlines() == [
        "#12 adherents · Panier de jeudi",
        "Hélène Petit <helene@example.org>",
        "unknown to this list · first post",
        "received 10:00, 12 kB",
        "📎 plan.pdf (application/pdf, 120 kB)",
        "Why it is held: the author is not a member",
        "86 addresses will get it",
        "Bonjour,",
        "",
        "il reste des poireaux.",
    ]
    assert buttons_of(screen) == ["distribute:12:2", "reject:12:2", "discard:12:2", "read:12:2", "more:12:2"]
    assert again_at is None


def test_it_is_drawn_in_the_reader_s_language() -> None:
    screen, _ = card(HELD, FACTS, FRENCH)
    assert screen.buttons[0][0].label == "✅ Distribuer"
    assert "12 ko" in text_of(screen)


def test_trust_tells_role_and_history() -> None:
    roles = frozenset({Role.MEMBER, Role.MODERATOR})
    standing = Standing(known=True, roles=roles, posts_accepted=3, posts_refused=1)
    assert "on this list: moderator, member · 3 accepted, 1 refused" in shown(
        HELD, replace(FACTS, standings=(standing,))
    )
    since = replace(standing, member_since=datetime(2024, 3, 2, 23, 30, tzinfo=UTC))  # the third in Paris
    facts = replace(FACTS, standings=(since,))
    assert "moderator, member since 3 March 2024 · 3 accepted" in shown(HELD, facts)
    screen, _ = card(HELD, facts, FRENCH)
    assert "membre depuis le 3 mars 2024" in text_of(screen)
    stranger = Standing(known=True, roles=frozenset())
    assert "in the directory" in shown(HELD, replace(FACTS, standings=(stranger,)))


ANNE = Mailbox("Anne", Address("anne@example.org"))
EVE = Mailbox("", Address("evil@x.example"))


def test_every_author_is_shown_with_what_is_known_of_them() -> None:
    """One whom the list trusts vouches for none of the others."""
    member = Standing(known=True, roles=frozenset({Role.MEMBER}), posts_accepted=3)
    facts = replace(FACTS, standings=(member, *FACTS.standings))
    lines = shown(replace(HELD, authors=(ANNE, EVE)), facts).splitlines()
    assert lines[1:4] == [
        "⚠️ It names 2 authors:",
        "Anne <anne@example.org> · on this list: member · 3 accepted, 0 refused",
        "evil@x.example · unknown to this list · first post",
    ]
    decided = replace(DECIDED, state=PostState.REJECTED, authors=(ANNE, EVE))
    assert "Anne <anne@example.org>, evil@x.example" in shown(decided, facts)


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\u00ad", "\u3164", "\u2066", "\u034f"])
def test_an_address_that_only_looks_like_another_is_marked(hidden: str) -> None:
    for author in (
        Mailbox("", Address(f"anne{hidden}@example.org")),
        Mailbox(f"An{hidden}ne", Address("x@example.org")),
    ):
        text = shown(replace(HELD, authors=(author,)))
        assert "anne\ufffd@example.org" in text or "An\ufffdne <x@example.org>" in text
        assert "⚠️ There are invisible characters" in text


def test_a_farmer_s_emoji_is_no_disguise() -> None:
    farmer = Mailbox("Anne \U0001f469\u200d\U0001f33e", Address("anne@example.org"))
    assert "invisible" not in shown(replace(HELD, authors=(farmer,)))


def test_a_crowd_of_authors_is_counted() -> None:
    facts = replace(FACTS, standings=FACTS.standings * 3)
    assert "and 4 more" in shown(replace(HELD, authors=(ANNE,) * 7), facts)


def test_odd_posts_have_a_card_too() -> None:
    odd = replace(
        HELD,
        authors=(),
        subject=" ",
        text="",
        attachments=(),
        reason=None,
        unread=(Unread.DAMAGED,),
        warning=True,
    )
    text = shown(odd)
    for words in ("(no subject)", "cannot be read", "(empty)", "⚠️ Why", "damaged"):
        assert words in text


@pytest.mark.parametrize("unread", Unread)
def test_what_was_not_read_is_told(unread: Unread) -> None:
    said = {Unread.HEADER: "too long to be read", Unread.PARTS: "more parts", Unread.DAMAGED: "damaged"}
    assert said[unread] in shown(replace(HELD, unread=(unread,)))
    assert said[unread] not in shown(HELD)


def test_many_attachments_are_counted() -> None:
    text = shown(replace(HELD, attachments=HELD.attachments * 9))
    assert text.count("plan.pdf") == 5
    assert "and 4 more" in text


def test_the_quota_tells_when_the_last_one_gets_it() -> None:
    assert "the last by 12:00" in shown(HELD, replace(FACTS, leaves_by=NOW + timedelta(hours=2)))


def test_test_mode_and_a_paused_list_are_on_every_card() -> None:
    facts = replace(FACTS, redirect_to=Address("me@example.org"), mlist=replace(MLIST, paused=True))
    for post in (HELD, replace(DECIDED, state=PostState.ACCEPTED)):
        assert "every mail goes to me@example.org" in shown(post, facts)
        assert "paused" in shown(post, facts)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (PostState.ACCEPTED, "✅ Distributed by Anne at 10:00"),
        (PostState.DISTRIBUTED, "✅ Distributed by Anne at 10:00"),
        (PostState.REJECTED, "❌ Rejected by Anne at 10:00"),
        (PostState.DISCARDED, "🔇 Rejected silently by Anne at 10:00"),
        (PostState.EXPIRED, "⌛ Expired"),
        (PostState.RECEIVED, "⏳"),
    ],
)
def test_a_decided_post_says_what_who_and_when(state: PostState, words: str) -> None:
    assert words in shown(replace(DECIDED, state=state))


@pytest.mark.parametrize("state", [PostState.ACCEPTED, PostState.DISTRIBUTED, PostState.DISCARDED])
def test_a_rule_s_decision_names_nobody(state: PostState) -> None:
    text = shown(
        replace(DECIDED, state=state, decided_by=Actor("", "loop"), reason=Text("it was here before"))
    )
    assert " by " not in text


def test_undo_is_there_until_the_window_ends_and_not_longer() -> None:
    ends = NOW + timedelta(seconds=30)
    rejected = replace(DECIDED, state=PostState.REJECTED, undo_until=ends, decision_reason="trop\nlong")
    screen, again_at = card(rejected, FACTS, ENGLISH)
    assert buttons_of(screen) == ["undo:12:3"]
    assert ends == again_at
    assert "Reason: trop long" in text_of(screen)
    after, never = card(rejected, replace(FACTS, now=ends), ENGLISH)
    assert (buttons_of(after), never) == ([], None)


def test_progress_is_told_and_can_be_stopped_until_the_last_copy() -> None:
    counts = Counts(delivered=61, bounced=1, due=24, last_at=NOW + timedelta(hours=1))
    running, _ = card(replace(DECIDED, state=PostState.ACCEPTED), replace(FACTS, counts=counts), ENGLISH)
    assert "61/86 sent, 1 bounced, last at 11:00" in text_of(running)
    assert buttons_of(running) == ["stop:12:3"]
    ended = replace(FACTS, counts=Counts(delivered=85, bounced=1))
    screen, _ = card(replace(DECIDED, state=PostState.DISTRIBUTED), ended, ENGLISH)
    assert "85/86 sent, 1 bounced" in text_of(screen)
    assert buttons_of(screen) == []


def test_a_refusal_is_told_as_the_server_worded_it_or_in_our_own_words() -> None:
    def told(reply: str) -> str:
        counts = Counts(delivered=60, bounced=26, because=reply)
        return shown(replace(DECIDED, state=PostState.DISTRIBUTED), replace(FACTS, counts=counts))

    assert "60/86 sent, 26 bounced\n⚠️ Refused: 550 {no} such user" in told("550 {no} such\n\u202euser")
    assert f"⚠️ Refused: {Obstacle.SIGNED}" in told(Obstacle.SIGNED)
    assert "Refused" not in told("")


def test_a_stopped_distribution_says_who_and_how_many() -> None:
    stopped = replace(DECIDED, state=PostState.DISTRIBUTED, stopped_by="Paul")
    text = shown(stopped, replace(FACTS, counts=Counts(delivered=2, dropped=84)))
    assert "⏹ Stopped by Paul: 84 copies did not leave" in text
    assert "on their way" not in text


def test_a_stop_promises_nothing_of_copies_that_the_relay_has() -> None:
    stopped = replace(DECIDED, state=PostState.DISTRIBUTED, stopped_by="Paul")
    text = shown(stopped, replace(FACTS, counts=Counts(delivered=2, dropped=84, leaving=50)))
    assert "⏹ Stopped by Paul: 34 copies did not leave" in text
    assert "50 copies were on their way already" in text


@settings(max_examples=300)
@given(
    name=st.text(max_size=300),
    address=st.text(max_size=300),
    subject=st.text(max_size=1_000),
    text=st.text(max_size=3_000),
    attached=st.lists(st.text(max_size=300), max_size=12),
    state=st.sampled_from(PostState),
    reason=st.text(max_size=2_000),
    authors=st.integers(0, 9),
)
def test_no_mail_makes_an_unreadable_or_endless_card(
    name: str,
    address: str,
    subject: str,
    text: str,
    attached: list[str],
    state: PostState,
    reason: str,
    authors: int,
) -> None:
    post = replace(
        DECIDED,
        state=state,
        authors=(Mailbox(name, Address(address)),) * authors,
        subject=subject,
        text=text,
        attachments=tuple(Attachment(each, each, 1) for each in attached),
        reason=Text("{reason}", reason=reason),
        decision_reason=reason,
        decided_by=Actor("x:1", name),
        stopped_by=name,
    )
    facts = replace(FACTS, standings=FACTS.standings * min(authors, AUTHORS_SHOWN))
    screen, _ = card(post, facts, FRENCH)
    whole = text_of(screen)
    assert len(whole) <= 4_000
    emoji = {"\ufe0f"}  # a mark of our own labels, category Mn
    assert all(c in {"\n", "\t"} or c in emoji or unicodedata.category(c)[0] != "C" for c in whole)
    assert all("\n" not in span.text for line in screen.lines for span in line)


def test_a_name_cannot_pass_for_an_address() -> None:
    fake = replace(HELD, authors=(Mailbox("president@amap.example", Address("x@evil.example")),))
    assert "president" not in shown(fake)
    assert "x@evil.example" in shown(fake)


def test_a_clock_of_the_system_will_do() -> None:
    assert card(HELD, FACTS, Languages("xx", PARIS, Clock()).default)
