"""Authors who could be taken for somebody of the list: a name or address that only looks the same."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from bot.core.addresses import Address, Mailbox, domain_of, local_part_of
from bot.core.people import Person
from bot.core.text import BLANK_LETTERS, folded, unseen

_SHORTEST = 5
"""Characters of an address's part: shorter ones resemble each other by chance."""

_SAME_SHAPE = str.maketrans(
    {
        **dict(zip("аеорсухіјѕԁһмвнкт", "aeopcyxijsdhmbhkt", strict=True)),
        **dict(zip("αοενρτυκιχ", "aoevptukix", strict=True)),  # Greek
        "\u0131": "i",
        "0": "o",
        "1": "l",
        "i": "l",
        "|": "l",
        "5": "s",
    }
)


def resembled(author: Mailbox, people: Iterable[Person]) -> Mailbox | None:
    """Somebody whose name or address this author's could be taken for, and who is not the author."""
    name = _words(author.name)
    for person in people:
        if author.address in person.addresses:
            continue
        theirs = person.addresses[0] if person.addresses else Address("")
        if len(name) > 1 and name == _words(person.name):
            return Mailbox(person.name, theirs)
        for address in person.addresses:
            if address in author.name.lower() or _look_alike(author.address, address):
                return Mailbox(person.name, address)
    return None


def _look_alike(one: Address, other: Address) -> bool:
    """The same shape, or one slip of the finger apart in the local part or in the domain."""
    local, other_local = _shape(local_part_of(one)), _shape(local_part_of(other))
    domain, other_domain = _shape(_written(one)), _shape(_written(other))
    if (local, domain) == (other_local, other_domain):
        return True
    if domain == other_domain:
        return min(len(local), len(other_local)) >= _SHORTEST and _one_apart(local, other_local)
    return local == other_local and _one_apart(domain, other_domain)


def _written(address: Address) -> str:
    """The domain as its readers see it, and not as DNS does (IDNA)."""
    domain = domain_of(address)
    try:
        return domain.encode("ascii").decode("idna")
    except UnicodeError:
        return domain


def _shape(text: str) -> str:
    """Equal for texts that many readers would take for the same."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    seen = "".join(each for each in plain if not unseen(each) and each not in BLANK_LETTERS)
    return folded(seen.translate(_SAME_SHAPE)).translate(_SAME_SHAPE).replace("rn", "m").replace("vv", "w")


def _words(name: str) -> list[str]:
    """Of a name, in any order."""
    return sorted(_shape(name.replace(",", " ")).split())


def _one_apart(one: str, other: str) -> bool:
    """One character more, less or different, or two of them swapped."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    rest, other_rest = one[start:], other[start:]
    if rest[1:] == other_rest[1:] or rest[1:] == other_rest or rest == other_rest[1:]:
        return True
    return rest[:2] == other_rest[:2][::-1] and rest[2:] == other_rest[2:]
