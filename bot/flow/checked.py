"""What came of trying something that a list needs."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.errors import FacteurError, Trouble
from bot.core.lists import Certificate
from bot.core.ports import ChatTransport
from bot.core.text import Text


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that was tried; `trouble` None = it works, or (`pending`) it is not known yet.

    `note` tells of a certificate just accepted, `seen` is one that is not. `said` is what else was found,
    `auth_host` a host whose Authentication-Results could be trusted. `kind`: of trouble, where a server was
    there to give any.
    """

    what: Text
    trouble: Text | None
    note: Text | None = None
    seen: Certificate | None = None
    kind: Trouble | None = None
    pending: Text | None = None
    said: tuple[Text, ...] = ()
    auth_host: str = ""


async def checked_place(network: ChatTransport, address: str, what: Text) -> Checked:
    """Whether a chat network (empty address), or a place there, can be used."""
    try:
        remark = await network.check(address)
    except FacteurError as error:
        return Checked(what, error.text)
    return Checked(what, None, said=(remark,) if remark else ())
