"""More than five held posts at once are one card, a page at a time; on both engines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from bot.chat.rooms import RoomWorker
from bot.core.chat import Button, Place, Room, Screen
from bot.core.errors import Busy
from bot.core.posts import PostState
from bot.core.text import Text
from tests.support.office import ANNE, MAIL, PAUL, STRANGER, Office, buttons_of, text_of
from tests.support.wall import Wall
from transports.matrix.keyboard import keys_of, plain

GROUP = Place("test", "-1", title="Modération")
OTHER = Place("test", "-2")
MINUTE = timedelta(minutes=1)


@dataclass
class Group:
    """A room with its worker, which starts anew with every step."""

    office: Office
    wall: Wall
    place: Place = GROUP
    worker: RoomWorker | None = None

    async def step(self) -> None:
        """Bring the room up to date, also with what is due some seconds later."""
        self.worker = self.worker or await self.fresh()
        await self.worker.step()
        self.office.clock.advance(timedelta(seconds=6))
        await self.worker.step()

    async def fresh(self) -> RoomWorker:
        desk = self.office.desk
        return RoomWorker(
            desk.stores, desk.accounts, desk.languages, desk.clock, self.wall, await self.room()
        )

    async def room(self) -> Room:
        room = await self.office.desk.stores.rooms.at(self.place)
        assert room
        return room

    @property
    def wave(self) -> Screen:
        """The newest one."""
        return next(each for each in reversed(self.wall.screens) if "held post" in text_of(each))

    def button(self, label: str) -> Button:
        """The only button of the wave that begins so."""
        [button] = [each for row in self.wave.buttons for each in row if each.label.startswith(label)]
        return button

    async def tap(self, label: str) -> str:
        return (await self.office.press(self.button(label).data, place=self.place)).text


@pytest.fixture
async def group(office: Office) -> Group:
    """A room of the list."""
    await office.desk.stores.rooms.bind(GROUP, office.mlist.id, office.clock.now())
    return Group(office, Wall())


async def test_five_posts_have_a_card_each_and_six_are_one(office: Office, group: Group) -> None:
    for _ in range(5):
        await office.hold()
    await group.step()
    assert len(group.wall.screens) == 5

    for _ in range(6):
        await office.hold()
    await group.step()

    [*_, wave] = group.wall.screens
    assert len(group.wall.screens) == 6
    assert text_of(wave).startswith(
        "6 held posts\n1️⃣ #6 adherents · Hélène Petit <helene@example.org> · Panier"
    )
    assert [b.data for b in wave.buttons[0]] == ["open:6:0", "distribute:6:0", "reject:6:0", "discard:6:0"]


async def test_a_console_has_no_waves(office: Office, room: Room) -> None:
    for _ in range(7):
        await office.hold()
    group = Group(office, Wall(), Place("test", "console"))
    await group.step()
    assert len(group.wall.screens) == 7


async def test_what_comes_within_a_minute_joins_and_what_comes_later_has_its_own_card(
    office: Office, group: Group
) -> None:
    for _ in range(6):
        await office.hold()
    await group.step()
    await office.hold()
    await group.step()
    assert text_of(group.wave).startswith("7 held posts")
    assert len(group.wall.screens) == 1

    office.clock.advance(MINUTE)
    await office.hold()
    await group.step()
    assert len(group.wall.screens) == 2
    assert text_of(group.wave).startswith("7 held posts")


async def test_what_comes_while_the_network_is_busy_joins(office: Office, group: Group) -> None:
    for _ in range(6):
        await office.hold()
    await group.step()
    office.clock.advance(MINUTE)
    group.wall.trouble_posting = Busy(Text("slowly, please"), MINUTE)
    await office.hold()
    await group.step()
    await office.hold()
    await group.step()
    assert text_of(group.wave).startswith("8 held posts")
    assert len(group.wall.screens) == 1


async def test_pages_are_turned_for_everybody_and_the_emoji_are_unique(office: Office, group: Group) -> None:
    """Two who turn at the same time turn to the same page."""
    for _ in range(20):
        await office.hold()
    await group.step()
    assert "20 held posts · page 1 of 3" in text_of(group.wave)
    assert [row[0].label for row in group.wave.buttons[:8]] == [
        f"{number}️⃣ #{number}" for number in range(1, 9)
    ]
    assert [button.label for button in group.wave.buttons[-1]] == ["➡️ 2/3", "🧹 All silently (8)"]

    assert await group.tap("➡️") == "Page 2 of 3"
    assert await group.tap("➡️") == "Page 2 of 3"
    await group.step()
    assert "page 2 of 3\n1️⃣ #9 " in text_of(group.wave)
    signs = [f"{number}️⃣" for number in range(1, 9)]
    assert [plain(sign) for sign in (*signs, "⬅️", "➡️", "🧹")] == list(keys_of(group.wave).data)
    await group.tap("➡️")
    await group.step()
    assert [button.label for button in group.wave.buttons[-1]] == ["⬅️ 2/3", "🧹 All silently (4)"]
    await group.tap("⬅️")
    group.worker = await group.fresh()  # a restart
    await group.step()
    assert "page 2 of 3\n1️⃣ #9 " in text_of(group.wave)
    assert len(group.wall.screens) == 1


async def test_lines_are_decided_one_by_one_and_the_card_closes(office: Office, group: Group) -> None:
    for _ in range(6):
        await office.hold()
    await group.step()
    for number, key in enumerate(("distribute", "reject", "discard", "discard", "discard"), start=1):
        await office.press(f"{key}:{number}:0", place=GROUP)
    await group.step()
    shown = text_of(group.wave)
    assert shown.startswith("1 held post\n#1 adherents")
    assert "✅ Distributed by Anne" in shown
    assert "❌ Rejected by Anne" in shown
    assert buttons_of(group.wave) == ["open:6:0", "distribute:6:0", "reject:6:0", "discard:6:0"]
    assert "already" in (await office.press("discard:1:0", place=GROUP)).text

    await office.say("/discard 6")
    await group.step()
    [closed] = group.wall.screens
    assert text_of(closed).startswith("✅ 6 posts, none waits any more")
    assert buttons_of(closed) == []

    await office.say("/undo 6")
    await group.step()
    assert "6️⃣ #6 " in text_of(group.wave)
    assert "distribute:6:2" in buttons_of(group.wave)
    assert len(group.wall.screens) == 1


async def test_a_post_that_is_opened_leaves_the_wave_and_comes_whole(office: Office, group: Group) -> None:
    for _ in range(6):
        await office.hold()
    await group.step()
    assert "comes below" in await group.tap("2️⃣")
    await group.step()
    [wave, card] = group.wall.screens
    assert text_of(wave).startswith("5 held posts")
    assert "#2" not in text_of(wave)
    assert "Why it is held" in text_of(card)
    assert "own card" in (await office.press("open:2:0", place=GROUP)).text

    for number in (1, 3, 4, 5, 6):
        await office.press(f"open:{number}:0", place=GROUP)
    await group.step()
    assert "not shown here any more" in text_of(group.wall.screens[0])
    assert len(group.wall.screens) == 7
    assert await office.desk.stores.rooms.next_due(await group.room()) is None


async def test_resend_takes_a_post_out_of_the_wave(office: Office, group: Group) -> None:
    for _ in range(6):
        await office.hold()
    await group.step()
    assert "shown again in 1 room" in await office.say("/resend 3")
    await group.step()
    assert text_of(group.wave).startswith("5 held posts")
    assert "Why it is held" in text_of(group.wall.screens[1])


async def test_a_page_is_rejected_silently_after_a_yes(office: Office, group: Group) -> None:
    for _ in range(10):
        await office.hold()
    await group.step()
    answer = await office.press(group.button("🧹").data, place=GROUP)
    [asked] = answer.screens
    assert "Reject 8 posts silently? Their authors are not told: #1, #2, #3" in text_of(asked)
    [yes] = buttons_of(asked)
    assert {PostState.HELD} == {(await office.desk.stores.posts.get(number)).state for number in range(1, 11)}

    assert "8 posts are rejected silently" in (await office.press(yes, place=GROUP)).text
    await group.step()
    assert text_of(group.wave).startswith("2 held posts")
    assert "🔇 Rejected silently by Anne" in text_of(group.wave)
    assert "changed" in (await office.press(yes, place=GROUP)).text


async def test_a_yes_to_a_page_that_has_changed_decides_nothing(office: Office, group: Group) -> None:
    for _ in range(6):
        await office.hold()
    await group.step()
    [asked] = (await office.press(group.button("🧹").data, place=GROUP)).screens
    await office.press("open:1:0", place=GROUP)
    assert "changed" in (await office.press(buttons_of(asked)[0], place=GROUP)).text
    states = [(await office.desk.stores.posts.get(number)).state for number in range(1, 7)]
    assert states == [PostState.HELD] * 6


async def test_pages_are_for_the_moderators_of_that_room_alone(office: Office, group: Group) -> None:
    await office.do("/set adherents room_policy=moderators")
    for _ in range(10):
        await office.hold()
    await group.step()
    turn, sweep = group.button("➡️").data, group.button("🧹").data
    for data in (turn, sweep, "open:1:0"):
        assert "666" in (await office.press(data, STRANGER, GROUP)).text
    await office.desk.stores.rooms.bind(OTHER, office.mlist.id, office.clock.now())
    for data in (turn, sweep, sweep.replace("sweep", "swept") + ":1"):
        assert "not shown here" in (await office.press(data, PAUL, OTHER)).text
    assert "changed" in (await office.press(sweep.replace("sweep", "swept") + ":1", PAUL, GROUP)).text
    for data in ("wave:99999:0", "wave:1", "swept:1:0:99999999999"):
        assert (await office.press(data, ANNE, GROUP)).text
    await group.step()
    assert "page 1 of 2" in text_of(group.wave)


async def test_a_room_bound_while_40_wait_gets_one_card(office: Office) -> None:
    for _ in range(40):
        await office.hold()
    group = Group(office, Wall())
    await office.desk.stores.rooms.bind(GROUP, office.mlist.id, office.clock.now())
    await group.step()
    assert "40 held posts · page 1 of 5" in text_of(group.wave)
    assert len(group.wall.screens) == 1


async def test_a_decision_elsewhere_is_seen_in_every_wave(office: Office, group: Group) -> None:
    await office.desk.stores.rooms.bind(OTHER, office.mlist.id, office.clock.now())
    other = Group(office, Wall(), OTHER)
    for _ in range(6):
        await office.hold()
    await group.step()
    await other.step()
    await office.press("distribute:1:0", place=OTHER)
    await group.step()
    await other.step()
    assert text_of(group.wave).startswith("5 held posts")
    assert text_of(other.wave).startswith("5 held posts")


async def test_a_stopped_and_an_expired_post_are_told(office: Office, group: Group) -> None:
    for _ in range(7):
        await office.hold()
    await group.step()
    await office.press("distribute:1:0", place=GROUP)
    await office.say("/stop 1")
    await group.step()
    assert "⏹ Stopped by Anne" in text_of(group.wave)
    now = office.clock.now()
    await office.desk.stores.posts.expire(office.mlist.id, now, now)
    await group.step()
    [closed] = group.wall.screens
    assert "⌛ Expired" in text_of(closed)
    assert buttons_of(closed) == []


async def test_a_room_that_moved_gets_the_wave_anew(office: Office, group: Group) -> None:
    for _ in range(3):
        await office.hold()
    await group.step()
    for _ in range(6):
        await office.hold()
    await group.step()
    await office.desk.stores.rooms.moved("test", GROUP.address, "-100", office.clock.now())
    moved = Group(office, Wall(), Place("test", "-100"))
    await moved.step()
    assert text_of(moved.wave).startswith("9 held posts")
    assert moved.wall.places == ["-100"]


async def test_an_unbound_room_keeps_the_posts_of_its_other_list(office: Office, group: Group) -> None:
    other = await office.add_list("pain@amap.example")
    await office.desk.stores.rooms.bind(GROUP, other.id, office.clock.now())
    for _ in range(4):
        await office.hold()
    for _ in range(3):
        await office.hold(MAIL, on=other)
    await group.step()
    assert text_of(group.wave).startswith("7 held posts")
    await office.desk.stores.rooms.unbind(GROUP, office.mlist.id, office.clock.now())
    await group.step()
    assert text_of(group.wave).startswith("3 held posts\n1️⃣ #5 pain")

    await office.desk.stores.rooms.unbind(GROUP, other.id, office.clock.now())
    await group.step()
    [left] = group.wall.screens
    assert "not shown here any more" in text_of(left)
    assert buttons_of(left) == []


async def test_a_deleted_list_leaves_its_waves(office: Office, group: Group) -> None:
    for _ in range(6):
        await office.hold()
    await group.step()
    await office.do("/dellist adherents confirm=yes")
    await group.step()
    [left] = group.wall.screens
    assert "not shown here any more" in text_of(left)
    assert buttons_of(left) == []


async def test_a_closed_room_forgets_its_waves(office: Office, group: Group) -> None:
    for _ in range(6):
        await office.hold()
    await group.step()
    room = await group.room()
    await office.desk.stores.rooms.close(room)
    assert await office.desk.stores.rooms.next_due(room) is None
    assert await office.desk.stores.rooms.wave(1) is None
