"""A list with a room on each network: what is decided in one closes the card in the other."""

from __future__ import annotations

from tests.support.bot_api import BotApi
from tests.support.clock import ManualClock
from tests.support.matrix_house import BUTTONS, MakeHouse
from tests.support.matrix_people import ENCRYPTED
from transports.telegram.room import Telegram


@ENCRYPTED
async def test_a_decision_on_one_network_closes_the_card_on_the_other(
    matrix_house: MakeHouse, bot_api: BotApi, clock: ManualClock, encrypted: bool
) -> None:
    """Both ways, and undone from the side that did not decide; a late tap is told who was first."""
    bot_api.now = lambda: clock.now().timestamp()
    bruno = bot_api.person("Bruno", 101)
    group = bot_api.group("Modération", bruno)
    house = await matrix_house(
        encrypted=encrypted,
        chats=lambda: [Telegram(bot_api.token, base_url=bot_api.url, now=bot_api.now)],
        admins=["telegram:101"],
    )
    await bruno.says(group, f"/bind {house.world.name}")
    await group.shows("decided in this room")
    card = await house.held("Carottes")
    there = await group.shows("Carottes")
    await house.has(card, *BUTTONS)

    await bruno.taps(there, "✅")
    await house.becomes(card, "Distributed by Bruno")
    await house.has(card, "↩️")
    await house.taps(card, "↩️")
    await group.becomes(there, "Why it is held")
    await house.has(card, *BUTTONS)
    await house.taps(card, "❌")
    await group.becomes(there, "Rejected by")
    late = await bruno.presses(there, "distribute:1:2")

    assert "already rejected by" in late.text
    assert not any("✅" in label for row in there.buttons for label in row)
    assert (await house.world.state(1))[0] == "rejected"
