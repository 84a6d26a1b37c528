"""What anybody may ask: help, who one is, what this is."""

from __future__ import annotations

from bot.chat.desk import Call, Desk, Reply, say
from bot.chat.kinds import Name
from bot.chat.registry import command, find, menu
from bot.core.people import Rank
from bot.core.text import N_, Text

RANKS = {
    Rank.ANYONE: N_("everybody"),
    Rank.MODERATOR: N_("moderators"),
    Rank.OWNER: N_("owners of the list"),
    Rank.ADMIN: N_("administrators"),
}

_MAY = {
    Rank.ANYONE: N_("You cannot do much here yet: /whoami shows the id that an administrator needs."),
    Rank.MODERATOR: N_("You are a moderator: tap ✅ ❌ or 🔇 below a post. /pending shows those that wait."),
    Rank.OWNER: N_("You own a list: you decide on its posts (/pending) and who is on it (/members)."),
    Rank.ADMIN: N_(
        "You are an administrator: /addlist makes a mailing list, /lists shows how all of them are."
    ),
}


@command("start", N_("Say hello and tell what to do first"), rank=Rank.ANYONE)
async def start(desk: Desk, call: Call) -> Reply:
    """The first thing that anybody sees in a private conversation."""
    return say(
        Text(
            "I am facteur, the postman of {organisation}: mails to our mailing lists reach everybody once "
            "a moderator has said yes.",
            organisation=desk.installation.organisation,
        ),
        Text(_MAY[call.rank]),
        Text("/help shows all that you may do."),
    )


@command("help", N_("Show what there is, or how one command is used"), rank=Rank.ANYONE)
async def help_(desk: Desk, call: Call, name: Name = "") -> Reply:
    """Every command that the asker may use, or one with its usage."""
    if name:
        known = find(name.lstrip("/!").lower())
        said = [known.usage, Text(known.summary), Text("For {rank}.", rank=Text(RANKS[known.rank]))]
        if known.example:
            said.append(Text("For example: {example}", example=known.example))
        if known.hint:
            said.append(Text(known.hint))
        return Reply(
            said=tuple(said),
            rows=[_row(known.name)],
        )
    shown = menu(call.rank)
    lines = [Text("/{name}: {summary}", name=known.name, summary=Text(known.summary)) for known in shown]
    return Reply(
        said=(*lines, Text("/help COMMAND shows how one is written.")),
        rows=[_row(known.name) for known in shown],
    )


@command("whoami", N_("Show your id, to be put under admins"), rank=Rank.ANYONE)
async def whoami(desk: Desk, call: Call) -> Reply:
    """The id of who asks, as the configuration wants it."""
    rank, speaker = Text(RANKS[call.rank]), call.speaker
    person = None if speaker.is_anonymous else await desk.stores.admins.linked(speaker.id)
    said = [Text("You are {name}, id {id}.", name=speaker.name, id=speaker.id)]
    if person:
        said.append(Text("In the directory you are {person}: /unlink ends that.", person=person.written))
    elif not (speaker.is_login or speaker.is_anonymous):
        said.append(Text("You are nobody in the directory yet: /link tells who you are."))
    said.append(Text("Here you may do what {rank} may do.", rank=rank))
    linked = {"person": person.name, "addresses": list(person.addresses)} if person else None
    row = {"id": speaker.id, "name": speaker.name, "rank": call.rank.name.lower(), "linked": linked}
    return Reply(said=tuple(said), rows=[row])


@command("cancel", N_("End the question that waits for an answer"), rank=Rank.ANYONE)
async def cancel(desk: Desk, call: Call) -> Reply:
    """Any command does that; this one does nothing else."""
    return say(Text("All right, forget it.") if call.interrupts else Text("I am not waiting for an answer."))


@command("version", N_("Show the version of facteur"), rank=Rank.ADMIN)
async def version(desk: Desk, call: Call) -> Reply:
    """The installed version."""
    number = desk.installation.version
    return Reply(said=(Text("facteur {version}", version=number),), rows=[{"version": number}])


def _row(name: str) -> dict[str, str]:
    known = find(name)
    return {
        "name": name,
        "usage": str(known.usage),
        "summary": known.summary,
        "rank": known.rank.name.lower(),
    }
