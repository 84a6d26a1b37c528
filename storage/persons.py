"""Finding people by an address, which belongs to one of them, and adding those whom nobody knows."""

from __future__ import annotations

from bot.core.addresses import Address, Mailbox
from bot.core.errors import UserError
from bot.core.people import Person
from bot.core.text import Text
from storage.rows import ADDRESS_LENGTH, AddressRow, PersonRow
from storage.values import person_of
from storage.waiting import one_at_a_time

PEOPLE = "people"
"""What `storage.waiting` calls the adding of people."""


async def find_person(address: Address) -> Person | None:
    """Whom the address belongs to; mail may claim one of any length."""
    if len(address) > ADDRESS_LENGTH:
        return None
    row = await AddressRow.get_or_none(address=address)
    return await person_at(row.person_id) if row else None


async def person_at(person_id: int) -> Person:
    """Raises UserError if they were forgotten."""
    row = await PersonRow.get_or_none(id=person_id).prefetch_related("addresses")
    if row is None:
        raise UserError(Text("This person is not in the directory any more."))
    return person_of(row)


async def person_for(who: Mailbox) -> Person:
    """Within a unit: whom the address belongs to, or somebody new.

    A known person keeps the name; an empty one is filled.
    """
    person = await find_person(who.address)
    if person is None:
        await one_at_a_time(PEOPLE)
        row = await PersonRow.create(name=who.name)
        await AddressRow.create(person_id=row.id, address=who.address)
        return await person_at(row.id)
    if who.name and not person.name:
        await PersonRow.filter(id=person.id, name="").update(name=who.name)
        return await person_at(person.id)
    return person
