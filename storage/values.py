"""Rows as values of the core."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, TypeVar

from tortoise.models import Model
from tortoise.queryset import QuerySet

from bot.core.addresses import Address, Mailbox
from bot.core.authentication import UNEXAMINED, Authentication, Finding, Policy
from bot.core.chat import Card, CardKind, Incident, Room, WaitingSheet
from bot.core.lists import Certificate
from bot.core.people import Actor, Person
from bot.core.posts import Attachment, Cursor, Post, PostState, Unread
from bot.core.stores import Listing, Page
from bot.core.text import Text, folded
from storage.rows import ADDRESS_LENGTH, CardRow, IncidentRow, PersonRow, PostRow, RoomRow

T = TypeVar("T")
M = TypeVar("M", bound=Model)

_WORD = re.compile(r"\S+")


def words_of(words: str) -> list[str]:
    """The folded words of a search."""
    return _WORD.findall(folded(words))


def address_key(address: str) -> str:
    """An address as columns with an index take it: mail may claim one of any length."""
    return address[:ADDRESS_LENGTH]


def text_of(stored: dict[str, Any] | None) -> Text | None:
    """A stored sentence."""
    return Text.load(stored) if stored else None


def post_of(row: PostRow) -> Post:
    """A post as it stands in its row."""
    folder, validity, uid = row.cursor_parts
    return Post(
        id=row.id,
        mlist_id=row.mlist_id,
        cursor=Cursor(folder, validity, uid),
        state=PostState(row.state),
        received_at=row.received_at,
        size_octets=row.size_octets,
        authors=tuple(Mailbox(name, Address(address)) for name, address in row.authors),
        subject=row.subject,
        message_id=row.message_id,
        body_sha256=row.body_sha256,
        text=row.text,
        attachments=tuple(Attachment(*item) for item in row.attachments),
        unread=tuple(map(Unread, row.unread)),
        old=row.old,
        rule=row.rule,
        reason=text_of(row.reason),
        warning=row.warning,
        decisions=row.decisions,
        decided_by=Actor(row.decided_by_id, row.decided_by_name) if row.decided_at else None,
        decided_at=row.decided_at,
        decision_reason=row.decision_reason,
        undo_until=row.undo_until,
        stopped_by=row.stopped_by,
        authentication=authentication_of(row.authentication),
    )


def authentication_of(stored: dict[str, Any]) -> Authentication:
    """What `dump_authentication` stored; nothing is known of a post that was not looked at."""
    if not stored:
        return UNEXAMINED
    return Authentication(
        policy=Policy(stored["policy"]),
        finding=Finding(stored["finding"]),
        said=text_of(stored["said"]),
        resembles=Mailbox(stored["resembles"][0], Address(stored["resembles"][1]))
        if stored["resembles"]
        else None,
    )


def dump_authentication(found: Authentication) -> dict[str, Any]:
    """JSON."""
    return {
        "policy": found.policy.value,
        "finding": found.finding.value,
        "said": found.said.dump() if found.said else None,
        "resembles": [found.resembles.name, found.resembles.address] if found.resembles else None,
    }


def person_of(row: PersonRow) -> Person:
    """A person whose addresses were fetched with the row."""
    ordered = sorted(row.addresses, key=lambda item: item.id)
    return Person(row.id, row.name, tuple(Address(item.address) for item in ordered))


def room_of(row: RoomRow, bound: Iterable[int | None]) -> Room:
    """A room and what it is bound to; whether it is still open is known here alone."""
    lists = list(bound)
    return Room(
        id=row.id,
        transport=row.transport,
        address=row.address,
        language=row.language,
        title=row.title,
        sees_all=row.sees_all,
        private_of=row.private_of,
        mlist_ids=tuple(sorted(mlist_id for mlist_id in lists if mlist_id is not None)),
        for_admins=None in lists,
        unreachable=text_of(row.unreachable),
    )


def incident_of(row: IncidentRow) -> Incident:
    """An incident; its key is storage's own."""
    return Incident(
        id=row.id,
        what=Text.load(row.what),
        trouble=Text.load(row.trouble),
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        revision=row.revision,
        seen=Certificate(row.server, row.sha256) if row.server else None,
        sheet=WaitingSheet(row.group_id, row.sha256) if row.group_id else None,
        closed_by=row.closed_by,
    )


def card_of(row: CardRow, address: str) -> Card:
    """A card is named by its post and room; how urgent it is, is known here alone."""
    return Card(
        kind=CardKind(row.kind),
        about=row.about,
        room_id=row.room_id,
        address=address,
        wanted=row.wanted,
        shown=row.shown,
        message_id=row.message_id,
        failures=row.failures,
        due_at=row.due_at,
        abandoned=row.abandoned,
        key=f"{row.id}.{row.shown}",
    )


async def column(rows: QuerySet[Any], name: str) -> list[Any]:
    """One column of the rows; Tortoise types it as tuples, which it is not."""
    return list(await rows.values_list(name, flat=True))


def in_groups(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of at most `size`."""
    iterator = iter(items)
    while group := list(islice(iterator, size)):
        yield group


@dataclass(frozen=True, slots=True)
class Around:
    """What there is beside a page: `total`, `before` and `previous_after` of its `Listing`."""

    total: int
    before: int = 0
    previous_after: int | None = None


async def paged(found: QuerySet[M], page: Page) -> tuple[QuerySet[M], Around]:
    """The rows of a page, newest first, as `listing` takes them; and what there is beside it."""
    around = Around(await found.count())
    if page.after:
        earlier = found.filter(id__gte=page.after)
        previous: list[int] = []
        if page.size is not None:
            previous = await column(earlier.order_by("id").offset(page.size).limit(1), "id")
        around = Around(around.total, await earlier.count(), previous[0] if previous else 0)
        found = found.filter(id__lt=page.after)
    rows = found.order_by("-id")
    return rows if page.size is None else rows.limit(page.size + 1), around


class _Numbered(Protocol):
    @property
    def id(self) -> int: ...


N = TypeVar("N", bound=_Numbered)


def listing(found: Sequence[N], page: Page, around: Around) -> Listing[N]:
    """A page of what was found, given one item more than the page holds (if there is one more)."""
    items = found if page.size is None else found[: page.size]
    more = len(found) > len(items) and len(items) > 0
    next_after = items[-1].id if more else None
    return Listing(tuple(items), around.total, next_after, around.previous_after, around.before)
