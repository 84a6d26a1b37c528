"""The kinds of parameters that commands have: how each is read, asked for, and called in usage lines.

Those that name people and addresses are in `bot.chat.whom`.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from bot.chat.cards import subject_of
from bot.chat.desk import Call, Desk, Option
from bot.chat.registry import SECRET
from bot.chat.words import Missing, Words
from bot.core.addresses import fold
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.notices import NoticeKind
from bot.core.people import Group, group_name
from bot.core.posts import Post, PostState, no_such_post
from bot.core.stores import Page
from bot.core.text import N_, Text

_NUMBER = re.compile(r"#?([0-9]{1,9})")
_BY_ID = "list:"
_CHOICES = 12
"""Buttons below a question; what is not among them can be typed."""
_POSTS = 6
_NEAR = 0.75
"""How alike a word and a name must be to be taken for a slip (0 to 1, by difflib)."""
_HELD = frozenset({PostState.HELD})
_DECIDED = frozenset({PostState.ACCEPTED, PostState.REJECTED, PostState.DISCARDED})
ALL = "all"
ADMINS = "admins"


class TypedOnly:
    """A kind whose values nobody can be offered."""

    __slots__ = ()

    async def choices(self, desk: Desk, call: Call) -> Sequence[Option]:
        """None."""
        return ()


@dataclass(frozen=True, slots=True)
class _OneList:
    """A list by its address, its local part or ``list:ID``; left out where just one is meant.

    `besides` are other words that may stand in its place.
    """

    label: str = N_("LIST")
    besides: tuple[str, ...] = ()
    question: str = N_("Which list is it about?")

    async def read(self, words: Words, desk: Desk, call: Call) -> MailingList:
        lists = await _known(desk, call)
        found = list_named(words.peek(), lists)
        if found:
            words.next(self.label)
            return found
        if len(meant := call.meant(lists)) == 1:
            return meant[0]
        raise _no_list(words.peek(), lists, self.besides)

    async def choices(self, desk: Desk, call: Call) -> Sequence[Option]:
        return _lists_to_tap(call.meant(await desk.stores.lists.all()))


@dataclass(frozen=True, slots=True)
class GroupKind:
    """A group by its name, with or without ``@``."""

    label: str = N_("GROUP")
    question: str = N_("Which group is it about?")

    async def read(self, words: Words, desk: Desk, call: Call) -> Group:
        written = words.next(self.label)
        found = await desk.stores.groups.named(group_name(written))
        if found is None:
            raise UserError(
                Text(
                    "There is no group {group}: /groups shows what there is.", group=f"@{group_name(written)}"
                )
            )
        return found

    async def choices(self, desk: Desk, call: Call) -> Sequence[Option]:
        """Which groups there are is the administrators' to know."""
        if not call.rights.admin:
            return ()
        groups = [facts.group.written for facts in await desk.stores.groups.all()]
        return [Option(Text("{group}", group=written), written) for written in groups[:_CHOICES]]


@dataclass(frozen=True, slots=True)
class _Target:
    """A list, or a group, which begins with ``@``."""

    label: str = N_("TARGET")
    question: str = N_("Which list or group is it about?")

    async def read(self, words: Words, desk: Desk, call: Call) -> MailingList | Group:
        if words.peek().startswith("@"):
            return await GroupKind(self.label).read(words, desk, call)
        return await _OneList(self.label).read(words, desk, call)

    async def choices(self, desk: Desk, call: Call) -> Sequence[Option]:
        lists, groups = await _OneList().choices(desk, call), await GroupKind().choices(desk, call)
        return [*lists, *groups][:_CHOICES]


@dataclass(frozen=True, slots=True)
class _ListOrAll:
    """A list, left out where there is just one; None for the word ``all``."""

    label: str = N_("LIST|all")
    question: str = N_("Which list is it about?")

    async def read(self, words: Words, desk: Desk, call: Call) -> MailingList | None:
        if words.peek() == ALL:
            words.next(self.label)
            return None
        return await _OneList(self.label, (ALL,)).read(words, desk, call)

    async def choices(self, desk: Desk, call: Call) -> Sequence[Option]:
        """All at once is the administrators'."""
        lists = await _OneList().choices(desk, call)
        return [*lists, Option(Text("every list"), ALL)] if call.rights.admin else lists


@dataclass(frozen=True, slots=True)
class _ListOrAdmins:
    """A list, left out where there is just one; None for the word ``admins``."""

    label: str = N_("LIST|admins")
    question: str = N_("Whose room is it: that of a list, or the administrators'?")

    async def read(self, words: Words, desk: Desk, call: Call) -> MailingList | None:
        if words.peek() == ADMINS:
            words.next(self.label)
            return None
        return await _OneList(self.label, (ADMINS,)).read(words, desk, call)

    async def choices(self, desk: Desk, call: Call) -> Sequence[Option]:
        lists = await _OneList().choices(desk, call)
        return [*lists, Option(Text("administrators"), ADMINS)] if call.rights.admin else lists


@dataclass(frozen=True, slots=True)
class _AnyList(TypedOnly):
    """A list, or None for every list: for the word ``all``, or for nothing."""

    label: str = N_("LIST")
    question: str = ""

    async def read(self, words: Words, desk: Desk, call: Call) -> MailingList | None:
        if not words:
            return None
        word, lists = words.next(self.label), await _known(desk, call)
        found = list_named(word, lists)
        if not found and word != ALL:
            raise _no_list(word, lists, (ALL,))
        return found


@dataclass(frozen=True, slots=True)
class _ListOrWords(TypedOnly):
    """A list, or None for every list; a word that names no list is left for the next parameter."""

    label: str = N_("LIST")
    question: str = ""

    async def read(self, words: Words, desk: Desk, call: Call) -> MailingList | None:
        found = list_named(words.peek(), await _known(desk, call))
        if found:
            words.next(self.label)
        return found


@dataclass(frozen=True, slots=True)
class _Number(TypedOnly):
    label: str = N_("ID")
    question: str = ""

    async def read(self, words: Words, desk: Desk, call: Call) -> int:
        word = words.next(self.label)
        number = _NUMBER.fullmatch(word)
        if not number:
            raise UserError(Text("“{word}” is not a number, such as 12.", word=word))
        return int(number[1])


@dataclass(frozen=True, slots=True)
class _PostId:
    """A post by its number, with or without ``#``; those in `offered` are the first that come to mind."""

    label: str = N_("ID")
    question: str = N_("Which post? Its number stands on its card.")
    offered: frozenset[PostState] = _HELD

    async def read(self, words: Words, desk: Desk, call: Call) -> Post:
        post = await desk.stores.posts.get(await _Number().read(words, desk, call))
        return known_post(post, call)

    async def choices(self, desk: Desk, call: Call) -> Sequence[Option]:
        lists = call.meant(await desk.stores.lists.all())
        found = await desk.stores.posts.find([each.id for each in lists], self.offered, "", Page(_POSTS))
        return [
            Option(Text("#{number} {subject}", number=post.id, subject=subject_of(post)), str(post.id))
            for post in found.items
        ]


@dataclass(frozen=True, slots=True)
class _ListOrPost(TypedOnly):
    """A number is a post, anything else a list; None for nothing."""

    label: str = N_("LIST|ID")
    question: str = ""

    async def read(self, words: Words, desk: Desk, call: Call) -> MailingList | Post | None:
        if _NUMBER.fullmatch(words.peek()):
            return await _PostId().read(words, desk, call)
        return await _ListOrWords().read(words, desk, call)


@dataclass(frozen=True, slots=True)
class RestKind(TypedOnly):
    """Everything that is left, as it was typed."""

    label: str = N_("WORDS")
    question: str = ""

    async def read(self, words: Words, desk: Desk, call: Call) -> str:
        return words.rest(self.label)


@dataclass(frozen=True, slots=True)
class _Word(TypedOnly):
    """One word, which the command itself judges."""

    label: str
    question: str = ""

    async def read(self, words: Words, desk: Desk, call: Call) -> str:
        return words.next(self.label)


@dataclass(frozen=True, slots=True)
class _NoticeName:
    """One of the mails that authors get."""

    label: str = N_("NAME")
    question: str = N_("Which mail is it about?")

    async def read(self, words: Words, desk: Desk, call: Call) -> NoticeKind:
        word = words.next(self.label)
        try:
            return NoticeKind(word)
        except ValueError:
            names = [Text("{name} ({mail})", name=kind.value, mail=kind.words) for kind in NoticeKind]
            raise UserError(
                Text("There is no notice {name}. There is: {names}.", name=word, names=names)
            ) from None

    async def choices(self, desk: Desk, call: Call) -> Sequence[Option]:
        return [Option(kind.words, kind.value) for kind in NoticeKind]


@dataclass(frozen=True, slots=True)
class _Confirmation(TypedOnly):
    label: str = N_("yes")
    question: str = ""

    async def read(self, words: Words, desk: Desk, call: Call) -> bool:
        return words.next(self.label).lower() in {"yes", "oui"}


OneList = Annotated[MailingList, _OneList()]
OneGroup = Annotated[Group, GroupKind()]
AnyGroup = Annotated[Group | None, GroupKind()]
Target = Annotated[MailingList | Group, _Target()]
AnyList = Annotated[MailingList | None, _AnyList()]
ListOrAll = Annotated[MailingList | None, _ListOrAll()]
ListOrAdmins = Annotated[MailingList | None, _ListOrAdmins()]
ListOrWords = Annotated[MailingList | None, _ListOrWords()]
PostId = Annotated[Post, _PostId()]
DecidedPost = Annotated[Post, _PostId(offered=_DECIDED)]
LeavingPost = Annotated[Post, _PostId(offered=frozenset({PostState.ACCEPTED}))]
ListOrPost = Annotated[MailingList | Post | None, _ListOrPost()]
Rest = Annotated[str, RestKind()]
Reason = Annotated[
    str, RestKind(N_("REASON"), N_("What shall the author be told? Your words go into the mail."))
]
Name = Annotated[str, RestKind(N_("COMMAND"))]
NewAddress = Annotated[str, _Word(N_("ADDRESS"), N_("What is the address of the list?"))]
Account = Annotated[
    str, _Word(N_("ID"), N_("What is their id? /whoami shows it to them, such as telegram:123456789."))
]
Code = Annotated[str, RestKind(N_("CODE"), N_("What is the code in the mail?"))]
NoticeName = Annotated[NoticeKind, _NoticeName()]
TemplateText = Annotated[str, RestKind(N_("[LANG] TEXT"))]
LanguageCode = Annotated[str, _Word(N_("LANG"))]
GroupName = Annotated[str, _Word(N_("NAME"), N_("What shall the group be called?"))]
Source = Annotated[
    str,
    _Word(N_("URL|PATH"), N_("Where is it? An address that begins with https://, or the path of a file.")),
]
FilePath = Annotated[str, RestKind(N_("PATH"))]
NewPassword = Annotated[
    str,
    RestKind(N_("PASSWORD"), N_("What is the password?")),
    SECRET,
]
Confirmation = Annotated[bool, _Confirmation()]
Decision = Annotated[bool | None, _Confirmation()]
After = Annotated[int | None, _Number()]


def known_post(post: Post, call: Call) -> Post:
    """The post; raises UserError, as if there were none, where it is nothing to the one who asks."""
    if not call.may_know(post.mlist_id):
        raise no_such_post(post.id)
    return post


async def _known(desk: Desk, call: Call) -> list[MailingList]:
    return [mlist for mlist in await desk.stores.lists.all() if call.may_know(mlist.id)]


def list_named(word: str, lists: Sequence[MailingList]) -> MailingList | None:
    """The list with this address or local part; None if there is none.

    Raises:
        UserError: several lists have this local part; names them all.
    """
    if word.startswith(_BY_ID):
        return next((mlist for mlist in lists if str(mlist.id) == word.removeprefix(_BY_ID)), None)
    name = fold(word)
    exact = [mlist for mlist in lists if mlist.address == name]
    found = exact or [mlist for mlist in lists if mlist.local_part == name]
    if len(found) > 1:
        addresses = [mlist.address for mlist in found]
        raise UserError(
            Text(
                "Several lists are called {name}: {lists}. Please give the whole address.",
                name=name,
                lists=addresses,
            )
        )
    return found[0] if found else None


def _no_list(word: str, lists: Sequence[MailingList], besides: Sequence[str]) -> UserError:
    if not lists:
        return UserError(Text("There is no list yet. /addlist makes one."))
    choice = [*(mlist.address for mlist in lists), *besides]
    if not word:
        return Missing(N_("LIST"), Text("Which list? There is: {lists}.", lists=choice))
    near = difflib.get_close_matches(
        fold(word), [*choice, *(mlist.local_part for mlist in lists)], n=1, cutoff=_NEAR
    )
    if near:
        text = Text("No list is called “{word}”. Did you mean {near}?", word=word, near=near[0])
        return Missing(N_("LIST"), text, word=word, near=near[0])
    text = Text("Which list? There is: {lists}. No list is called “{word}”.", lists=choice, word=word)
    return Missing(N_("LIST"), text, word=word)


def _lists_to_tap(lists: Sequence[MailingList]) -> list[Option]:
    """By the shortest name that is nobody else's."""
    times = Counter(mlist.local_part for mlist in lists)
    return [
        Option(
            Text("{list}", list=mlist.local_part if times[mlist.local_part] == 1 else mlist.address),
            by_id(mlist),
        )
        for mlist in lists[:_CHOICES]
    ]


def by_id(mlist: MailingList) -> str:
    """A list as a button's command line names it: short and never ambiguous."""
    return f"{_BY_ID}{mlist.id}"
