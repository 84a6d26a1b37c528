"""Erasing a person (data protection): the facts of their posts stay, who they were and said does not."""

from __future__ import annotations

from bot.core.audit import Subject
from bot.core.deliveries import OPEN_STATES
from bot.core.errors import UserError
from bot.core.people import Person
from bot.core.posts import PostState
from bot.core.text import Text
from storage.audit import erase_from_trail
from storage.bounces import forget_bounces
from storage.mailings import delete_mailings
from storage.rows import (
    AddressRow,
    BanRow,
    DeliveryRow,
    LinkRow,
    MailingRow,
    MembershipRow,
    PersonRow,
    PostRow,
    RawRow,
    RoleRow,
    WelcomeRow,
)
from storage.tracing import leave_trail, untraced
from storage.values import column, in_groups
from storage.waiting import lock_posts

_AT_ONCE = 500


async def forget(person: Person) -> int:
    """Within a unit; the number of posts that lost their text. The trail tells that, and of nobody."""
    with untraced():
        posts = await _forget(person)
        await erase_from_trail(person)
    leave_trail(Subject.PERSON, "", {"forgotten": str(person.id)})
    return posts


async def _forget(person: Person) -> int:
    addresses = list(person.addresses)
    post_ids = await column(PostRow.filter(author__in=addresses).order_by("id"), "id")
    await _refuse_unfinished(post_ids)
    for some in in_groups(post_ids, _AT_ONCE):
        await _empty(some)
    to_them = DeliveryRow.filter(recipient__in=addresses, mailing__post_id__isnull=True)
    await delete_mailings(await column(to_them, "mailing_id"))  # codes and the like: of nobody else
    past = DeliveryRow.filter(recipient__in=addresses)
    await past.exclude(state__in=OPEN_STATES).update(recipient="", last_reply="")
    # what is on its way to them would arrive without them
    await DeliveryRow.filter(recipient__in=addresses).update(
        recipient="", state="dropped", next_attempt_at=None, last_reply=""
    )
    await BanRow.filter(pattern__in=addresses).delete()
    await forget_bounces(addresses)
    for belongings in (RoleRow, MembershipRow, LinkRow, WelcomeRow, AddressRow):
        await belongings.filter(person_id=person.id).delete()
    await PersonRow.filter(id=person.id).delete()
    return len(post_ids)


async def _refuse_unfinished(post_ids: list[int]) -> None:
    for some in in_groups(post_ids, _AT_ONCE):
        await lock_posts(some)
        waiting = PostRow.filter(id__in=some, state__in=(PostState.RECEIVED, PostState.HELD))
        under_way = DeliveryRow.filter(mailing__post_id__in=some, state__in=OPEN_STATES).distinct()
        found = {*await column(waiting, "id"), *await column(under_way, "mailing__post_id")}
        if found:
            raise UserError(
                Text(
                    "Posts of theirs are held or on their way: {posts}. Decide them first, or wait.",
                    posts=[f"#{number}" for number in sorted(found)],
                )
            )


async def _empty(post_ids: list[int]) -> None:
    await PostRow.filter(id__in=post_ids).update(
        author="",
        authors=[],
        subject="",
        text="",
        attachments=[],
        folded="",
        unread=[],
        reason=None,
        authentication={},
    )
    await RawRow.filter(post_id__in=post_ids).delete()
    await MailingRow.filter(post_id__in=post_ids).update(header=b"", body=b"")
