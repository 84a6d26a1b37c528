"""A list moderated in Matrix on a homeserver with the limits that it is shipped with."""

from __future__ import annotations

from tests.support.matrix_house import BUTTONS, House, MakeHouse
from tests.support.matrix_people import posts_shown
from tests.support.patience import until
from tests.support.world import mail

MANY = 20


async def test_many_posts_at_once_are_reachable_and_decided_without_an_error(
    matrix_house: MakeHouse,
) -> None:
    """The first is a complete card at once. What is decided does not wait for what is answered."""
    house = await matrix_house(limited=True)
    first = await house.held("Post 0")
    await house.has(first, *BUTTONS)

    await house.world.put(*(mail(subject=f"Post {number}") for number in range(1, MANY)))
    await house.world.pass_()
    await house.anne.until(lambda: posts_shown(house.anne, house.bot.id) == set(range(1, MANY + 1)))
    remark = await house.world.said(f"/check {house.world.name}")
    for number in range(1, MANY + 1):
        await house.say(f"!discard {number}")

    async def none_waits() -> bool:
        return not await house.world.rows(f"/pending {house.world.name}")

    await until(house.world.app.stores.changes, none_waits)
    await house.synapse.lift_limit(house.bot)

    await house.anne.until(lambda: _told(house, "none waits any more"))
    await house.becomes(first, "Rejected silently by")
    await house.anne.until(lambda: _told(house, f"#{MANY} is rejected silently"))
    assert "override_ratelimit" in remark
    assert house.bot.id in remark
    assert not _told(house, "asks to wait")


def _told(house: House, words: str) -> bool:
    return any(words in each.body for each in house.anne.messages(house.bot.id))
