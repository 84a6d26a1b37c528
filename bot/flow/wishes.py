"""Whether a mail is a wish to leave the list, an answer to the question that follows, or a post after all."""

from __future__ import annotations

import re
from enum import Enum, auto

from bot.core.text import folded

_WORD = re.compile(r"\w+")
_STRONG = frozenset(
    """
    desabonne desabonnement desabonner desabonnez desinscription desinscrire desinscris desinscrit
    desinscrivez unsubscribe unsubscription
    """.split()  # noqa: SIM905 - easier to read and to add to
)
"""Said of lists alone; the others mean leaving only beside a word for the list."""
_WEAK = frozenset("enlever enlevez leave quitter remove retirer retirez".split())  # noqa: SIM905
_LIST = frozenset("diffusion list liste mailing mails me moi".split())  # noqa: SIM905
_BESIDE = frozenset(
    """
    a am bonjour bonsoir cette could d de demande des desire du from fw fwd hello i je l la le les ma merci
    mon my of please plus pour pouvez pourriez puis re recevoir s se souhaite souhaiterais svp the this to
    tr veuillez veux voudrais vos votre vous want want wish you
    """.split()  # noqa: SIM905
)
"""What stands beside: words as `folded` gives them."""

_ANSWER = re.compile(r"\s*(re|rep|aw|sv|fwd?|tr)\s*:", re.IGNORECASE)
_QUOTED = re.compile(r"\s*>")
_INTRODUCES = re.compile(r"(wrote|a ecrit|ecrivait|schrieb)\W*$")
_NO = frozenset("annule annuler annulez cancel erreur no non not pas reste rester stay".split())  # noqa: SIM905
_OTHER_WORDS = 15
"""So many words that are about something else stand in a greeting and a signature."""
_FIRST_WORDS = 6


class Wish(Enum):
    """What a mail wants."""

    NONE = auto()
    CLEAR = auto()
    """To leave the list."""
    MAYBE = auto()
    """Its subject says so, and there is more to it: a person should look."""


def wish(subject: str, text: str, names: str) -> Wish:
    """What a mail with this subject and text wants of the list that is called `names`.

    The subject decides, which may hold nothing else: List-Unsubscribe writes it, and people who mean it.
    Where it answers another mail or asks something, the text must say it too; where the text goes on
    about other things, it may be a post.
    """
    ours = frozenset(_WORD.findall(folded(names)))
    words = frozenset(_WORD.findall(folded(subject)))
    usual = _STRONG | _WEAK | _LIST | _BESIDE | ours
    leaves = words & _STRONG or (words & _WEAK and words & (_LIST | ours))
    if not leaves or words - usual:
        return Wish.NONE
    written = _WORD.findall(" ".join(_own(text)))
    others = [word for word in written if word not in usual]
    conversation = bool(_ANSWER.match(subject)) or "?" in subject
    silent = conversation and written and not (_STRONG | _WEAK).intersection(written)
    return Wish.MAYBE if silent or len(others) > _OTHER_WORDS else Wish.CLEAR


def refuses(text: str) -> bool:
    """Whether an answer says no."""
    return bool(_NO.intersection(_WORD.findall(" ".join(_own(text)))[:_FIRST_WORDS]))


def _own(text: str) -> list[str]:
    """The lines that the writer wrote themselves, folded; without quotes, and nothing behind ``--``."""
    lines = []
    for line in folded(text).splitlines():
        if line.rstrip() == "--":
            break
        if not _QUOTED.match(line) and not _INTRODUCES.search(line):
            lines.append(line)
    return lines
