from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot.chat.rooms import AFTER_REFUSAL, FIRST_DELAY, LONGEST_DELAY, RoomWorker
from bot.core.chat import Place, Room
from bot.core.errors import Busy, PermanentError
from bot.core.text import Text
from tests.support.office import Office, buttons_of, text_of
from tests.support.wall import Wall, away


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def worker_on(office: Office) -> Callable[[Wall, Room], RoomWorker]:
    desk = office.desk
    return lambda wall, room: RoomWorker(desk.stores, desk.accounts, desk.languages, desk.clock, wall, room)


WorkerOn = Callable[[Wall, Room], RoomWorker]


async def test_a_held_post_is_shown_once_and_edited_in_place(
    office: Office, room: Room, wall: Wall, worker_on: WorkerOn
) -> None:
    worker = worker_on(wall, room)
    post = await office.hold()
    assert await worker.step() is None
    assert await worker.step() is None
    assert len(wall.screens) == 1
    assert "1 address will get it" in text_of(wall.screens[0])

    await office.press(f"distribute:{post.id}:{post.decisions}")
    again_at = await worker.step()
    assert "Distributed by Anne" in text_of(wall.screens[0])
    assert [f"undo:{post.id}:1"] == buttons_of(wall.screens[0])

    window = timedelta(seconds=office.mlist.settings.undo_s)
    assert office.clock.now() + window == again_at
    office.clock.advance(window)
    await worker.step()
    assert [f"stop:{post.id}:1"] == buttons_of(wall.screens[0])
    assert (len(wall.screens), wall.edits) == (1, 2)


async def test_a_restart_posts_no_card_again(
    office: Office, room: Room, wall: Wall, worker_on: WorkerOn
) -> None:
    await office.hold()
    await worker_on(wall, room).step()
    await worker_on(wall, room).step()
    assert len(wall.screens) == 1


async def test_an_outage_is_waited_out_longer_each_time(
    office: Office, room: Room, wall: Wall, worker_on: WorkerOn
) -> None:
    worker = worker_on(wall, room)
    await office.hold()
    wall.trouble = away()
    delays = []
    for _ in range(9):
        due = await worker.step()
        assert due
        delays.append(due - office.clock.now())
        office.clock.advance(due - office.clock.now())
    assert delays[:3] == [FIRST_DELAY, FIRST_DELAY * 2, FIRST_DELAY * 4]
    assert delays[-1] == LONGEST_DELAY
    wall.trouble = None
    assert await worker.step() is None
    assert len(wall.screens) == 1


async def test_a_refused_card_stops_no_other(
    office: Office, room: Room, wall: Wall, worker_on: WorkerOn
) -> None:
    worker = worker_on(wall, room)
    await office.hold()
    wall.trouble = PermanentError(Text("no right to post here"))
    due = await worker.step()
    assert office.clock.now() + AFTER_REFUSAL == due
    wall.trouble = None
    await office.hold()
    await worker.step()
    assert len(wall.screens) == 1


async def test_a_card_that_crashes_stops_no_other(
    office: Office, room: Room, wall: Wall, worker_on: WorkerOn
) -> None:
    """A mistake of ours is logged, and the post is shown once it is mended."""
    worker = worker_on(wall, room)
    post = await office.hold()
    wall.trouble = ZeroDivisionError("a mistake")
    with capture_logs() as logs:
        due = await worker.step()
    assert [log["part"] for log in logs if log.get("exc_info")] == [f"card of post {post.id}"]
    wall.trouble = None
    await office.hold()
    await worker.step()
    assert len(wall.screens) == 1
    assert due
    office.clock.advance(due - office.clock.now())
    assert await worker.step() is None
    assert len(wall.screens) == 2


async def test_a_deleted_list_leaves_no_card_to_show(
    office: Office, room: Room, wall: Wall, worker_on: WorkerOn
) -> None:
    worker = worker_on(wall, room)
    await office.hold()
    await office.do("/dellist adherents confirm=yes")
    assert await worker.step() is None
    assert wall.screens == []


async def test_resend_shows_a_card_anew(office: Office, room: Room, wall: Wall, worker_on: WorkerOn) -> None:
    worker = worker_on(wall, room)
    post = await office.hold()
    await worker.step()
    assert "shown again in 1 room" in await office.say(f"/resend {post.id}")
    await worker.step()
    assert len(wall.screens) == 2


async def test_a_busy_network_is_asked_again_when_it_says_and_edits_go_on(
    office: Office, room: Room, wall: Wall, worker_on: WorkerOn
) -> None:
    """What somebody tapped is shown before anything new, and waiting counts as no failure."""
    worker = worker_on(wall, room)
    first = await office.hold()
    await worker.step()
    await office.hold()
    wall.trouble_posting = Busy(Text("slowly, please"), timedelta(seconds=40))
    await office.press(f"discard:{first.id}:0")
    assert office.clock.now() + timedelta(seconds=30) == await worker.step()  # the end of the undo window
    assert "Rejected silently" in text_of(wall.screens[0])
    [card] = await office.desk.stores.rooms.cards_due(room, office.clock.now(), 10, posted=False)
    assert card.failures == 0

    wall.trouble_posting = None
    office.clock.advance(timedelta(seconds=30))
    assert office.clock.now() + timedelta(seconds=10) == await worker.step()
    assert len(wall.screens) == 1
    office.clock.advance(timedelta(seconds=10))
    await worker.step()
    assert len(wall.screens) == 2


async def test_an_unreachable_room_is_tried_rarely_and_told_well_again(
    office: Office, wall: Wall, worker_on: WorkerOn
) -> None:
    rooms, place = office.desk.stores.rooms, Place("test", "-1")
    await rooms.bind(place, office.mlist.id, office.clock.now())
    await rooms.reached(place, Text("the bot was removed"), office.clock.now())
    await office.hold()
    room = await rooms.at(place)
    assert room
    worker = worker_on(wall, room)
    assert office.clock.now() + LONGEST_DELAY == await worker.step()
    assert wall.screens == []
    office.clock.advance(LONGEST_DELAY)
    await worker.step()
    assert len(wall.screens) == 1
    again = await rooms.at(place)
    assert again
    assert again.unreachable is None


async def test_the_card_of_an_unbound_room_loses_its_buttons_and_is_left_alone(
    office: Office, wall: Wall, worker_on: WorkerOn
) -> None:
    rooms, place = office.desk.stores.rooms, Place("test", "-1")
    await rooms.bind(place, office.mlist.id, office.clock.now())
    post = await office.hold()
    room = await rooms.at(place)
    assert room
    worker = worker_on(wall, room)
    await worker.step()
    await rooms.unbind(place, office.mlist.id, office.clock.now())
    await worker.step()
    assert "no longer decided in this room" in text_of(wall.screens[0])
    assert buttons_of(wall.screens[0]) == []
    await office.press(f"discard:{post.id}:0")
    assert await worker.step() is None
    assert wall.edits == 1
