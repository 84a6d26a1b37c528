"""Listings by pages: where the buttons lead, and what they take the place of."""

from __future__ import annotations

import pytest

from bot.core.chat import PRESS_LIMIT_OCTETS, Screen
from tests.support.office import Office, buttons_of, text_of


def labels(screen: Screen) -> list[str]:
    return [button.label for row in screen.buttons for button in row]


@pytest.fixture
async def posts(office: Office) -> Office:
    """An office with 25 held posts."""
    for _ in range(25):
        await office.hold()
    return office


def numbers(screen: Screen) -> list[str]:
    return [line.split()[0] for line in text_of(screen).splitlines() if line.startswith("#")]


async def test_pages_are_turned_forth_and_back_in_place(posts: Office) -> None:
    [first] = await posts.screens("/pending adherents")
    assert labels(first) == ["➡️ Next"]
    assert "Page 1 of 3" in text_of(first)

    second = (await posts.press(buttons_of(first)[0])).instead
    assert second
    assert labels(second) == ["⬅️ Previous", "➡️ Next"]
    assert "Page 2 of 3" in text_of(second)
    assert numbers(second) == [f"#{number}" for number in range(15, 5, -1)]
    third = (await posts.press(buttons_of(second)[1])).instead
    assert third
    assert labels(third) == ["⬅️ Previous"]
    assert "Page 3 of 3" in text_of(third)

    back = (await posts.press(buttons_of(third)[0])).instead
    assert back == second
    assert (await posts.press(buttons_of(back)[0])).instead == first


async def test_a_page_that_has_emptied_leads_back(posts: Office) -> None:
    """And says nothing beside it: what was tapped is a page, not a question."""
    [first] = await posts.screens("/pending adherents")
    for number in range(1, 16):
        await posts.do(f"/discard {number}")

    answer = await posts.press(buttons_of(first)[0])

    assert answer.text == ""
    assert answer.screens == ()
    assert answer.instead
    assert labels(answer.instead) == ["⬅️ Previous"]
    alone = (await posts.press(buttons_of(answer.instead)[0])).instead
    assert alone
    assert alone.buttons == ()
    assert "Page" not in text_of(alone)


async def test_a_listing_that_was_asked_for_stands_where_it_was_asked_for(posts: Office) -> None:
    """A button elsewhere that leads to one keeps its screen."""
    answer = await posts.press("/pending adherents")

    assert answer.instead is None
    assert "Page 1 of 3" in text_of(answer.screens[0])


@pytest.mark.parametrize("line", ["/members adherents", "/archives", "/audit", "/members @bureau"])
async def test_every_listing_has_pages(posts: Office, line: str) -> None:
    await posts.do("/addgroup bureau")
    for number in range(1, 25):
        await posts.do(f"/discard {number}")
        await posts.do(f"/addmember adherents a{number}@example.org")
        await posts.do(f"/addmember @bureau a{number}@example.org")

    [first] = await posts.screens(line)
    second = (await posts.press(buttons_of(first)[-1])).instead
    assert second
    back = (await posts.press(buttons_of(second)[0])).instead

    assert back == first


async def test_a_search_too_long_for_a_button_is_told_as_a_line(posts: Office) -> None:
    for number in range(1, 25):
        await posts.do(f"/discard {number}")
    words = "panier " * 12

    [first] = await posts.screens(f"/archives {words}")

    assert buttons_of(first) == []
    line = text_of(first).partition("There are more: ")[2].strip()
    [second] = await posts.screens(line)
    assert "Page 2 of 3" in text_of(second)
    assert all(len(data.encode()) <= PRESS_LIMIT_OCTETS for data in buttons_of(second))
