"""Authors who always pass and authors who are never heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.chat.desk import Call, Desk, Option, Reply, iso, say
from bot.chat.kinds import ALL, AnyList, Confirmation, ListOrAll, by_id
from bot.chat.listings import scope
from bot.chat.readable import one_line
from bot.chat.registry import command
from bot.chat.whom import EmailAddress, Pattern
from bot.core.addresses import PUBLIC_PROVIDERS, Address, Mailbox, domain_of, is_deliverable
from bot.core.chat import Tone
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.people import Ban, Rank, Role
from bot.core.posts import Post
from bot.core.text import N_, Text, revealed
from bot.flow.bans import lone, matches, names_many

_NAME_LIMIT = 200


def _rank_of_allowing(arguments: Mapping[str, Any]) -> Rank:
    return Rank.ADMIN if arguments["mlist"] is None else Rank.MODERATOR


def _rank_of_banning(arguments: Mapping[str, Any]) -> Rank:
    """One address on one list is a moderator's, a pattern an owner's, every list an administrator's."""
    if arguments["mlist"] is None:
        return Rank.ADMIN
    return Rank.OWNER if names_many(arguments["pattern"]) else Rank.MODERATOR


@command(
    "allow", N_("Let an author always post without a decision"), rank=Rank.MODERATOR, raises=_rank_of_allowing
)
async def allow(desk: Desk, call: Call, address: EmailAddress, mlist: ListOrAll) -> Reply:
    """The role `unmoderated`; a ban of this very address goes."""
    return await _allow(desk, Mailbox("", address), mlist)


@command("ban", N_("Discard whatever an author posts"), rank=Rank.MODERATOR, raises=_rank_of_banning)
async def ban(
    desk: Desk, call: Call, pattern: Pattern, mlist: ListOrAll, *, confirm: Confirmation = False
) -> Reply:
    """An address, ``*@domain`` or ``/regular expression/``."""
    return await _ban(desk, call, pattern, mlist, confirmed=confirm)


@command("unban", N_("Listen to a banned author again"), rank=Rank.MODERATOR, raises=_rank_of_banning)
async def unban(desk: Desk, call: Call, pattern: Pattern, mlist: ListOrAll) -> Reply:
    """Take a ban away, exactly as /bans shows it."""
    if not await desk.stores.bans.remove(pattern, mlist.id if mlist else None):
        raise UserError(Text("{pattern} is not banned there: /bans shows what is.", pattern=pattern))
    return say(Text("{pattern} is heard again.", pattern=pattern))


@command("bans", N_("Show who is banned"), rank=Rank.MODERATOR)
async def bans(desk: Desk, call: Call, mlist: AnyList = None) -> Reply:
    """The bans of a list and those of every list."""
    lists = await scope(desk, call, mlist)
    found: set[Ban] = set()
    for mlist_id in [*lists, None]:
        found.update(await desk.stores.bans.concerning(mlist_id))
    shown = sorted(found, key=lambda ban: (ban.at, ban.pattern, ban.mlist_id or 0))
    where = {each.mlist_id: lists[each.mlist_id].address if each.mlist_id else "" for each in shown}
    title = Text.counted("{count} ban:", "{count} bans:", len(shown)) if shown else Text("Nobody is banned.")
    return Reply(
        said=(title, *(_line(each, where[each.mlist_id]) for each in shown)),
        rows=[
            {
                "pattern": each.pattern,
                "list": where[each.mlist_id] or None,
                "by": each.by,
                "at": iso(each.at),
            }
            for each in shown
        ],
    )


async def allow_author(desk: Desk, post: Post) -> Reply:
    """The author of a post, on its list. Raises UserError if the post names none."""
    return await _allow(desk, _author(post), await desk.stores.lists.get(post.mlist_id))


async def ban_author(desk: Desk, call: Call, post: Post) -> Reply:
    """The author of a post, on its list. Raises UserError if the post names none to be banned alone."""
    mlist = await desk.stores.lists.get(post.mlist_id)
    return await _ban(desk, call, lone(_author(post).address), mlist, confirmed=False)


def ban_of_domain(call: Call, post: Post, mlist: MailingList) -> list[Option]:
    """For owners: hear nobody at the author's domain. Of a mailbox provider it is never offered."""
    domain = domain_of(post.author_address)
    pattern = f"*@{domain}"
    label = Text("⛔ Ban everybody at {domain}", domain=revealed(domain))
    button = Option(label, f"/ban {pattern} {by_id(mlist)}", Tone.DANGER)
    plain = is_deliverable(post.author_address) and button.fits
    return [button] if plain and call.rank >= Rank.OWNER and not _public_provider(pattern) else []


async def _allow(desk: Desk, author: Mailbox, mlist: MailingList | None) -> Reply:
    address = lone(author.address)  # lest it takes back the ban of a pattern
    author = replace(author, name=one_line(author.name, _NAME_LIMIT))
    lists = [mlist] if mlist else await desk.stores.lists.all()
    for each in lists:
        await desk.stores.people.grant(each, Role.UNMODERATED, author)
        await desk.stores.bans.remove(address, each.id)
    if mlist is None:
        await desk.stores.bans.remove(address, None)
    return say(
        Text(
            "👍 {address} posts without a decision from now on, on {lists}.",
            address=revealed(address),
            lists=[each.address for each in lists],
        )
    )


async def _ban(desk: Desk, call: Call, pattern: str, mlist: MailingList | None, *, confirmed: bool) -> Reply:
    if not confirmed and (domain := _public_provider(pattern)):
        said = Text(
            "{pattern} would ban everybody at {domain}. If you mean it, add confirm=yes.",
            pattern=pattern,
            domain=domain,
        )
        line = f"/ban {pattern} {by_id(mlist) if mlist else ALL} confirm=yes"
        yes = Option(Text("🚫 Ban all of {domain}", domain=domain), line, Tone.DANGER)
        fits = yes.fits and " " not in pattern
        return Reply(said=(said,), options=((yes,),) if fits else (), ok=False)
    banned = Ban(pattern, mlist.id if mlist else None, call.speaker.name, desk.clock.now())
    new = await desk.stores.bans.add(banned)
    where = Text("{list}", list=mlist.address) if mlist else Text("every list")
    if not new:
        return say(Text("{pattern} is banned already on {where}.", pattern=revealed(pattern), where=where))
    return say(
        Text(
            "🚫 Posts of {pattern} on {where} are discarded from now on; /unban takes it back.",
            pattern=revealed(pattern),
            where=where,
        )
    )


def _public_provider(pattern: str) -> str:
    """A mailbox provider, all of whose customers the pattern would hit; empty if there is none."""
    if not names_many(pattern):
        return ""
    probes = ((domain, Address(f"somebody.or.other@{domain}")) for domain in PUBLIC_PROVIDERS)
    return next((domain for domain, probe in probes if matches(pattern, probe)), "")


def _author(post: Post) -> Mailbox:
    if post.author is None:
        raise UserError(Text("The author of #{number} cannot be read.", number=post.id))
    return post.author


def _line(ban: Ban, where: str) -> Text:
    return Text(
        "{pattern} · {where} · by {who}, {at}",
        pattern=revealed(ban.pattern),
        where=where or Text("every list"),
        who=ban.by,
        at=ban.at,
    )
