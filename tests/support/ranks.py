"""Every command with its arguments, made from the definitions: for whoever tries them as somebody.

A new command is among them by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TypeAlias

from bot.chat.kinds import ADMINS, ALL, by_id
from bot.chat.registry import Command, commands
from bot.core.addresses import Address
from bot.core.lists import MailingList
from bot.core.people import Rank
from bot.core.posts import Post


def words_for(mlist: MailingList, post: Post) -> Mapping[str, str]:
    """What to type for each kind of parameter, by its label; a new kind needs a line here."""
    return {
        "ADDRESS": member_of(mlist.local_part),
        "CODE": "123456",
        "COMMAND": "set",
        "GROUP": "@voisins",
        "ID": str(post.id),
        "LANG": "en",
        "LIST": by_id(mlist),
        "LIST|ID": by_id(mlist),
        "LIST|admins": by_id(mlist),
        "LIST|all": by_id(mlist),
        "NAME": "held",
        "PASSWORD": "s3cret",
        "PATH": "/nowhere.csv",
        "PATTERN": "*@example.net",
        "REASON": "no",
        "KEY": "moderation",
        "SECTION": "notices",
        "TARGET": by_id(mlist),
        "URL|PATH": "/nowhere.csv",
        "VALUE": "open",
        "WHO": "somebody.new@example.net",
        "WORDS": "zzz",
        "[LANG] TEXT": "Bonjour",
        "key=value...": "moderation=open",
        "yes": "yes",
    }


def lines_of(known: Command, words: Mapping[str, str]) -> Iterator[str]:
    """The command about one list: with all that it takes, with what it needs, alone, and for all."""
    written = [
        f"{param.name}={words[param.kind.label]}" if param.option else words[param.kind.label]
        for param in known.params
    ]
    needed = [word for word, param in zip(written, known.params, strict=True) if param.required]
    yield from dict.fromkeys(" ".join([f"/{known.name}", *some]) for some in (written, needed, []))
    for param in known.params:
        for word in {ALL, ADMINS} & set(param.kind.label.split("|")):
            yield " ".join(
                [f"/{known.name}", *(word if each == words[param.kind.label] else each for each in written)]
            )


def member_of(name: str) -> Address:
    return Address(f"member.{name}@example.org")


def last(known: Command) -> bool:
    """What takes away what the other commands are about comes behind them."""
    return known.name.startswith(("del", "forget", "rename", "un"))


def by_rank(rank: Rank) -> tuple[list[Command], list[Command]]:
    """The commands that are for others, and those that are theirs too; what takes away comes last."""
    ends = [known for known in commands().values() if last(known)]
    in_order = [*(known for known in commands().values() if not last(known)), *reversed(ends)]
    return [each for each in in_order if each.rank > rank], [each for each in in_order if each.rank <= rank]


Say: TypeAlias = Callable[[str], Awaitable[None]]
"""Say a line through a network, and wait until it is answered."""


async def try_all(rank: Rank, mlist: MailingList, post: Post, say: Say) -> list[str]:
    """Say every command as somebody of this rank; the names of those that must be refused, in order.

    What is theirs is said alone, so that it asks for what it lacks; what is not, with all that it takes.
    """
    refused, theirs = by_rank(rank)
    words = words_for(mlist, post)
    for known in refused:
        await say(next(lines_of(known, words)))
    for known in theirs:
        await say(f"/{known.name}")
    return [known.name for known in refused]
