"""Hop 3: the rules of screening, a table read from top to bottom.

A rule sees the evidence and has one opinion or none. The first opinion wins, and no opinion at all
means hold (`bot.flow.screening`), never accept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.core.authentication import UNEXAMINED, Authentication, Finding
from bot.core.header import Header
from bot.core.lists import MailingList
from bot.core.people import Ban, Role, Standing
from bot.core.posts import Disposition, Post, Unread, Verdict
from bot.core.settings import Moderation, UnknownSenders
from bot.core.text import Size, Text, folded, revealed
from bot.flow import automatic as auto
from bot.flow import tokens
from bot.flow.bans import matches
from bot.flow.wishes import Wish, wish

TEST_FIELD = "X-Facteur-Test"
_RECEIVED_LIMIT = 30
_JUNK_FOLDER = re.compile(r"junk|spam|indesirable|pourriel|bulk")
_ANGLED = re.compile(r"<([^<>]*)>")
_PASSING = (Role.MODERATOR, Role.UNMODERATED, Role.OWNER)
"""Roles whose posts need no moderator, whatever the list's moderation is."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a rule may look at; gathered once per post by `bot.flow.screening`."""

    post: Post
    header: Header
    mlist: MailingList
    standings: tuple[Standing, ...]
    """What the directory knows of each author, in the order of From."""
    bans: Sequence[Ban]
    repeated: bool
    spam_headers: Sequence[str]
    own_test: bool = False
    """The list sent it to itself (`bot.flow.selftest`)."""
    names_undelivered: bool = False
    """A stranger's mail with the subject of a report names somebody to whom it was not delivered."""
    authentication: Authentication = UNEXAMINED
    """Asked for only where the other rules let the post go on."""
    copy_octets: int = 0
    """How large the list's copy would be; 0 where nobody needs to know."""
    relay_max_octets: int = 0
    """The largest mail that the list's relay takes, 0 = unknown or any."""


Rule = Callable[[Evidence], Verdict | None]


def _hold(rule: str, reason: Text, *, warning: bool = False) -> Verdict:
    return Verdict(Disposition.HOLD, rule, reason, warning)


def _discard(rule: str, reason: Text) -> Verdict:
    return Verdict(Disposition.DISCARD, rule, reason)


def self_test(evidence: Evidence) -> Verdict | None:
    """A mail of ``/check`` that came back."""
    return _discard("self-test", Text("the list's mail to itself")) if evidence.own_test else None


def loop(evidence: Evidence) -> Verdict | None:
    """Our own copy that came back, or a mail that travels in circles."""
    header, mlist = evidence.header, evidence.mlist
    ours = {mlist.list_id, mlist.address, f"mailto:{mlist.address}"}
    if ours & _list_names(header):
        return _discard("loop", Text("this list has distributed it already"))
    if len(header.raw_fields("received")) > _RECEIVED_LIMIT:
        return _hold(
            "loop", Text("it went through more than {count} servers", count=_RECEIVED_LIMIT), warning=True
        )
    return None


def auto_reply(evidence: Evidence) -> Verdict | None:
    """An absence notice or another automatic answer (RFC 3834); servers mark their reports like it too."""
    header = evidence.header
    to_ours = auto.is_away(header) and tokens.answered(header, "leave")  # whatever its program marks
    if _is_report(evidence) or not (auto.is_answer(header) or to_ours):
        return None
    return _discard("auto-reply", Text("an automatic answer"))


def bounce(evidence: Evidence) -> Verdict | None:
    """A delivery report or a complaint: not a post."""
    if _is_report(evidence) or auto.has_null_return_path(evidence.header) or evidence.names_undelivered:
        return _discard("bounce", Text("a report about the delivery of another mail"))
    return None


def duplicate(evidence: Evidence) -> Verdict | None:
    """The same mail once more, as servers and people sometimes send it."""
    return _discard("duplicate", Text("the same mail came before")) if evidence.repeated else None


def no_author(evidence: Evidence) -> Verdict | None:
    """Nobody could be told or trusted."""
    return None if evidence.post.authors else _hold("no-author", Text("it does not say who wrote it"))


def test(evidence: Evidence) -> Verdict | None:
    """A test post (``/testpost``) shows that cards arrive; it never goes to members by itself.

    Anybody can write that field: who is not heard is not heard with it either.
    """
    by_list = all(author.address == evidence.mlist.address for author in evidence.post.authors)
    unheard = not by_list and (banned(evidence) or unknown(evidence))
    if unheard or not evidence.header.raw_fields(TEST_FIELD):
        return None
    return _hold("test", Text("it is a test post, to see whether cards arrive"))


def banned(evidence: Evidence) -> Verdict | None:
    """Somebody decided that this author is not heard."""
    for ban in evidence.bans:
        if any(matches(ban.pattern, author.address) for author in evidence.post.authors):
            return _discard(
                "banned", Text("the author is banned by the pattern {pattern}", pattern=ban.pattern)
            )
    return None


def unknown(evidence: Evidence) -> Verdict | None:
    """Strangers, where the list does not want to hear them."""
    settings = evidence.mlist.settings
    if settings.unknown_senders is not UnknownSenders.DISCARD or settings.moderation is Moderation.OPEN:
        return None
    if any(standing.known for standing in evidence.standings):
        return None
    return _discard("unknown", Text("nobody knows the author, and this list discards posts of strangers"))


def leave(evidence: Evidence) -> Verdict | None:
    """A wish to leave the list, such as the List-Unsubscribe of every copy writes: not a post.

    Never of a program, nor where somebody else may have written it.
    """
    post, mlist = evidence.post, evidence.mlist
    wanted = wish(post.subject, post.text, f"{mlist.local_part} {mlist.prefix} {mlist.settings.description}")
    if wanted is Wish.NONE or not _by_its_author(evidence) or spam(evidence):
        return None
    if not any(standing.known for standing in evidence.standings) and (banned(evidence) or unknown(evidence)):
        return None
    if wanted is Wish.CLEAR:
        return _discard("leave", Text("the author asks to leave the list"))
    return _hold(
        "leave",
        Text(
            "the author may want to leave the list: /delmember {list} {address} does it",
            list=mlist.local_part,
            address=revealed(post.author_address),
        ),
    )


def confirm(evidence: Evidence) -> Verdict | None:
    """An answer to a question that facteur mailed: not a post, however old the question is."""
    by_another = evidence.authentication.finding is Finding.FORGED
    if by_another or auto.submitted(evidence.header) != "no" or not tokens.answered(evidence.header, "leave"):
        return None
    return _discard("confirm", Text("an answer to a question of facteur"))


def paused(evidence: Evidence) -> Verdict | None:
    """An administrator stopped the list."""
    return _hold("paused", Text("the list is paused")) if evidence.mlist.paused else None


def spam(evidence: Evidence) -> Verdict | None:
    """The mail provider says so."""
    header = evidence.header
    names = ("x-spam-flag", "x-spam-status", *evidence.spam_headers)
    flags = [flag.strip().lower() for name in names for flag in header.all(name)]
    if any(flag.startswith(("yes", "true", "spam")) for flag in flags):
        return _hold("spam", Text("the mail provider takes it for spam"), warning=True)
    folder = evidence.post.cursor.folder
    if _JUNK_FOLDER.search(folded(folder)):
        return _hold("spam", Text("it lay in the folder {folder}", folder=folder), warning=True)
    return None


def too_big(evidence: Evidence) -> Verdict | None:
    """Larger than the list wants, or than its relay takes."""
    limit, size = evidence.mlist.settings.max_size, evidence.post.size_octets
    if limit and size > limit:
        return _hold(
            "too-big",
            Text("it has {size}, the list's limit is {limit}", size=Size(size), limit=Size(limit)),
        )
    limit, size = evidence.relay_max_octets, evidence.copy_octets
    if limit and size > limit:
        return _hold(
            "too-big",
            Text(
                "its copy has {size}, and the outgoing server takes {limit} at most: it would come back",
                size=Size(size),
                limit=Size(limit),
            ),
        )
    return None


def overlong(evidence: Evidence) -> Verdict | None:
    """What was not read of its header could say anything: who wrote it, where it went."""
    if Unread.HEADER not in evidence.post.unread:
        return None
    return _hold("overlong", Text("its header is too long to be read to the end"), warning=True)


def automatic(evidence: Evidence) -> Verdict | None:
    """Written by a program, and not by one that somebody vouched for with a role."""
    robot = any(auto.is_robot(author.address) for author in evidence.post.authors)
    if (auto.submitted(evidence.header) == "no" and not robot) or _privilege(evidence):
        return None
    return _hold("automatic", Text("a program wrote it"))


def first_poll(evidence: Evidence) -> Verdict | None:
    """Old mail is never distributed by itself, whoever wrote it."""
    return (
        _hold("first-poll", Text("it was in the mailbox before facteur could look into it"))
        if evidence.post.old
        else None
    )


def forged(evidence: Evidence) -> Verdict | None:
    """It would pass because of who wrote it, and it is doubtful who did."""
    found = evidence.authentication
    passes = any(rule(evidence) for rule in (privileged, open_list, member))
    if not passes or not found.finding.is_suspicious or not found.said:
        return None
    return _hold("forged", Text("somebody else may have written it: {said}", said=found.said), warning=True)


def privileged(evidence: Evidence) -> Verdict | None:
    """Moderators, unmoderated people and owners pass; the role is the rule's name."""
    role = _privilege(evidence)
    return Verdict(Disposition.ACCEPT, role, Text("the author's posts pass")) if role else None


def open_list(evidence: Evidence) -> Verdict | None:
    """Everybody's posts pass."""
    if evidence.mlist.settings.moderation is not Moderation.OPEN:
        return None
    return Verdict(Disposition.ACCEPT, "open", Text("this list is open to everybody"))


def member(evidence: Evidence) -> Verdict | None:
    """Members' posts pass, and those that members wrote together with people whose posts always do."""
    if evidence.mlist.settings.moderation is not Moderation.NON_MEMBERS:
        return None
    passing = {Role.MEMBER, *_PASSING}
    if evidence.standings and all(passing & standing.roles for standing in evidence.standings):
        return Verdict(Disposition.ACCEPT, "member", Text("the author is a member"))
    return None


HANDLED = ("self-test", "leave", "confirm")
"""Rules whose discarded mail is a matter between its author and facteur."""

CHAIN: tuple[Rule, ...] = (
    self_test,
    loop,
    auto_reply,
    bounce,
    duplicate,
    no_author,
    test,
    confirm,
    leave,
    banned,
    unknown,
    paused,
    spam,
    too_big,
    overlong,
    automatic,
    first_poll,
    forged,
    privileged,
    open_list,
    member,
)


def default(evidence: Evidence) -> Verdict:
    """No rule had an opinion: a person looks."""
    if evidence.mlist.settings.moderation is Moderation.ALL:
        return _hold("default", Text("every post to this list waits for a moderator"))
    if all(standing.known for standing in evidence.standings):
        return _hold("default", Text("the author is not a member of this list"))
    return _hold("default", Text("nobody knows the author"))


def _by_its_author(evidence: Evidence) -> bool:
    """One person wrote it just now, as far as anybody can tell, and can be answered."""
    post, found = evidence.post, evidence.authentication
    if post.old or len(post.authors) != 1 or found.finding.is_suspicious:
        return False
    return auto.whom_to_answer(post, evidence.header, evidence.mlist) is not None


def _is_report(evidence: Evidence) -> bool:
    daemons = [*evidence.post.authors, *evidence.header.mailboxes("return-path")]
    return auto.is_report(evidence.header) or any(auto.is_daemon(each.address) for each in daemons)


def _privilege(evidence: Evidence) -> str:
    """The role that lets the post pass: every author must have one, the first author's is named."""
    names = [
        next((role.value for role in _PASSING if role in standing.roles), "")
        for standing in evidence.standings
    ]
    return names[0] if names and all(names) else ""


def _list_names(header: Header) -> set[str]:
    """What names a list in List-Id, List-Post and every X-Loop, in angle brackets or without."""
    names = set()
    for field in ("list-id", "list-post", "x-loop"):
        for value in header.all(field):
            written = value.strip().lower()
            found = [written, *_ANGLED.findall(written)]
            names |= {name.strip().partition("?")[0] for name in found}
    return names
