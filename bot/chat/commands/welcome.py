"""Greeting those who were members before the list greeted anybody."""

from __future__ import annotations

from bot.chat.desk import Call, Desk, Option, Reply, say
from bot.chat.kinds import Confirmation, OneList, by_id
from bot.chat.listings import people
from bot.chat.registry import command
from bot.core.people import Rank
from bot.core.text import N_, Text


@command(
    "welcome",
    N_("Send the welcome to the members who never had it"),
    rank=Rank.OWNER,
    hint=N_("notify_welcome=yes greets those who come later; /template LIST welcome shows the text."),
)
async def welcome(desk: Desk, call: Call, mlist: OneList, *, confirm: Confirmation = False) -> Reply:
    """Only on a word: after a list's first import that is a mail to everybody."""
    waiting = await desk.stores.welcomes.not_greeted(mlist)
    if not waiting:
        return say(Text("Every member of {list} has had the welcome.", list=mlist.address))
    count = people(len(waiting))
    if not confirm:
        asked = Text("The welcome to {list} would go to {people}.", list=mlist.address, people=count)
        yes = Option(Text("✉️ Send it"), f"/welcome {by_id(mlist)} confirm=yes")
        return Reply(said=(asked,), options=((yes,),), rows=[{"people": len(waiting)}], ok=False)
    greeted = await desk.welcomes.greet(mlist, waiting)
    said = Text("The welcome to {list} goes to {people}.", list=mlist.address, people=people(greeted))
    return Reply(said=(said,), rows=[{"greeted": greeted}])
