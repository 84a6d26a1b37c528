"""What a room sees of one post, from the moment it is held until its last copy has left."""

from __future__ import annotations

from datetime import datetime

from bot.chat.facts import AUTHORS_SHOWN, Facts
from bot.chat.readable import one_line, preview, server_words
from bot.core.addresses import Mailbox
from bot.core.authentication import Finding
from bot.core.chat import Button, Line, Screen, Span, Tone, line
from bot.core.deliveries import Counts
from bot.core.lists import MailingList
from bot.core.people import Role, Standing
from bot.core.posts import Attachment, Post, PostState, Unread
from bot.core.text import N_, Day, Language, Size, Text, revealed

ATTACHMENTS_NAMED = 5
_SUBJECT_LIMIT = 150
_NAME_LIMIT = 60
_EMOJI_JOINT = "\u200d"
_ADDRESS_LIMIT = 120
_REASON_LIMIT = 300
_SENTENCE_LIMIT = 500

_ROLES = (Role.OWNER, Role.MODERATOR, Role.UNMODERATED, Role.MEMBER, Role.EXCLUDED)
"""As they are told, from the greatest."""
_BUTTONS = {
    "distribute": (N_("✅ Distribute"), Tone.SUCCESS),
    "reject": (N_("❌ Reject"), Tone.DANGER),
    "discard": (N_("🔇 Reject silently"), Tone.PLAIN),
    "read": (N_("👁 Read"), Tone.PLAIN),
    "more": (N_("➕ More"), Tone.PLAIN),
    "undo": (N_("↩️ Undo"), Tone.PLAIN),
    "stop": (N_("⏹ Stop"), Tone.DANGER),
}
_FINDINGS = {Finding.GENUINE: "✔", Finding.FORGED: "⚠️", Finding.UNPROVEN: "⚠️", Finding.UNKNOWN: "❔"}
_UNREAD = {
    Unread.HEADER: N_(
        "⚠️ Its header is too long to be read to the end; the copies would lack the rest of it."
    ),
    Unread.PARTS: N_("⚠️ It has more parts than are listed here; 👁 Read hands it out as a file."),
    Unread.DAMAGED: N_("⚠️ This mail is damaged and cannot be shown here; 👁 Read hands it out as a file."),
}
_OUTCOMES = {
    PostState.RECEIVED: N_("⏳ Just arrived, not looked at yet"),
    PostState.ACCEPTED: N_("✅ Distributed by {who} at {at}"),
    PostState.DISTRIBUTED: N_("✅ Distributed by {who} at {at}"),
    PostState.REJECTED: N_("❌ Rejected by {who} at {at}"),
    PostState.DISCARDED: N_("🔇 Rejected silently by {who} at {at}"),
    PostState.EXPIRED: N_("⌛ Expired: nobody decided in time"),
}
_BY_RULE = {
    PostState.ACCEPTED: N_("✅ Distributed without moderation"),
    PostState.DISTRIBUTED: N_("✅ Distributed without moderation"),
    PostState.DISCARDED: N_("🔇 Not distributed: {reason}"),
}
_NO_POSTS = {"self-test", "leave", "confirm"}
"""Rules of mails that were a matter between their author and facteur."""


def card(post: Post, facts: Facts, language: Language) -> tuple[Screen, datetime | None]:
    """The card as it should look now, and when it will look different by itself (None = never)."""
    if post.state is PostState.HELD:
        return _held(post, facts, language), None
    buttons = _buttons(post, language, *_keys_after(post, facts))
    said = [authors_line(post), *_outcome(post), *_progress(post, facts), *_warnings(facts)]
    screen = Screen(
        lines=(_title(post, facts.mlist, language), *_lines(said, language)),
        buttons=(buttons,) if buttons else (),
    )
    return screen, post.undo_until if _may_undo(post, facts.now) else None


def author_line(author: Mailbox) -> Text:
    """Name and address, with a mark for what is invisible in them.

    A name with an @ in it would pass for the address and is left out.
    """
    address = one_line(revealed(author.address), _ADDRESS_LIMIT)
    name = one_line(revealed(_plain_name(author)), _NAME_LIMIT)
    if not name or "@" in name:
        return Text("{address}", address=address)
    return Text("{name} <{address}>", name=name, address=address)


def authors_line(post: Post) -> Text:
    """Every author; words in their place where there is none."""
    if not post.authors:
        return Text("an author who cannot be read")
    named = [author_line(author) for author in post.authors[:AUTHORS_SHOWN]]
    more = len(post.authors) - len(named)
    if more:
        return Text.counted("{authors} and {count} more", "{authors} and {count} more", more, authors=named)
    return Text("{authors}", authors=named)


def subject_of(post: Post) -> Text:
    """The subject, made harmless; words in its place where there is none."""
    shown = one_line(post.subject, _SUBJECT_LIMIT)
    return Text("{subject}", subject=shown) if shown else Text("(no subject)")


def outcome(post: Post) -> list[Text]:
    """What became of a post that is not held any more, by whom and when."""
    said = _outcome(post)
    if post.stopped_by:
        said.append(Text("⏹ Stopped by {who}", who=one_line(post.stopped_by, _NAME_LIMIT)))
    return said


def trust(standing: Standing) -> Text:
    """Whether the list knows the author, and what became of their posts so far."""
    roles: list[Text] = [role.words for role in _ROLES if role in standing.roles]
    if Role.MEMBER in standing.roles and standing.member_since:
        at = roles.index(Role.MEMBER.words)
        roles[at] = Text("member since {day}", day=Day(standing.member_since))
    if roles:
        known = Text("on this list: {roles}", roles=roles)
    elif standing.known:
        known = Text("in the directory, without a role on this list")
    else:
        known = Text("unknown to this list")
    if not standing.posts_accepted and not standing.posts_refused:
        return Text("{known} · first post", known=known)
    return Text(
        "{known} · {accepted} accepted, {refused} refused",
        known=known,
        accepted=standing.posts_accepted,
        refused=standing.posts_refused,
    )


def _held(post: Post, facts: Facts, language: Language) -> Screen:
    shown = preview(post.text)
    mark = "⚠️ " if post.warning else ""
    why = post.reason or Text("it waits for a moderator")
    said = [
        *_authors(post, facts),
        *_disguise(post),
        Text("received {at}, {size}", at=post.received_at, size=Size(post.size_octets)),
        *_attachments(post.attachments),
        Text("{mark}Why it is held: {reason}", mark=mark, reason=why),
        *_unreadable(post),
        _reach(facts),
        *_warnings(facts),
    ]
    folded = [Text("There is more in it: 👁 Read shows everything.")] if shown.folded else []
    return Screen(
        lines=(_title(post, facts.mlist, language), *_lines(said, language)),
        quote=shown.text or Text("(empty)").render(language),
        below=tuple(_lines(folded, language)),
        buttons=(
            _buttons(post, language, "distribute", "reject", "discard"),
            _buttons(post, language, "read", "more"),
        ),
    )


def _authors(post: Post, facts: Facts) -> list[Text]:
    """Each author with what is known of them: one that is trusted vouches for none of the others."""
    if len(post.authors) < 2:
        return [authors_line(post), *map(trust, facts.standings), *_doubts(post)]
    said = [Text("⚠️ It names {count} authors:", count=len(post.authors))]
    for author, standing in zip(post.authors, facts.standings, strict=False):
        said.append(Text("{author} · {trust}", author=author_line(author), trust=trust(standing)))
    more = len(post.authors) - len(facts.standings)
    if more:
        said.append(Text.counted("and {count} more", "and {count} more", more))
    return [*said, *_doubts(post)]


def _doubts(post: Post) -> list[Text]:
    """Whether it is really from its author, and for whom they could be taken."""
    found = post.authentication
    said = []
    if found.said and post.rule != "forged":  # there it is the reason
        said.append(Text("{mark} {said}", mark=_FINDINGS[found.finding], said=found.said))
    if found.resembles:
        who = author_line(found.resembles)
        said.append(Text("⚠️ Not the same as {who}, although it looks like it", who=who))
    return said


def _plain_name(author: Mailbox) -> str:
    """The name on one line, without the joints of emoji, which mean no harm."""
    return " ".join(author.name.replace(_EMOJI_JOINT, "").split())


def _disguise(post: Post) -> list[Text]:
    written = [text for author in post.authors for text in (author.address, _plain_name(author))]
    if all(revealed(text) == text for text in written):
        return []
    return [Text("⚠️ There are invisible characters where � stands: somebody may be imitated.")]


def _title(post: Post, mlist: MailingList, language: Language) -> Line:
    return (
        Span(f"#{post.id} {mlist.local_part}", strong=True),
        Span(f" · {subject_of(post).render(language)}"),
    )


def _lines(said: list[Text], language: Language) -> list[Line]:
    return [line(one_line(text.render(language), _SENTENCE_LIMIT)) for text in said]


def _attachments(attachments: tuple[Attachment, ...]) -> list[Text]:
    named = [
        Text(
            "📎 {name} ({kind}, {size})",
            name=one_line(part.name, _NAME_LIMIT),
            kind=one_line(part.content_type, _NAME_LIMIT),
            size=Size(part.size_octets),
        )
        for part in attachments[:ATTACHMENTS_NAMED]
    ]
    more = len(attachments) - len(named)
    return [*named, Text.counted("📎 and {count} more", "📎 and {count} more", more)] if more else named


def _unreadable(post: Post) -> list[Text]:
    return [Text(_UNREAD[what]) for what in post.unread]


def _reach(facts: Facts) -> Text:
    count = facts.recipients
    if facts.leaves_by:
        return Text.counted(
            "{count} address will get it, by {by}",
            "{count} addresses will get it, the last by {by}",
            count,
            by=facts.leaves_by,
        )
    return Text.counted("{count} address will get it", "{count} addresses will get it", count)


def _warnings(facts: Facts) -> list[Text]:
    warnings = []
    if facts.redirect_to:
        warnings.append(
            Text("🧪 Test mode: every mail goes to {address} instead.", address=facts.redirect_to)
        )
    if facts.mlist.paused:
        warnings.append(Text("⏸ The list is paused: nothing leaves before /resume."))
    return warnings


def _outcome(post: Post) -> list[Text]:
    reason = one_line(post.decision_reason, _REASON_LIMIT)
    person = post.decided_by if post.decided_by and post.decided_by.id else None
    if person is None and post.rule in _NO_POSTS and post.reason:
        return _handled(post.reason)
    if person is None and post.state in _BY_RULE:
        return [Text(_BY_RULE[post.state], reason=post.reason or Text("no reason is recorded"))]
    said = [
        Text(
            _OUTCOMES[post.state],
            who=one_line(person.name, _NAME_LIMIT) if person else "",
            at=post.decided_at or post.received_at,
        )
    ]
    return [*said, Text("Reason: {reason}", reason=reason)] if reason else said


def _handled(reason: Text) -> list[Text]:
    """What became of a mail that is no post; a reason of several sentences has a line for each."""
    parts = reason.values.get("parts")
    first, *others = parts if isinstance(parts, list) else [reason]
    return [Text("📬 {reason}", reason=first), *(Text("{reason}", reason=other) for other in others)]


def _progress(post: Post, facts: Facts) -> list[Text]:
    """How far the copies have come, why some do not, and whether somebody stopped them."""
    counts = facts.counts
    if post.state not in {PostState.ACCEPTED, PostState.DISTRIBUTED}:
        return []
    if not counts.recipients:
        return [Text("Nobody is there to get it.")]
    said = [Text("{parts}", parts=_told(counts, stopped=bool(post.stopped_by)))]
    if counts.because:
        said.append(Text("⚠️ Refused: {why}", why=server_words(counts.because)))
    if post.stopped_by:
        said.append(
            Text.counted(
                "⏹ Stopped by {who}: {count} copy did not leave",
                "⏹ Stopped by {who}: {count} copies did not leave",
                counts.dropped - counts.leaving,
                who=one_line(post.stopped_by, _NAME_LIMIT),
            )
        )
        said += on_their_way(counts)
    return said


def _told(counts: Counts, *, stopped: bool) -> list[Text]:
    """``61/86 sent, 1 bounced, last at 15:40``, without what is zero; all states told, they add up."""
    parts = [
        Text.counted("{sent}/{count} sent", "{sent}/{count} sent", counts.recipients, sent=counts.delivered)
    ]
    if counts.bounced:
        parts.append(Text("{count} bounced", count=counts.bounced))
    if counts.deferred:
        parts.append(Text("{count} to be tried again", count=counts.deferred))
    if counts.dropped and not stopped:
        parts.append(Text.counted("{count} dropped", "{count} dropped", counts.dropped))
    if counts.last_at:
        parts.append(Text("last at {at}", at=counts.last_at))
    return parts


def on_their_way(counts: Counts) -> list[Text]:
    """That some copies were past stopping, where it is so."""
    if not counts.leaving:
        return []
    return [
        Text.counted(
            "{count} copy was on its way already", "{count} copies were on their way already", counts.leaving
        )
    ]


def _may_undo(post: Post, now: datetime) -> bool:
    return post.undo_until is not None and now < post.undo_until


def _keys_after(post: Post, facts: Facts) -> tuple[str, ...]:
    if _may_undo(post, facts.now):
        return ("undo",)
    if post.state is PostState.ACCEPTED and facts.counts.open:
        return ("stop",)
    return ()


def _buttons(post: Post, language: Language, *keys: str) -> tuple[Button, ...]:
    return tuple(
        Button(language.sentence(_BUTTONS[key][0]), f"{key}:{post.id}:{post.decisions}", _BUTTONS[key][1])
        for key in keys
    )
