"""The kinds of parameters that commands have: how each is read, and how usage lines call it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from bot.chat.desk import Call, Desk
from bot.chat.words import Words
from bot.core.addresses import Address, Mailbox, fold
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.notices import NoticeKind
from bot.core.people import Group, Person, group_name
from bot.core.posts import Post, no_such_post
from bot.core.text import N_, Text
from bot.flow.bans import normal_form
from bot.flow.validity import valid_address

_NUMBER = re.compile(r"#?([0-9]{1,9})")
_NAMED = re.compile(r"(?P<name>.*?)\s*<(?P<address>[^<>]+)>", re.DOTALL)
_ADDRESS_LIKE = re.compile(r"[^\s,;<>\"]+@[^\s,;<>\"]+")
_BY_ID = "list:"
_NAMED_AT_ONCE = 5
"""People whom an answer names where several may be meant."""
ALL = "all"
ADMINS = "admins"


@dataclass(frozen=True, slots=True)
class _OneList:
    """A list by its address, its local part or ``list:ID``; left out where just one is meant.

    `besides` are other words that may stand in its place.
    """

    label: str = N_("LIST")
    besides: tuple[str, ...] = ()

    async def read(self, words: Words, desk: Desk, call: Call) -> MailingList:
        lists = await _known(desk, call)
        found = list_named(words.peek(), lists)
        if found:
            words.next(self.label)
            return found
        if len(meant := call.meant(lists)) == 1:
            return meant[0]
        raise _no_list(words.peek(), lists, self.besides)


@dataclass(frozen=True, slots=True)
class _OneGroup:
    """A group by its name, with or without ``@``."""

    label: str = N_("GROUP")

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


@dataclass(frozen=True, slots=True)
class _Target:
    """A list, or a group, which begins with ``@``."""

    label: str = N_("TARGET")

    async def read(self, words: Words, desk: Desk, call: Call) -> MailingList | Group:
        if words.peek().startswith("@"):
            return await _OneGroup(self.label).read(words, desk, call)
        return await _OneList(self.label).read(words, desk, call)


@dataclass(frozen=True, slots=True)
class _ListOrAll:
    """A list, left out where there is just one; None for the word ``all``."""

    label: str = N_("LIST|all")

    async def read(self, words: Words, desk: Desk, call: Call) -> MailingList | None:
        if words.peek() == ALL:
            words.next(self.label)
            return None
        return await _OneList(self.label, (ALL,)).read(words, desk, call)


@dataclass(frozen=True, slots=True)
class _ListOrAdmins:
    """A list, left out where there is just one; None for the word ``admins``."""

    label: str = N_("LIST|admins")

    async def read(self, words: Words, desk: Desk, call: Call) -> MailingList | None:
        if words.peek() == ADMINS:
            words.next(self.label)
            return None
        return await _OneList(self.label, (ADMINS,)).read(words, desk, call)


@dataclass(frozen=True, slots=True)
class _AnyList:
    """A list, or None for every list: for the word ``all``, or for nothing."""

    label: str = N_("LIST")

    async def read(self, words: Words, desk: Desk, call: Call) -> MailingList | None:
        if not words:
            return None
        word, lists = words.next(self.label), await _known(desk, call)
        found = list_named(word, lists)
        if not found and word != ALL:
            raise _no_list(word, lists, (ALL,))
        return found


@dataclass(frozen=True, slots=True)
class _ListOrWords:
    """A list, or None for every list; a word that names no list is left for the next parameter."""

    label: str = N_("LIST")

    async def read(self, words: Words, desk: Desk, call: Call) -> MailingList | None:
        found = list_named(words.peek(), await _known(desk, call))
        if found:
            words.next(self.label)
        return found


@dataclass(frozen=True, slots=True)
class _Number:
    label: str = N_("ID")

    async def read(self, words: Words, desk: Desk, call: Call) -> int:
        word = words.next(self.label)
        number = _NUMBER.fullmatch(word)
        if not number:
            raise UserError(Text("“{word}” is not a number, such as 12.", word=word))
        return int(number[1])


@dataclass(frozen=True, slots=True)
class _PostId:
    """A post by its number, with or without ``#``."""

    label: str = N_("ID")

    async def read(self, words: Words, desk: Desk, call: Call) -> Post:
        post = await desk.stores.posts.get(await _Number().read(words, desk, call))
        return known_post(post, call)


@dataclass(frozen=True, slots=True)
class _ListOrPost:
    """A number is a post, anything else a list; None for nothing."""

    label: str = N_("LIST|ID")

    async def read(self, words: Words, desk: Desk, call: Call) -> MailingList | Post | None:
        if _NUMBER.fullmatch(words.peek()):
            return await _PostId().read(words, desk, call)
        return await _ListOrWords().read(words, desk, call)


@dataclass(frozen=True, slots=True)
class _Rest:
    """Everything that is left, as it was typed."""

    label: str = N_("WORDS")

    async def read(self, words: Words, desk: Desk, call: Call) -> str:
        return words.rest(self.label)


@dataclass(frozen=True, slots=True)
class _Word:
    """One word, which the command itself judges."""

    label: str

    async def read(self, words: Words, desk: Desk, call: Call) -> str:
        return words.next(self.label)


@dataclass(frozen=True, slots=True)
class _NoticeName:
    """One of the mails that authors get."""

    label: str = N_("NAME")

    async def read(self, words: Words, desk: Desk, call: Call) -> NoticeKind:
        word = words.next(self.label)
        try:
            return NoticeKind(word)
        except ValueError:
            names = [kind.value for kind in NoticeKind]
            raise UserError(
                Text("There is no notice {name}. There is: {names}.", name=word, names=names)
            ) from None


@dataclass(frozen=True, slots=True)
class _EmailAddress:
    label: str = N_("ADDRESS")

    async def read(self, words: Words, desk: Desk, call: Call) -> Address:
        return valid_address(words.next(self.label))


@dataclass(frozen=True, slots=True)
class _Pattern:
    """Authors to ban, in normal form: what it takes to ban them is judged by nothing else."""

    label: str = N_("PATTERN")

    async def read(self, words: Words, desk: Desk, call: Call) -> str:
        return normal_form(words.next(self.label))


@dataclass(frozen=True, slots=True)
class _Who:
    """An address, or ``Name <address>``."""

    label: str = N_("WHO")

    async def read(self, words: Words, desk: Desk, call: Call) -> Mailbox:
        return mailbox(words.rest(self.label))


@dataclass(frozen=True, slots=True)
class _WhoOrGroup:
    """An address, ``Name <address>``, or a group, which begins with ``@``."""

    label: str = N_("WHO")

    async def read(self, words: Words, desk: Desk, call: Call) -> Mailbox | Group:
        if words.peek().startswith("@"):
            return await _OneGroup(self.label).read(words, desk, call)
        return mailbox(words.rest(self.label))


@dataclass(frozen=True, slots=True)
class _Known:
    """Somebody in the directory: words up to one with an @, or all words where only a name is given."""

    label: str = N_("WHO")

    async def read(self, words: Words, desk: Desk, call: Call) -> Person:
        taken = [words.next(self.label)]
        while words and "@" not in taken[-1]:
            taken.append(words.next(self.label))
        if "@" not in taken[-1]:
            return await _only_one(desk, " ".join(taken))
        address = mailbox(" ".join(taken)).address
        found = await desk.stores.people.find(address)
        if found is None:
            raise UserError(Text("Nobody in the directory has the address {address}.", address=address))
        return found


def mailbox(text: str) -> Mailbox:
    """An address, or ``Name <address>``. Raises UserError for anything else."""
    if len(set(_ADDRESS_LIKE.findall(text.lower()))) > 1:
        raise UserError(Text("Only one person at a time, please: Name <address>."))
    named = _NAMED.fullmatch(text)
    if not named:
        return Mailbox("", valid_address(text))
    name = " ".join(named["name"].strip('"“” ').split())
    if not name.isprintable():
        raise UserError(Text("That name has characters that cannot be shown; please type it again."))
    return Mailbox(name, valid_address(named["address"]))


async def _only_one(desk: Desk, words: str) -> Person:
    """Who is called that. Raises UserError unless it is one person."""
    found = await desk.stores.people.search(words, _NAMED_AT_ONCE + 1)
    if not found:
        raise UserError(Text("Nobody in the directory is called “{word}”.", word=words))
    if len(found) > 1:
        named = [person.written for person in found[:_NAMED_AT_ONCE]]
        raise UserError(Text("Which one? Please give the address: {people}.", people=named))
    return found[0]


@dataclass(frozen=True, slots=True)
class _Pairs:
    label: str = N_("key=value...")

    async def read(self, words: Words, desk: Desk, call: Call) -> dict[str, str]:
        return words.pairs(self.label)


@dataclass(frozen=True, slots=True)
class _Confirmation:
    label: str = N_("yes")

    async def read(self, words: Words, desk: Desk, call: Call) -> bool:
        return words.next(self.label).lower() in {"yes", "oui"}


OneList = Annotated[MailingList, _OneList()]
OneGroup = Annotated[Group, _OneGroup()]
AnyGroup = Annotated[Group | None, _OneGroup()]
Target = Annotated[MailingList | Group, _Target()]
AnyList = Annotated[MailingList | None, _AnyList()]
ListOrAll = Annotated[MailingList | None, _ListOrAll()]
ListOrAdmins = Annotated[MailingList | None, _ListOrAdmins()]
ListOrWords = Annotated[MailingList | None, _ListOrWords()]
PostId = Annotated[Post, _PostId()]
ListOrPost = Annotated[MailingList | Post | None, _ListOrPost()]
Rest = Annotated[str, _Rest()]
Reason = Annotated[str, _Rest(N_("REASON"))]
Name = Annotated[str, _Rest(N_("COMMAND"))]
NoticeName = Annotated[NoticeKind, _NoticeName()]
TemplateText = Annotated[str, _Rest(N_("[LANG] TEXT"))]
EmailAddress = Annotated[Address, _EmailAddress()]
NewAddress = Annotated[str, _Word(N_("ADDRESS"))]
Account = Annotated[str, _Word(N_("ID"))]
LanguageCode = Annotated[str, _Word(N_("LANG"))]
Pattern = Annotated[str, _Pattern()]
Who = Annotated[Mailbox, _Who()]
WhoOrGroup = Annotated[Mailbox | Group, _WhoOrGroup()]
Known = Annotated[Person, _Known()]
PersonName = Annotated[str, _Rest(N_("NAME"))]
GroupName = Annotated[str, _Word(N_("NAME"))]
Source = Annotated[str, _Word(N_("URL|PATH"))]
FilePath = Annotated[str, _Rest(N_("PATH"))]
Pairs = Annotated[dict[str, str], _Pairs()]
Confirmation = Annotated[bool, _Confirmation()]
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
        return UserError(Text("Which list? There is: {lists}.", lists=choice))
    return UserError(
        Text("Which list? There is: {lists}. No list is called “{word}”.", lists=choice, word=word)
    )


def by_id(mlist: MailingList) -> str:
    """A list as a button's command line names it: short and never ambiguous."""
    return f"{_BY_ID}{mlist.id}"
