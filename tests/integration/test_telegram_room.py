"""A list moderated in Telegram: real mailbox, real relay, and a Bot API server as strict as the real one."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from bot.chat.registry import commands
from bot.core.addresses import Address
from bot.core.people import Rank
from tests.support.bot_api import BotApi, Chat, Message, Person, flooded
from tests.support.clock import ManualClock
from tests.support.dovecot import Dovecot
from tests.support.patience import until
from tests.support.ranks import trial_of
from tests.support.smtp_server import SmtpServers
from tests.support.world import World, mail, opened_world, parsed
from transports.telegram.room import Telegram
from transports.telegram.troubles import REMOVED

ADMIN = 101
PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x40\x00\x00\x00\x40\x08\x02\x00\x00\x00\x25\x0b\xe6\x89"
)


@dataclass
class House:
    """The installation, its Telegram, and the moderators' group with Anne (admin) and Bruno in it."""

    world: World
    api: BotApi
    anne: Person
    bruno: Person
    group: Chat

    async def held(self, subject: str = "Carottes") -> Message:
        """The card of a mail that has just arrived."""
        await self.world.deliver(mail(to=self.world.address, subject=subject))
        return await self.group.shows(subject)

    async def bind(self, chat: Chat) -> None:
        await self.anne.says(chat, f"/bind {self.world.name}")
        await chat.shows("decided in this room from now on")


class Opener:
    """Opens the same house again and again, as restarts do."""

    def __init__(
        self, folder: Path, dovecot: Dovecot, servers: SmtpServers, clock: ManualClock, api: BotApi
    ) -> None:
        self.folder = folder
        self.dovecot = dovecot
        self.servers = servers
        self.clock = clock
        self.api = api
        self.anne = api.person("Anne", ADMIN)
        self.bruno = api.person("Bruno")
        self.group = api.group("Modération", self.anne, self.bruno)
        self.timeless = True
        """Whether the limits of both sides are kept by the clock that the test turns."""

    @asynccontextmanager
    async def world(self) -> AsyncIterator[World]:
        relay = await self.servers()
        now = (lambda: self.clock.now().timestamp()) if self.timeless else time.time
        self.api.now = now
        telegram = Telegram(self.api.token, base_url=self.api.url, now=now)
        async with opened_world(
            self.folder, self.dovecot, relay, self.clock, chats=[telegram], admins=[f"telegram:{ADMIN}"]
        ) as world:
            yield world

    @asynccontextmanager
    async def house(self) -> AsyncIterator[House]:
        async with self.world() as world:
            world.app.start(["chat"])
            yield House(world, self.api, self.anne, self.bruno, self.group)


@pytest.fixture
def opener(
    tmp_path: Path, dovecot: Dovecot, smtp_servers: SmtpServers, clock: ManualClock, bot_api: BotApi
) -> Opener:
    return Opener(tmp_path / "data", dovecot, smtp_servers, clock, bot_api)


@pytest.fixture
async def house(opener: Opener) -> AsyncIterator[House]:
    """One list with two members, everything held, moderated in the group."""
    async with opener.house() as house:
        await house.world.add_list(moderation="all", undo_s="30")
        await house.world.members("jean@example.org", "lea@example.org")
        await house.bind(house.group)
        yield house


def refusals(api: BotApi) -> list[str]:
    """What Telegram refused of ours, but for what it may refuse at any time."""
    return [f"{each.method}: {each.refusal}" for each in api.requests if each.refusal]


async def test_a_post_is_held_decided_undone_and_distributed_by_taps(house: House) -> None:
    """Whoever is in the room decides; the card says who, and how far its copies are."""
    card = await house.held()
    assert card.buttons[0] == ["✅ Distribute", "❌ Reject", "🔇 Reject silently"]

    answered = await house.bruno.taps(card, "Distribute")
    assert "#1" in answered.text
    await house.group.becomes(card, "Distributed by Bruno")
    await house.bruno.taps(card, "Undo")
    await house.group.becomes(card, "Why it is held")
    await house.anne.taps(card, "Distribute")
    await house.group.becomes(card, "Distributed by Anne")
    assert house.world.copies() == []
    await house.world.later(seconds=30)

    await house.group.becomes(card, "2/2 sent")
    assert card.buttons == []
    assert house.world.sent_to() == ["jean@example.org", "lea@example.org"]
    assert refusals(house.api) == []


@pytest.mark.parametrize(
    ("button", "said", "state"),
    [("❌ Reject", "Rejected by Bruno", "rejected"), ("🔇", "Rejected silently by Bruno", "discarded")],
)
async def test_a_post_is_rejected_by_a_tap(house: House, button: str, said: str, state: str) -> None:
    card = await house.held()

    await house.bruno.taps(card, button)
    await house.group.becomes(card, said)
    await house.world.later(seconds=30)

    assert (state, "default") == await house.world.state(1)
    assert [copy.recipients for copy in house.world.copies()] == (
        [("paul@example.net",)] if state == "rejected" else []
    )


async def test_reading_brings_the_text_the_photos_and_the_mail_itself(house: House) -> None:
    raw = mail(
        to=house.world.address,
        subject="Photos",
        Content_Type='multipart/mixed; boundary="b"',
        body=b"--b\r\nContent-Type: text/plain\r\n\r\nBonjour tous\r\n"
        + b"".join(
            b'--b\r\nContent-Type: image/png; name="%d.png"\r\nContent-Transfer-Encoding: base64\r\n'
            b'Content-Disposition: attachment; filename="%d.png"\r\n\r\n%b\r\n'
            % (number, number, _base64(PNG))
            for number in range(2)
        )
        + b"--b--\r\n",
    )
    await house.world.deliver(raw)
    card = await house.group.shows("Photos")

    await house.bruno.taps(card, "Read")

    def files() -> list[str] | None:
        sent = [
            f"{message.file.kind} {message.file.name}" for message in house.group.from_bot if message.file
        ]
        return sent if len(sent) == 3 else None

    kinds = await house.api.seen(files)
    assert [kind.split()[0] for kind in kinds] == ["photo", "photo", "document"]
    whole = await house.group.shows("Bonjour tous")
    assert whole.reply_to is card


async def test_more_offers_reasons_and_what_to_do_with_the_author(house: House) -> None:
    card = await house.held()

    await house.bruno.taps(card, "More")
    more = await house.group.shows("More for #1")
    reason = next(label for row in more.buttons for label in row if label.startswith("❌"))
    await house.bruno.taps(more, reason)

    await house.group.becomes(card, "Rejected by Bruno", f"Reason: {reason.removeprefix('❌ ')}")


async def test_a_distribution_that_runs_is_stopped_by_a_tap(house: House) -> None:
    card = await house.held()
    house.world.relay.replies["jean@example.org"] = "451 4.3.0 later"
    await house.bruno.taps(card, "Distribute")
    await house.world.later(seconds=30)
    house.world.clock.advance(timedelta(seconds=5))
    await house.group.becomes(card, "1/2 sent, 1 to be tried again")

    await house.bruno.taps(card, "Stop")

    await house.group.becomes(card, "Stopped by Bruno")
    assert card.buttons == []


async def test_two_who_tap_at_once_get_one_decision_and_one_name(house: House) -> None:
    card = await house.held()

    answers = await asyncio.gather(house.anne.taps(card, "Distribute"), house.bruno.taps(card, "🔇"))

    texts = [answer.text for answer in answers]
    assert sum("already" in text for text in texts) == 1, texts
    await house.group.becomes(card, " by ")
    assert len(card.history) <= 2


async def test_a_late_press_names_who_was_first_and_an_invented_one_does_nothing(house: House) -> None:
    card = await house.held()
    await house.anne.taps(card, "Distribute")

    late = await house.bruno.presses(card, "reject:1:0")
    assert "Anne" in late.text
    for invented in ("reject:1:99", "reject:77:0", "drop:1:0", "\x00", "x" * 64):
        assert (await house.bruno.presses(card, invented)).text
    assert (await house.world.state(1))[0] == "accepted"


async def test_a_press_in_a_room_that_the_list_is_not_bound_to_decides_nothing(house: House) -> None:
    card = await house.held()
    other = house.api.group("Ailleurs", house.bruno)
    message = other.post(house.api.bot)

    answered = await house.bruno.presses(message, card.button("Distribute").data)

    assert "Carottes" not in answered.text
    assert (await house.world.state(1))[0] == "held"


async def test_a_list_bound_to_two_groups_is_decided_in_one_and_closed_in_both(house: House) -> None:
    bureau = house.api.group("Bureau", house.anne)
    card = await house.held()
    await house.bind(bureau)
    other = await bureau.shows("Carottes")

    await house.anne.taps(other, "❌")

    await house.group.becomes(card, "Rejected by Anne")
    await bureau.becomes(other, "Rejected by Anne")


async def test_a_group_that_becomes_a_supergroup_keeps_its_held_posts(house: House) -> None:
    """Announced by nobody but the error on the next send."""
    small = house.api.group("Bureau", house.anne, house.bruno, kind="group")
    await house.bind(small)
    await house.anne.says(house.group, f"/unbind {house.world.name}")
    await house.group.shows("no longer decided")
    await house.world.deliver(mail(to=house.world.address, subject="Carottes"))
    await small.shows("Carottes")

    large = await small.migrate(announced=False)
    await house.world.deliver(mail(to=house.world.address, subject="Poireaux"))
    card = await large.shows("Carottes")
    await large.shows("Poireaux")

    await house.bruno.taps(card, "Distribute")
    await large.becomes(card, "Distributed by Bruno")
    assert len(large.from_bot) == 2


async def test_a_bot_that_is_removed_is_shown_by_lists_and_comes_back_to_its_cards(house: House) -> None:
    house.group.kick(house.bruno)
    await house.world.deliver(mail(to=house.world.address, subject="Carottes"))

    async def told() -> bool:
        return str(REMOVED) in await house.world.trouble()

    await until(house.world.app.stores.changes, told)
    house.group.add(house.anne)

    await house.group.shows("Carottes")
    assert await house.world.trouble() == ""


async def test_a_storm_of_refusals_in_one_group_loses_nothing_and_keeps_no_other_waiting(
    house: House,
) -> None:
    bureau = house.api.group("Bureau", house.anne)
    await house.bind(bureau)
    house.api.troubles.add("sendMessage", flooded(30), times=3, chat_id=house.group.id)

    await house.world.deliver(
        *(mail(to=house.world.address, subject=f"Post {number}") for number in range(3))
    )
    await bureau.shows("Post 2")
    assert _cards(house.group) == []

    await house.world.clock.run_until(house.api.seen(lambda: len(_cards(house.group)) == 3))
    assert [_subject(message) for message in _cards(house.group)] == ["Post 0", "Post 1", "Post 2"]


async def test_a_restart_in_the_middle_of_everything_posts_nothing_twice(opener: Opener) -> None:
    """Held, tapped and written while it was down: all of it goes on."""
    async with opener.house() as house:
        await house.world.add_list(moderation="all", undo_s="0")
        await house.world.members("jean@example.org")
        await house.bind(house.group)
        card = await house.held()
        mailbox = house.world.mailbox
    tap = asyncio.create_task(opener.bruno.taps(card, "Distribute"))
    await opener.api.seen(lambda: opener.api.queries)
    await opener.anne.says(opener.group, "/whoami")

    async with opener.house() as house:
        house.world.mailbox = mailbox
        await tap
        await house.group.becomes(card, "Distributed by Bruno")
        await house.group.shows("You are Anne")
        await house.world.deliver(mail(to=mailbox.address, subject="Poireaux"))
        await house.group.shows("Poireaux")
        await house.group.becomes(card, "1/1 sent")

    assert [_subject(message) for message in _cards(opener.group)] == ["Carottes", "Poireaux"]


async def test_a_list_is_added_by_one_line_whose_password_does_not_stay(house: House) -> None:
    other = house.world.another()
    account = house.world.dovecot.mailbox_account(other.mailbox, house.world.security)
    house.group.promote(by=house.anne)

    said = await house.anne.says(
        house.group,
        f"/addlist {other.address} host={account.host} port={account.port} security=none "
        f"password={account.password}",
    )

    await house.group.shows(f"{other.address} is a mailing list now")
    assert said.deleted
    assert all(account.password not in message.text for message in house.group.messages)


async def test_a_password_is_asked_for_alone_and_stands_nowhere(
    house: House, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Not in the group, not in what the bot sends, not in a log; and the mailbox opens with it."""
    other = house.world.another()
    account = house.world.dovecot.mailbox_account(other.mailbox, house.world.security)
    line = f"/addlist {other.address} host={account.host} port={account.port} security=none"
    await house.anne.says(house.group, line)
    added = await house.group.shows("Its password is missing")

    await house.anne.opens(added, "🔑 Mailbox password")
    await house.anne.private.shows("What is the password?")
    said = await house.anne.says(house.anne.private, account.password)

    await house.anne.private.shows("✅ Mailbox")
    assert said.deleted
    words = [message.text for message in (*house.group.messages, *house.anne.private.messages)]
    assert all(account.password not in text for text in words if text != said.text)
    assert account.password not in repr(house.api.requests)
    output = capfd.readouterr()
    assert account.password not in output.out + output.err + caplog.text
    assert refusals(house.api) == []


async def test_a_typed_reason_reaches_the_author_across_a_restart(opener: Opener) -> None:
    """Somebody else who decides meanwhile is named, and nothing is decided twice."""
    async with opener.house() as house:
        await house.world.add_list(moderation="all", undo_s="0")
        await house.bind(house.group)
        card, late = await house.held("Carottes"), await house.held("Poireaux")
        await house.bruno.taps(card, "More")
        more = await house.group.shows("More for #1")
        await house.bruno.taps(more, "Another reason")
        asked = await _asked(house, 1)
        await house.api.seen(lambda: more.buttons == [])
        mailbox = house.world.mailbox

    async with opener.house() as house:
        house.world.mailbox = mailbox
        await house.bruno.says(house.group, "Merci de signer vos messages.", reply_to=asked)
        await house.group.becomes(card, "Rejected by Bruno", "Merci de signer vos messages.")
        await house.world.pass_()
        [notice] = house.world.copies()
        assert notice.recipients == ("paul@example.net",)
        body = parsed(notice).get_body(("plain",))
        assert body
        assert "Merci de signer vos messages." in body.get_content()

        await house.bruno.taps(late, "More")
        await house.bruno.taps(await house.group.shows("More for #2"), "Another reason")
        asked = await _asked(house, 2)
        await house.anne.taps(late, "Distribute")
        await house.bruno.says(house.group, "Trop tard.", reply_to=asked)
        await house.group.shows("already distributed by Anne")
        assert (await house.world.state(2))[0] in {"accepted", "distributed"}
        assert house.world.copies() == [notice]
    assert refusals(opener.api) == []


async def _asked(house: House, number: int) -> Message:
    """The question for a reason, the latest that was put."""

    def found() -> Message | None:
        asked = [each for each in house.group.from_bot if "What shall the author be told" in each.text]
        return asked[number - 1] if len(asked) == number else None

    return await house.api.seen(found)


async def test_a_sheet_that_waits_is_decided_by_a_tap(house: House, tmp_path: Path) -> None:
    """In the administrators' group, by an administrator."""
    world, bureau = house.world, house.api.group("Bureau", house.anne, house.bruno)
    await house.anne.says(bureau, "/bind admins")
    sheet = tmp_path / "legumes.csv"
    sheet.write_text("mail\na@example.org\nb@example.org\n")
    await world.do(f"/addgroup legumes source={sheet}")
    sheet.write_text("mail\na@example.org\n")
    await world.refused("/sync legumes")
    card = await bureau.shows("1 of 2 people would leave @legumes: b@example.org")
    assert card.buttons == [["✅ Do as it says", "✋ Change nothing"]]

    refused = await house.bruno.taps(card, "Do as it says")
    assert "is for administrators" in refused.text
    done = await house.anne.taps(card, "Do as it says")

    assert "1 removed, 1 kept" in done.text
    await bureau.becomes(card, "settled by Anne")
    assert card.buttons == []
    assert [row["addresses"] for row in await world.rows("/members @legumes")] == [["a@example.org"]]


async def test_archives_are_turned_over_by_taps(house: House) -> None:
    for number in range(12):
        await house.world.deliver(mail(to=house.world.address, subject=f"Post {number}"))
        await house.world.do(f"/discard {number + 1}")
        house.world.clock.advance(timedelta(seconds=5))  # cards and their edits use up the limits, too
    await house.anne.says(house.anne.private, "/archives")
    page = await house.anne.private.shows("Post 11")
    assert "Post 1\n" not in page.text + "\n"

    await house.anne.taps(page, "➡️")
    await house.anne.private.becomes(page, "Post 0", "Page 2 of 2")
    await house.anne.taps(page, "⬅️")
    await house.anne.private.becomes(page, "Post 11", "Page 1 of 2")

    assert [message for message in house.anne.private.from_bot if "Page" in message.text] == [page]
    assert refusals(house.api) == []


async def test_the_general_topic_of_a_forum_gets_a_topic_for_the_list(house: House) -> None:
    """Made once; a list bound within a topic stays there."""
    forum = house.api.group("AMAP", house.anne, forum=True)
    forum.promote(by=house.anne)

    await house.bind(forum)
    topic = forum.topic(house.world.name)
    await house.world.deliver(mail(to=house.world.address, subject="Carottes"))
    card = await forum.shows("Carottes")
    await house.anne.says(forum, f"/bind {house.world.name}")
    await forum.shows("so already")

    assert card.topic_id == topic.id
    assert len(forum.topics) == 1
    await house.bruno.taps(card, "❌")
    await forum.becomes(card, "Rejected by Bruno")


async def test_every_command_is_answered_with_what_telegram_takes(opener: Opener) -> None:
    """Each as it is, and as its example says; by an administrator of their own, as budgets are per chat."""
    opener.timeless = False
    async with opener.house() as house:
        await house.world.add_list(moderation="all")
        await house.world.members("jean@example.org")
        await house.bind(house.group)
        await house.held()
        lines = [f"/{name}" for name in commands()] + [
            each.example for each in commands().values() if each.example
        ]
        lines += [
            f"/{name} {house.world.name}" for name in ("list", "members", "pending", "archives", "check")
        ]
        lines += ["/show 1", "/eml 1", "/help reject", "/reject 1 une raison", "/undo 1", "/distribute 1"]
        for line, number in zip(lines, count(5_000), strict=False):
            admin = house.api.person(f"Admin {number}", number)
            await house.world.do(f"/addadmin telegram:{number}")
            await admin.says(admin.private, line)

            def answered(chat: Chat = admin.private) -> Sequence[Message]:
                return chat.from_bot

            await house.api.seen(answered)

        assert refusals(house.api) == []


async def test_200_held_posts_at_once_stay_within_the_limits_and_each_can_be_decided(house: House) -> None:
    """Time goes by on the clock that both sides read, so every window is real."""
    clock = house.world.clock
    await house.world.put(*(mail(to=house.world.address, subject=f"Post {number}") for number in range(200)))
    await house.world.pass_()

    def all_shown() -> bool:
        in_waves = [re.match(r"(\d+) held posts?\b", message.text) for message in house.group.from_bot]
        return len(_cards(house.group)) + sum(int(wave[1]) for wave in in_waves if wave) == 200

    await clock.run_until(house.api.seen(all_shown))
    alone = {int(message.text[1:].split()[0]) for message in _cards(house.group)}
    waves = [message for message in house.group.from_bot if "held post" in message.text]
    assert len(alone) + len(waves) <= 15

    lines: set[int] = set()
    for wave in waves:
        lines |= await _turned_through(house, wave)
    assert alone | lines == set(range(1, 201))
    assert alone & lines == set()

    first, last = min(lines), max(lines)
    assert f"#{last} " in waves[-1].text
    await house.bruno.presses(waves[0], f"distribute:{first}:0")
    await house.bruno.taps(waves[-1], f"#{last}")
    opened = await clock.run_until(house.group.shows(f"#{last} ", "Why it is held"))
    await house.bruno.taps(opened, "Reject silently")
    assert await house.world.state(first) == ("accepted", "default")
    assert await house.world.state(last) == ("discarded", "default")
    assert house.api.limits.refused == 0
    assert refusals(house.api) == []


async def _turned_through(house: House, wave: Message) -> set[int]:
    """The numbers of all posts of a wave, read page by page."""
    [pages] = re.findall(r"page 1 of (\d+)", wave.text) or ["1"]
    found: set[int] = set()
    for page in range(1, int(pages) + 1):
        if page > 1:
            answered = await house.bruno.taps(wave, "➡️")
            assert answered.text == f"Page {page} of {pages}"
            await house.world.clock.run_until(house.group.becomes(wave, f"page {page} of {pages}"))
        found |= {int(number) for number in re.findall(r"\u20e3 #(\d+)", wave.text)}
    return found


async def test_one_pass_hears_posts_and_sends(opener: Opener) -> None:
    """``facteur poll``: what was said since, then mail in, cards, mail out."""
    async with opener.world() as world:
        await world.add_list(moderation="all", undo_s="0")
        await world.members("jean@example.org")
        await opener.anne.says(opener.group, f"/bind {world.name}")
        await world.put(mail(to=world.address, subject="Carottes"))
        assert await world.app.one_pass() == {}
        [card] = _cards(opener.group)
        tap = asyncio.create_task(opener.bruno.taps(card, "Distribute"))
        await opener.api.seen(lambda: opener.api.queries)

        assert await world.app.one_pass() == {}

        await tap
        assert world.sent_to() == ["jean@example.org"]
        assert "1/1 sent" in card.text


async def test_check_tells_of_the_bot_and_of_each_room(house: House) -> None:
    assert [(where, str(each.what), each.trouble) for where, each in await house.world.app.check_chats()] == [
        ("[telegram]", "the bot", None),
        ("[telegram]", "Modération", None),
    ]

    house.group.kick(house.anne)
    [_, (_, room)] = await house.world.app.check_chats()

    assert room.trouble == REMOVED


def _cards(chat: Chat) -> list[Message]:
    return [message for message in chat.from_bot if message.text.startswith("#")]


def _subject(card: Message) -> str:
    return card.text.split("\n")[0].partition(" · ")[2]


def _base64(content: bytes) -> bytes:
    import base64

    return base64.b64encode(content)


async def test_every_command_as_somebody_of_every_rank(house: House) -> None:
    """In the room of the list everybody moderates, and no more; elsewhere a stranger gets nothing."""
    await house.held("Carottes secrètes")
    eve, olga = house.api.person("Eve"), house.api.person("Olga")
    stores = house.world.app.stores
    await house.world.do(f"/addowner {house.world.name} olga@example.org")
    assert await stores.admins.link(f"telegram:{olga.id}", Address("olga@example.org"))
    elsewhere = house.api.group("Ailleurs", eve, olga)
    for person, chat, rank in (
        (eve, elsewhere, Rank.ANYONE),
        (eve, house.group, Rank.MODERATOR),
        (olga, elsewhere, Rank.OWNER),
        (house.anne, house.group, Rank.ADMIN),
    ):
        told = await tries_all(house, person, chat, rank)
        secrets = (house.world.name, "secrètes", "jean@", "lea@")
        assert rank > Rank.ANYONE or [each for each in secrets if each in told] == []


async def tries_all(house: House, person: Person, chat: Chat, rank: Rank) -> str:
    """Say every command there; all that was answered. Exactly those of a higher rank are refused."""
    stores, before = house.world.app.stores, [each.id for each in chat.from_bot]
    [mlist] = await stores.lists.all()

    trial = trial_of(rank, mlist, await stores.posts.get(1))
    for line in (*trial.lines, *trial.ends):
        house.world.clock.advance(timedelta(seconds=10))  # a group takes 20 messages in a minute
        await answer_to(chat, await person.says(chat, line))
    told = "\n".join(each.text for each in chat.from_bot if each.id not in before)
    assert sorted(re.findall(r"^/(\w+) is for ", told, re.MULTILINE)) == sorted(trial.refused)
    return told


async def test_an_anonymous_administrator_moderates_and_is_nobody(house: House) -> None:
    """The card says that it was somebody; no right but the room's is theirs, although Anne is an admin."""
    house.group.anonymous.add(house.anne.id)
    card = await house.held()
    assert "is for" in (await answer_to(house.group, await house.anne.says(house.group, "/admins"))).text
    assert (
        "as yourself"
        in (await answer_to(house.group, await house.anne.says(house.group, "/link anne@example.org"))).text
    )
    await house.anne.says(house.group, "/discard 1")
    await house.group.becomes(card, "Somebody anonymous of Modération")


async def answer_to(chat: Chat, said: Message) -> Message:
    """The bot's answer in a group, which replies to what was said unless that was a secret."""

    def found() -> Message | None:
        behind = (each for each in chat.from_bot if each.id > said.id)
        return next((each for each in behind if each.reply_to in (said, None)), None)

    return await chat.network.seen(found)
