"""Storing what will leave: a mailing and a delivery for each of its recipients."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from bot.core.deliveries import NO_LIST, OPEN_STATES, DeliveryState, MailingKind, NewMailing
from storage.rows import DeliveryRow, MailingRow, PostRow
from storage.values import column


async def add_mailings(post: PostRow, mailings: Iterable[NewMailing]) -> None:
    """Store the mailings of the post's present decision."""
    for mailing in mailings:
        await _add(mailing, post.mlist_id, post.id, post.decisions)


async def add_mailing(mailing: NewMailing, mlist_id: int) -> None:
    """Store a mail that is about no post."""
    await _add(mailing, mlist_id, None, 0)


async def _add(mailing: NewMailing, mlist_id: int, post_id: int | None, decision: int) -> None:
    """One without recipients is nothing."""
    if not mailing.recipients:
        return
    row = await MailingRow.create(
        mlist_id=None if mlist_id == NO_LIST else mlist_id,
        post_id=post_id,
        kind=mailing.kind,
        decision=decision,
        mail_from=mailing.mail_from,
        header=mailing.header,
        body=mailing.body,
    )
    await DeliveryRow.bulk_create(
        DeliveryRow(
            mlist_id=mlist_id,
            mailing_id=row.id,
            recipient=recipient,
            state=DeliveryState.DUE,
            next_attempt_at=mailing.due_at,
        )
        for recipient in mailing.recipients
    )


async def add_letters(post_id: int, copy_id: int, letters: Iterable[NewMailing]) -> None:
    """Store what tells the owners that a post's copy cannot leave, unless they were told of it."""
    if await MailingRow.filter(id=copy_id, owners_told=False).update(owners_told=True):
        await add_mailings(await PostRow.get(id=post_id), letters)


async def copy_ids(post_id: int) -> list[int]:
    """The mailings that are the post's copy to members."""
    return await column(MailingRow.filter(post_id=post_id, kind=MailingKind.COPY), "id")


async def has_open_copy(post_id: int) -> bool:
    """Whether some member's copy has not come to its end."""
    return await DeliveryRow.filter(mailing_id__in=await copy_ids(post_id), state__in=OPEN_STATES).exists()


async def delete_mailings(mailing_ids: Collection[int]) -> None:
    """Delete mailings with their deliveries."""
    await DeliveryRow.filter(mailing_id__in=mailing_ids).delete()
    await MailingRow.filter(id__in=mailing_ids).delete()
