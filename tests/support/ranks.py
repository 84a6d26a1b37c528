"""Every command with its arguments, made from the definitions: for whoever tries them as somebody.

A new command is among them by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Trial:
    """Every command as somebody of one rank, over a network.

    Attributes:
        refused: the names of those that are for others.
        lines: what to say; what is theirs is said alone, so that it asks for what it lacks, and what is
            not, with all that it takes.
        ends: the same of what takes away, in this order behind all others.
    """

    refused: tuple[str, ...]
    lines: tuple[str, ...]
    ends: tuple[str, ...]


def trial_of(rank: Rank, mlist: MailingList, post: Post) -> Trial:
    words = words_for(mlist, post)
    refused = [known for known in commands().values() if known.rank > rank]
    theirs = [known for known in commands().values() if known.rank <= rank]
    return Trial(
        refused=tuple(known.name for known in refused),
        lines=(
            *(next(lines_of(known, words)) for known in refused),
            *(f"/{known.name}" for known in theirs if not last(known)),
        ),
        ends=tuple(f"/{known.name}" for known in reversed(theirs) if last(known)),
    )
