"""Who is who: chat accounts and the people of the directory."""

from __future__ import annotations

from dataclasses import replace

from bot.chat.desk import Call, Desk, Option, Reply, say
from bot.chat.dialogues import ask
from bot.chat.kinds import Code
from bot.chat.registry import command, find
from bot.chat.whom import EmailAddress
from bot.core.addresses import Address
from bot.core.errors import UserError
from bot.core.people import Rank
from bot.core.text import N_, Text
from bot.flow.linking import WrongCode


@command(
    "link",
    N_("Tell who you are in the directory; a code is mailed to you"),
    rank=Rank.ANYONE,
    example="/link anne@example.org",
    hint=N_("What you may do as a moderator or an owner follows you everywhere then."),
)
async def link(desk: Desk, call: Call, address: EmailAddress, *, code: Code = "") -> Reply:
    """A code goes to the address, and whoever says it here is the person with that address."""
    if call.speaker.is_anonymous:
        raise UserError(Text("You speak in the name of a whole group: please write to me as yourself."))
    if call.speaker.is_login:
        raise UserError(Text("Only accounts in a chat can be linked: yours here may do everything already."))
    if not call.place.private:
        go_on = Option(Text("🔑 Go on in private"), "/link", private=True)
        return Reply(said=(Text("Please tell me in private who you are."),), options=((go_on,),), ok=False)
    if code:
        return await _linked(desk, call, address, code)
    await desk.linking.send_code(call.speaker, address, call.language.code)
    said = (
        Text("If {address} is in our directory, a mail with a code is on its way there.", address=address),
        Text("It may take a minute; look into the junk mail too."),
    )
    return replace(await _asked(desk, call, address, *said), ok=True)


@command("unlink", N_("Be nobody of the directory here any more"), rank=Rank.ANYONE)
async def unlink(desk: Desk, call: Call) -> Reply:
    """The account has no roles then but those of the room."""
    if not await desk.stores.admins.unlink(call.speaker.id):
        raise UserError(Text("Your account is not linked to anybody: /link does that."))
    return say(Text("Your account is not linked to anybody any more."))


async def _linked(desk: Desk, call: Call, address: Address, code: str) -> Reply:
    try:
        person = await desk.linking.link(call.speaker, address, code)
    except WrongCode as error:
        if not error.left:
            raise
        return replace(await _asked(desk, call, address, error.text), ok=False)
    return say(
        Text("✅ You are {person} here from now on.", person=person.written),
        Text("/whoami shows it, /unlink ends it, /help shows what you may do."),
    )


async def _asked(desk: Desk, call: Call, address: Address, *before: Text) -> Reply:
    """Wait for the code, which is in a mail."""
    asked = await ask(desk, call, f"/link {address}", find("link").param("code"))
    return replace(asked, said=(*before, *asked.said))
