"""What every `ListStore` promises of the certificates that were accepted."""

from __future__ import annotations

from bot.core.stores import Stores
from tests.support.clock import ManualClock
from tests.support.stores import a_list


async def test_a_pinned_certificate_is_known_to_every_list_until_another_takes_its_place(
    stores: Stores, clock: ManualClock
) -> None:
    one = await a_list(stores, clock.now())
    assert one.pins == {}

    await stores.lists.pin("mail.example.org:993", "ab" * 32)
    await stores.lists.pin("mail.example.org:465", "cd" * 32)
    await stores.lists.pin("mail.example.org:993", "ef" * 32)
    await a_list(stores, clock.now(), "bureau@example.org")

    pins = {"mail.example.org:993": "ef" * 32, "mail.example.org:465": "cd" * 32}
    assert [pins, pins] == [mlist.pins for mlist in await stores.lists.all()]
    assert (await stores.lists.get(one.id)).pins == pins
