"""What the flow and the chat ask of the directory: people, groups, and what they are on lists.

As in `bot.core.stores`, which these ports belong to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from bot.core.addresses import Address, Mailbox
from bot.core.audit import Values
from bot.core.lists import MailingList
from bot.core.people import Following, Group, GroupFacts, Holder, Person, Profile, Role, Standing

if TYPE_CHECKING:
    from bot.core.stores import Listing, Page


class PeopleStore(Protocol):
    """The directory, and the roles of people and groups on lists.

    Whoever is in a group has the roles of that group; some groups are members of every list.
    """

    async def grant(self, mlist: MailingList, role: Role, who: Mailbox) -> tuple[Person, bool]:
        """Give a role; unknown people are added. False = they had it already.

        A known address keeps its person's name; an empty name is filled by a given one.
        """
        ...

    async def revoke(self, mlist: MailingList, role: Role, address: Address) -> Person | None:
        """Take away a role that was given by hand; None if the address's person had none like that."""
        ...

    async def leave(self, mlist: MailingList, person_id: int) -> Holder:
        """No copies for somebody any more: a membership by hand goes, others are excluded from.

        Returns the ways by which they are still a member, if any; an exclusion stands before these.
        Raises UserError if they were forgotten.
        """
        ...

    async def grant_group(self, mlist: MailingList, role: Role, group: Group) -> bool:
        """Give a role to all who are and will be in a group. False = it had it already."""
        ...

    async def revoke_group(self, mlist: MailingList, role: Role, group: Group) -> bool:
        """False = the group did not have it."""
        ...

    async def groups_of(self, mlist: MailingList, role: Role) -> Sequence[Group]:
        """The groups that have the role, by name."""
        ...

    async def holders(self, mlist: MailingList, role: Role, words: str, page: Page) -> Listing[Holder]:
        """Who has the role, by name then address; `words` are all contained in name or address.

        Those who have it by another role (see `MailingList.bearers_of`) are among them.
        """
        ...

    async def holder(self, mlist: MailingList, role: Role, address: Address) -> Holder | None:
        """Whom the address belongs to, if they have the role, and how; as in `holders`."""
        ...

    async def addresses_of(self, mlist: MailingList, role: Role) -> Sequence[Address]:
        """Every address of all of `holders`, each once, in a stable order."""
        ...

    async def standing(self, mlist: MailingList, address: Address) -> Standing:
        """What the directory knows of an author, any address of a person counting for the person."""
        ...

    async def find(self, address: Address) -> Person | None:
        """Whom an address belongs to."""
        ...

    async def search(self, words: str, limit: int) -> Sequence[Person]:
        """People whose name or addresses contain all of the words, by name; at most so many."""
        ...

    async def alike(self, who: Mailbox, limit: int) -> Sequence[Person]:
        """People who may be the one with this other address, the likeliest first."""
        ...

    async def profile(self, person_id: int) -> Profile:
        """All that is stored about somebody. Raises UserError if they were forgotten."""
        ...

    async def rename(self, person_id: int, name: str) -> Person: ...

    async def add_address(self, person_id: int, address: Address) -> Person:
        """Raises UserError, with the person's name, if it belongs to somebody else."""
        ...

    async def remove_address(self, address: Address) -> Person:
        """Raises UserError if nobody has it, or it is somebody's last."""
        ...

    async def forget(self, person_id: int) -> int:
        """Erase a person: addresses, roles, groups, bans; the number of posts that lost their text.

        Their posts lose author, text and attachments, and whatever left or was noted with their
        addresses loses these. Raises UserError while one of the posts is held or under way.
        """
        ...


class GroupStore(Protocol):
    """Groups and who is in them."""

    async def all(self) -> Sequence[GroupFacts]:
        """Every group, by name."""
        ...

    async def named(self, name: str) -> Group | None:
        """By the normal form of its name, see `group_name`."""
        ...

    async def facts(self, group: Group) -> GroupFacts:
        """Raises UserError if the group was deleted."""
        ...

    async def add(self, name: str, source: str) -> Group:
        """Raises UserError if there is one with this name."""
        ...

    async def follow(self, group: Group, source: str) -> Group:
        """Let it follow that source from now on; what was seen of an earlier one is forgotten.

        Raises UserError if the group was deleted.
        """
        ...

    async def following(self) -> Sequence[Following]:
        """The groups that follow a source, by name."""
        ...

    async def looked(self, now: Following, found: Values) -> None:
        """Store what a look at a source gave; `found` is told in the trail."""
        ...

    async def delete(self, group: Group) -> None:
        """The group with its roles; its people stay in the directory."""
        ...

    async def join(self, group: Group, who: Mailbox) -> tuple[Person, bool]:
        """Put somebody in by hand; unknown people are added. False = they were in it by hand already."""
        ...

    async def leave(self, group: Group, address: Address) -> Person | None:
        """Take out somebody who was put in by hand; None if the address's person was not."""
        ...

    async def holders(self, group: Group, words: str, page: Page) -> Listing[Holder]:
        """Who is in it, as `PeopleStore.holders`; the way is by hand, or the group for its source."""
        ...

    async def holder(self, group: Group, address: Address) -> Holder | None: ...
