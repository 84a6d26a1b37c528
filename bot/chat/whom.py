"""Kinds of parameters that name people and addresses: beside `bot.chat.kinds`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from bot.chat.desk import Call, Desk, Option
from bot.chat.kinds import GroupKind, RestKind, TypedOnly
from bot.chat.words import Words
from bot.core.addresses import Address, Mailbox
from bot.core.errors import UserError
from bot.core.people import Group, Person
from bot.core.text import N_, Text
from bot.flow.bans import normal_form
from bot.flow.validity import valid_address

_NAMED = re.compile(r"(?P<name>.*?)\s*<(?P<address>[^<>]+)>", re.DOTALL)
_ADDRESS_LIKE = re.compile(r"[^\s,;<>\"]+@[^\s,;<>\"]+")
_NAMED_AT_ONCE = 5
"""People whom an answer names where several may be meant."""


@dataclass(frozen=True, slots=True)
class _EmailAddress(TypedOnly):
    label: str = N_("ADDRESS")
    question: str = N_("Which address is it about?")

    async def read(self, words: Words, desk: Desk, call: Call) -> Address:
        return valid_address(words.next(self.label))


@dataclass(frozen=True, slots=True)
class _Pattern(TypedOnly):
    """Authors to ban, in normal form: what it takes to ban them is judged by nothing else."""

    label: str = N_("PATTERN")
    question: str = N_("Whose posts? An address, *@domain or /pattern/.")

    async def read(self, words: Words, desk: Desk, call: Call) -> str:
        return normal_form(words.next(self.label))


@dataclass(frozen=True, slots=True)
class _WhoOrGroup:
    """An address, ``Name <address>``, or a group, which begins with ``@``."""

    label: str = N_("WHO")
    question: str = N_("Who is it? An address, or: Name <address>")

    async def read(self, words: Words, desk: Desk, call: Call) -> Mailbox | Group:
        if words.peek().startswith("@"):
            return await GroupKind(self.label).read(words, desk, call)
        return mailbox(words.rest(self.label))

    async def choices(self, desk: Desk, call: Call) -> Sequence[Option]:
        return await GroupKind().choices(desk, call)


@dataclass(frozen=True, slots=True)
class _Known(TypedOnly):
    """Somebody in the directory: words up to one with an @, or all words where only a name is given."""

    label: str = N_("WHO")
    question: str = N_("Who is it? An address, or a name in the directory.")

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


EmailAddress = Annotated[Address, _EmailAddress()]
Pattern = Annotated[str, _Pattern()]
WhoOrGroup = Annotated[Mailbox | Group, _WhoOrGroup()]
Known = Annotated[Person, _Known()]
PersonName = Annotated[str, RestKind(N_("NAME"), N_("What is the right name?"))]


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
