"""Leaving a list by mail: who asks for it is asked back, and an answer to that does it.

The question carries a word that nobody can guess, so an answer to it comes from whoever reads the mail of
that address. What is done is noted with the mail that it was done for: one that is judged anew after a
crash is told the same once more, and nothing is done twice.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.core.audit import acting
from bot.core.authentication import Finding
from bot.core.clock import Clock
from bot.core.deliveries import NewMailing
from bot.core.errors import UserError
from bot.core.header import Header
from bot.core.lists import MailingList
from bot.core.people import Actor, Holder, Person, Role
from bot.core.posts import Post
from bot.core.stores import Stores
from bot.core.text import Text
from bot.flow import tokens, wishes
from bot.flow.handled import Handled
from bot.flow.notices import Notices
from bot.flow.owners import owners_to_tell

log = structlog.get_logger()

KIND = "leave"
"""Of the tokens of these questions."""

_OWNER = "leaving"
_ASKED_AGAIN_AFTER = timedelta(days=1)
_OPEN_FOR = timedelta(days=14)
_REMEMBERED_FOR = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class _Question:
    """One that a person was mailed because of the post numbered `asked_by`; `done_by` = answered.

    `person_id` is 0 for a stranger, who was told something instead.
    """

    token: str
    person_id: int
    asked_at: str
    asked_by: int
    done_by: int = 0

    def is_older(self, than: timedelta, now: datetime) -> bool:
        return now - datetime.fromisoformat(self.asked_at) > than


class Leaving:
    """Asks, and does what was confirmed."""

    def __init__(self, stores: Stores, notices: Notices, clock: Clock) -> None:
        self._stores = stores
        self._notices = notices
        self._clock = clock

    async def asked(self, post: Post, header: Header, mlist: MailingList) -> Handled:
        """Somebody asks to leave: members are asked back, at most once a day; others told what to do."""
        author = post.author_address
        member = await self._stores.people.holder(mlist, Role.MEMBER, author)
        if member is None or await self._stores.people.holder(mlist, Role.EXCLUDED, author):
            return await self._answer_stranger(post, header, mlist)
        now, who = self._clock.now(), member.person.written
        place = f"{mlist.id}/person/{member.person.id}"
        earlier = await self._noted(place)
        if earlier and earlier.asked_by != post.id and not earlier.is_older(_ASKED_AGAIN_AFTER, now):
            asked_at = datetime.fromisoformat(earlier.asked_at)
            return Handled(
                Text("{who} asks to leave the list, and was asked at {at} already", who=who, at=asked_at)
            )
        question = earlier if earlier and earlier.asked_by == post.id else None
        question = question or _Question(tokens.fresh(), member.person.id, now.isoformat(), post.id)
        await self._note(mlist, question, place)
        mailing = self._notices.letter(
            "leave_question",
            mlist,
            author,
            now,
            answered=header,
            message_id=tokens.message_id(KIND, question.token, mlist.domain),
            token=tokens.in_subject(KIND, question.token),
            name=member.person.name,
        )
        log.info("leaving asked", list=mlist.address, post=post.id)
        return Handled(Text("{who} asks to leave the list, and was asked to confirm it", who=who), (mailing,))

    async def answered(self, post: Post, header: Header, mlist: MailingList) -> Handled:
        """An answer to a question of ours."""
        question = await self._noted(f"{mlist.id}/token/{tokens.answered(header, KIND)}")
        person = await self._person(question)
        if question is None or person is None or question.is_older(_OPEN_FOR, self._clock.now()):
            over = Text("an answer to a question that is over")
            return Handled(over, await self._kept(post, header, mlist, over=True))
        if question.done_by and question.done_by != post.id:
            return Handled(Text("the same answer came before"))
        if wishes.refuses(post.text):
            said = Text("{who} stays on the list", who=person.written)
            return Handled(said, await self._kept(post, header, mlist, over=False))
        with acting(Actor(f"mail:{person.addresses[0]}", person.written), "mail"):
            left = await self._stores.people.leave(mlist, person.id)
        await self._note(mlist, replace(question, done_by=post.id))
        log.info("left", list=mlist.address, post=post.id, excluded=bool(left.ways))
        now, author = self._clock.now(), post.author_address
        to = author if author in person.addresses else person.addresses[0]
        done = self._notices.letter("leave_done", mlist, to, now, answered=header, name=person.name)
        said = Text("{who} has left the list", who=person.written)
        return Handled(said, (done, *await self._to_owners(mlist, left, now)), shown=True)

    async def _to_owners(self, mlist: MailingList, left: Holder, now: datetime) -> list[NewMailing]:
        return [
            self._notices.letter(
                "leave_owners", mlist, owner, now, name=left.person.written, ways=", ".join(left.via)
            )
            for owner in await owners_to_tell(self._stores, mlist)
            if owner not in left.person.addresses
        ]

    async def _answer_stranger(self, post: Post, header: Header, mlist: MailingList) -> Handled:
        """Nothing is sent to the author. Where nobody may tell them, the room may know more."""
        who = post.author_address
        person = await self._stores.people.find(who)
        said = Text("{who} asks to leave the list, and gets nothing of it", who=who)
        if not self._may_be_told(person, post, mlist):
            return Handled(said, shown=True)
        place = f"{mlist.id}/stranger/{hashlib.sha256(who.encode()).hexdigest()}"
        now, earlier = self._clock.now(), await self._noted(place)
        if earlier and earlier.asked_by != post.id and not earlier.is_older(_ASKED_AGAIN_AFTER, now):
            return Handled(said)
        told = _Question("", 0, now.isoformat(), post.id)
        await self._stores.notes.keep(_OWNER, {place: json.dumps(asdict(told))}, now)
        name = person.name if person else post.authors[0].name
        letter = self._notices.letter("leave_stranger", mlist, who, now, answered=header, name=name)
        return Handled(said, (letter,))

    async def _kept(
        self, post: Post, header: Header, mlist: MailingList, *, over: bool
    ) -> tuple[NewMailing, ...]:
        """Tell a member who answered that nothing has changed."""
        person = await self._stores.people.find(post.author_address)
        member = await self._stores.people.holder(mlist, Role.MEMBER, post.author_address)
        if person is None or member is None:
            return ()
        now, to = self._clock.now(), post.author_address
        return (
            self._notices.letter(
                "leave_kept", mlist, to, now, answered=header, name=person.name, over=int(over)
            ),
        )

    async def _person(self, question: _Question | None) -> Person | None:
        """Who was asked; None if they were forgotten."""
        try:
            return (await self._stores.people.profile(question.person_id)).person if question else None
        except UserError:
            return None

    @staticmethod
    def _may_be_told(person: Person | None, post: Post, mlist: MailingList) -> bool:
        """Strangers only where the list writes to them, or where it is surely theirs."""
        genuine = post.authentication.finding is Finding.GENUINE
        return person is not None or genuine or mlist.settings.notify_unknown

    async def _noted(self, place: str) -> _Question | None:
        noted = await self._stores.notes.recall(_OWNER, place)
        return _Question(**json.loads(noted)) if noted else None

    async def _note(self, mlist: MailingList, question: _Question, place: str = "") -> None:
        """By its token, and in `place`; what is long over is forgotten."""
        now, value = self._clock.now(), json.dumps(asdict(question))
        places = [f"{mlist.id}/token/{question.token}", *([place] if place else [])]
        await self._stores.notes.keep(_OWNER, dict.fromkeys(places, value), now)
        await self._stores.notes.forget(_OWNER, "", now - _REMEMBERED_FOR)
