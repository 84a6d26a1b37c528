"""The directory itself: groups, and people with their addresses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from bot.chat import plans
from bot.chat.bouncing import again, bouncing_line
from bot.chat.commands.imports import refuse_other_sources
from bot.chat.desk import Call, Desk, Option, Reply, iso
from bot.chat.holders import brought_by, written
from bot.chat.kinds import Confirmation, GroupName, OneGroup, Source
from bot.chat.listings import addresses, people
from bot.chat.readable import one_line
from bot.chat.registry import command
from bot.chat.whom import EmailAddress, Known, PersonName
from bot.core.addresses import Address
from bot.core.chat import Tone
from bot.core.errors import UserError
from bot.core.lists import MailingList
from bot.core.people import (
    Following,
    GroupFacts,
    Person,
    Profile,
    Rank,
    Role,
    Way,
    group_name,
)
from bot.core.text import N_, Text

Held: TypeAlias = tuple[Address, Role, tuple[Way, ...]]
"""A list, a role there, and the ways to it."""

_PERSON_NAME_LIMIT = 200


@command("groups", N_("Show every group and where it counts"), rank=Rank.ADMIN)
async def groups(desk: Desk, call: Call) -> Reply:
    """By name."""
    found = await desk.stores.groups.all()
    if not found:
        return Reply(said=(Text("There is no group yet. /addgroup NAME makes one."),))
    return Reply(
        said=tuple(_group_line(desk, facts) for facts in found),
        rows=[_group_row(desk, facts) for facts in found],
    )


@command("group", N_("Show a group: who is in it, what it is on lists"), rank=Rank.ADMIN)
async def group_(desk: Desk, call: Call, group: OneGroup) -> Reply:
    """One group."""
    facts = await desk.stores.groups.facts(group)
    options = ((Option(Text("👥 Members"), f"/members {group.written}"),),)
    return Reply(said=(_group_line(desk, facts),), rows=[_group_row(desk, facts)], options=options)


@command(
    "addgroup",
    N_("Make a group of people, for any number of lists"),
    rank=Rank.ADMIN,
    example="/addgroup contrat-legumes source=https://docs.google.com/spreadsheets/d/...",
    hint=N_(
        "A group follows its source, a CSV, XLSX or ODS sheet at an https address or in a file: whoever is "
        "named there is in it, by the hour. A column with the groups may say who belongs to which. For a "
        "group that exists it is the new source."
    ),
)
async def addgroup(desk: Desk, call: Call, name: GroupName, *, source: Source = "") -> Reply:
    """A group without anybody in it, or one that is filled by its source at once."""
    if source:
        refuse_other_sources(source)
    groups, name = desk.stores.groups, group_name(name)
    known = await groups.named(name) if source else None
    group = await groups.follow(known, source) if known else await groups.add(name, source)
    if source:
        return plans.synced(await desk.sync.run(group, confirmed=False))
    return Reply(
        said=(
            Text("👥 {group} is a group now.", group=group.written),
            Text(
                "Next: /addmember {group} Name <address>, then /addmember LIST {group}", group=group.written
            ),
        ),
        rows=[_group_row(desk, await desk.stores.groups.facts(group))],
    )


@command("delgroup", N_("Delete a group; its people stay in the directory"), rank=Rank.ADMIN)
async def delgroup(desk: Desk, call: Call, group: OneGroup, *, confirm: Confirmation = False) -> Reply:
    """What it gave to its people goes with it, so that is asked first."""
    facts = await desk.stores.groups.facts(group)
    if not confirm and facts.people and facts.roles:
        line = f"/delgroup {group.written} confirm=yes"
        said = (
            Text("Delete {group}? {people} would lose:", group=group.written, people=people(facts.people)),
            *_given(facts),
            Text("To do it: {line}", line=line),
        )
        button = Option(Text("🗑 Delete {list}", list=group.written), line, Tone.DANGER)
        return Reply(said=said, options=((button,),), ok=False)
    await desk.stores.groups.delete(group)
    return Reply(
        said=(Text("{group} is deleted.", group=group.written),),
        rows=[{**_group_row(desk, facts), "status": "removed"}],
    )


@command("person", N_("Show all that is stored about somebody"), rank=Rank.ADMIN)
async def person_(desk: Desk, call: Call, who: Known) -> Reply:
    """Addresses, groups, roles on lists, posts."""
    return await _page(desk, who)


@command(
    "rename",
    N_("Change somebody's name"),
    rank=Rank.ADMIN,
    example="/rename anne@example.org Anne Martin",
)
async def rename(desk: Desk, call: Call, who: Known, name: PersonName) -> Reply:
    """The name alone; addresses and roles stay."""
    name = " ".join(name.split())
    if not name.isprintable() or len(name) > _PERSON_NAME_LIMIT:
        raise UserError(Text("That name has characters that cannot be shown; please type it again."))
    return _changed(await desk.stores.people.rename(who.id, name))


@command(
    "addaddress",
    N_("Give somebody one more address"),
    rank=Rank.ADMIN,
    example="/addaddress anne@example.org anne.martin@example.net",
)
async def addaddress(desk: Desk, call: Call, who: Known, address: EmailAddress) -> Reply:
    """It gets what the others get, and counts for the person when it writes."""
    return _changed(await desk.stores.people.add_address(who.id, address))


@command("deladdress", N_("Take an address away from whom it belongs to"), rank=Rank.ADMIN)
async def deladdress(desk: Desk, call: Call, address: EmailAddress) -> Reply:
    """The person stays, with another address."""
    return _changed(await desk.stores.people.remove_address(address))


@command("forget", N_("Erase a person everywhere, for good"), rank=Rank.ADMIN)
async def forget(desk: Desk, call: Call, who: Known, *, confirm: Confirmation = False) -> Reply:
    """Data protection: who they were goes, the facts of their posts stay."""
    if not confirm:
        page = await _page(desk, who)
        line = f"/forget {who.addresses[0]} confirm=yes"
        button = Option(Text("🗑 Erase"), line, Tone.DANGER)
        asked = (
            Text("Erase this person? Addresses, roles and the text of their posts go for good."),
            Text("To do it: {line}", line=line),
        )
        return Reply(said=(*page.said, *asked), options=((button,),) if button.fits else (), ok=False)
    profile = await desk.stores.people.profile(who.id)
    posts = await desk.stores.people.forget(who.id)
    followed = [group.written for group in profile.groups if group.source]
    back = (
        Text(
            "The source of {groups} may name them still: take them out there too, or they come back.",
            groups=followed,
        ),
    )
    return Reply(
        said=(
            Text.counted(
                "Erased, with the text of {count} post.", "Erased, with the text of {count} posts.", posts
            ),
            *(back if followed else ()),
        ),
        rows=[{"forgotten": True, "posts": posts}],
    )


async def may_extend(desk: Desk, call: Call, person_id: int) -> bool:
    """Whether they may give this person another address: with it goes the person's mail, and any rights."""
    if call.rank >= Rank.ADMIN:
        return True
    known = {mlist.address for mlist in await desk.stores.lists.all() if call.may_know(mlist.id)}
    roles = (await desk.stores.people.profile(person_id)).roles
    return all(address in known and role in {Role.MEMBER, Role.EXCLUDED} for address, role, _ in roles)


async def another_address(desk: Desk, call: Call, person_id: int, address: Address) -> Reply:
    """What a button of a stranger's card does."""
    if not await may_extend(desk, call, person_id):
        raise UserError(Text("This person may do more than you can give: ask an administrator."))
    return _changed(await desk.stores.people.add_address(person_id, address))


async def _page(desk: Desk, who: Person) -> Reply:
    profile = await desk.stores.people.profile(who.id)
    roles = [*profile.roles, *_by_roles(profile, await desk.stores.lists.all())]
    groups = [group.written for group in profile.groups]
    bouncing = await desk.stores.bounces.of(who.addresses)
    return Reply(
        said=(
            written(profile.person),
            *((Text("In {groups}", groups=groups),) if groups else ()),
            *_roles(roles),
            *map(bouncing_line, bouncing),
            Text.counted("{count} post is stored", "{count} posts are stored", profile.posts),
        ),
        options=tuple((each,) for each in again(bouncing)),
        rows=[
            {
                "name": who.name,
                "addresses": list(who.addresses),
                "groups": groups,
                "roles": [
                    {
                        "list": address,
                        "role": role.value,
                        "via": [way.by for way in ways if way.by],
                    }
                    for address, role, ways in roles
                ],
                "bounces": [
                    {"address": each.address, "points": each.points, "reason": each.reason}
                    | {"last_at": iso(each.last_at), "suspended_at": iso(each.suspended_at)}
                    for each in bouncing
                ],
                "posts": profile.posts,
            }
        ],
    )


def _by_roles(profile: Profile, lists: Sequence[MailingList]) -> Iterator[Held]:
    """Where another role brings them among the members."""
    for mlist in lists:
        held = {role for address, role, _ in profile.roles if address == mlist.address}
        if Role.MEMBER not in held and (ways := sorted(held & mlist.bearers_of(Role.MEMBER))):
            yield mlist.address, Role.MEMBER, tuple(Way(role=role) for role in ways)


def _roles(roles: Sequence[Held]) -> list[Text]:
    said = []
    for address, role, ways in roles:
        by = brought_by(ways)
        template = N_("{list}: {role}, by {groups}") if by else N_("{list}: {role}")
        said.append(Text(template, list=address, role=role.words, groups=by))
    return said or [Text("No role on any list")]


def _changed(person: Person) -> Reply:
    return Reply(
        said=(Text("In the directory now: {person}", person=written(person)),),
        rows=[{"name": person.name, "addresses": list(person.addresses)}],
    )


def _group_line(desk: Desk, facts: GroupFacts) -> Text:
    said = Text(
        "{group}: {people}, {addresses}",
        group=facts.group.written,
        people=people(facts.people),
        addresses=addresses(facts.addresses),
    )
    given = _given(facts)
    if facts.following:
        given = [*given, *_source(facts.following)]
    if facts.group.name in desk.installation.always_members:
        given = [Text("member of every list"), *given]
    return Text("{group} · {roles}", group=said, roles=given) if given else said


def _source(following: Following) -> list[Text]:
    said = Text("follows {source}", source=following.group.source)
    if following.tried_at:
        said = Text(
            "follows {source}, last looked at {at}", source=following.group.source, at=following.tried_at
        )
    return [said, Text("⚠️ {trouble}", trouble=following.trouble)] if following.trouble else [said]


def _given(facts: GroupFacts) -> list[Text]:
    return [
        Text("{list}: {role}", list=one_line(address, _PERSON_NAME_LIMIT), role=role.words)
        for address, role in facts.roles
    ]


def _group_row(desk: Desk, facts: GroupFacts) -> dict[str, Any]:
    return {
        "name": facts.group.written,
        "people": facts.people,
        "addresses": facts.addresses,
        "source": facts.group.source or None,
        "synced_at": iso(facts.following.tried_at) if facts.following else None,
        "trouble": str(facts.following.trouble) if facts.following and facts.following.trouble else None,
        "roles": [{"list": address, "role": role.value} for address, role in facts.roles],
        "every_list": facts.group.name in desk.installation.always_members,
    }
