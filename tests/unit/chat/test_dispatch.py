from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.chat.registry import commands
from bot.core.chat import PRESS_LIMIT_OCTETS, Press, Utterance
from bot.core.people import Actor, Rank
from bot.core.posts import PostState
from bot.core.settings import ACCOUNT_KEYS
from tests.support.office import ANNE, CONSOLE, PAUL, STRANGER, Office, buttons_of, text_of

NOT_FOR_ANYONE = [known for known in commands().values() if known.rank > Rank.ANYONE]


async def test_nobody_below_the_rank_gets_in(office: Office) -> None:
    """Whatever stands behind the command: a stranger does not even learn whether a list exists."""
    for known in NOT_FOR_ANYONE:
        for rest in ("", " 1", " adherents x@example.org"):
            done = await office.do(f"/{known.name}{rest}", STRANGER)
            assert not done.ok, known.name
            assert f"/{known.name} is for" in done.text
            assert STRANGER.id in done.text
            assert list(done.rows) == []


async def test_the_console_and_the_configured_admins_are_administrators(office: Office) -> None:
    for admin in (ANNE, PAUL):
        assert "administrators" in await office.say("/whoami", admin)
    assert "everybody" in await office.say("/whoami", STRANGER)


async def test_some_uses_take_a_higher_rank(office: Office) -> None:
    uses = {
        "/set adherents moderation=all": Rank.OWNER,
        "/check adherents": Rank.OWNER,
        "/check adherents accept=no": Rank.OWNER,
        "/check adherents accept=yes": Rank.ADMIN,
        **{f"/set adherents {key}=1": Rank.ADMIN for key in ACCOUNT_KEYS},
        "/set all moderation=all": Rank.ADMIN,
        "/ban a@example.org adherents": Rank.MODERATOR,
        "/ban *@example.org adherents": Rank.OWNER,
        "/ban /example/ adherents": Rank.OWNER,
        "/ban \uff0a@example.org adherents": Rank.OWNER,
        '/ban " /.*/" adherents': Rank.OWNER,
        "/ban a@example.org all": Rank.ADMIN,
        "/unban *@example.org": Rank.OWNER,
        "/allow a@example.org": Rank.MODERATOR,
        "/allow a@example.org all": Rank.ADMIN,
    }
    for line, rank in uses.items():
        name, _, rest = line.removeprefix("/").partition(" ")
        known = commands()[name]
        assert known.rank_for(await known.parsed(rest, office.desk, office.call)) == rank, line


async def test_words_that_are_no_command_get_no_answer(office: Office) -> None:
    assert await office.dispatcher.said(Utterance(STRANGER, CONSOLE, "hello everybody")) is None


async def test_a_stranger_s_press_changes_nothing(office: Office) -> None:
    post = await office.hold()
    answer = await office.press(f"distribute:{post.id}:{post.decisions}", STRANGER)
    assert "is for moderators" in answer.text
    assert PostState.HELD is (await office.desk.stores.posts.get(post.id)).state


@pytest.mark.parametrize(
    "data",
    ["", "distribute", "explode:1:0", "distribute:1", "distribute:x:0", "distribute:99:0", "reject:1:0:99"],
)
async def test_an_invented_press_is_refused_with_a_sentence(office: Office, data: str) -> None:
    post = await office.hold()
    answer = await office.press(data)
    assert answer.text
    assert PostState.HELD is (await office.desk.stores.posts.get(post.id)).state


async def test_a_press_of_an_earlier_decision_is_refused(office: Office) -> None:
    post = await office.hold()
    await office.press(f"discard:{post.id}:0")
    await office.press(f"undo:{post.id}:1")
    answer = await office.press(f"distribute:{post.id}:0")
    assert "earlier decision" in answer.text
    assert PostState.HELD is (await office.desk.stores.posts.get(post.id)).state


@pytest.mark.parametrize("key", ["allow", "ban"])
async def test_an_author_is_not_judged_by_a_button_of_an_earlier_decision(office: Office, key: str) -> None:
    post = await office.hold()
    await office.press(f"discard:{post.id}:0")
    assert "earlier decision" in (await office.press(f"{key}:{post.id}:0")).text
    assert list((await office.do("/bans")).rows) == []
    assert list((await office.do("/unmoderated")).rows) == []


async def test_the_second_moderator_is_told_who_was_first(office: Office) -> None:
    post = await office.hold()
    assert "going to be distributed" in (await office.press(f"distribute:{post.id}:0")).text
    assert (await office.press(f"reject:{post.id}:0", PAUL)).text == "already distributed by Anne at 10:00"


async def test_a_button_may_carry_a_command_line(office: Office) -> None:
    answer = await office.press("/lists")
    assert "adherents@amap.example" in text_of(answer.screens[0])
    assert "is for" in text_of((await office.press("/lists", STRANGER)).screens[0])


async def test_every_button_fits_every_network(office: Office) -> None:
    """Telegram hands back at most 64 octets."""
    post = await office.hold()
    for _ in range(11):
        await office.hold()
    screens = [*(await office.press(f"more:{post.id}:0")).screens]
    for line in ("/list", "/dellist", "/pending", f"/show {post.id}"):
        screens += await office.screens(line)
    data = [button for screen in screens for button in buttons_of(screen)]
    assert len(data) > 10
    assert max(len(button.encode()) for button in data) <= PRESS_LIMIT_OCTETS


async def test_a_crash_is_answered_without_its_details_and_logged(office: Office) -> None:
    """An actor without a name, which no transport gives, stands for every bug."""
    nameless = Actor("local:anne", None)  # type: ignore[arg-type]
    with capture_logs() as logs:
        done = await office.do("/whoami", nameless)
    assert not done.ok
    assert "Sorry" in done.text
    assert "None" not in done.text
    crashed = [entry for entry in logs if entry["event"] == "command crashed"]
    assert crashed
    assert crashed[0]["exc_info"]


async def test_a_password_is_never_shown_or_logged(office: Office) -> None:
    with capture_logs() as logs:
        said = [
            await office.say(line)
            for line in (
                "/set adherents password=s3cret-word port=x",
                "/set adherents password=s3cret-word",
                "/list adherents",
                "/addlist a b=s3cret-word",
                "/addlist new@amap.example password=s3cret-word pasword=s3cret-word",
            )
        ]
    assert "s3cret-word" not in str(logs)
    assert "s3cret-word" not in "".join(said)
    assert "Mailbox password: ****" in said[2]


async def test_a_listing_is_paged_in_a_room_and_whole_for_a_script(office: Office) -> None:
    for _ in range(12):
        await office.hold()
    (screen,) = await office.screens("/pending")
    (button,) = buttons_of(screen)
    second = (await office.press(button)).instead
    assert second
    assert len(screen.lines) == 1 + 10 + 1
    assert len(second.lines) == 1 + 2 + 1
    assert len((await office.do("/pending")).rows) == 12


async def test_a_search_too_long_for_a_button_is_typed(office: Office) -> None:
    for _ in range(12):
        post = await office.hold()
        await office.do(f"/discard {post.id}")
    words = "panier " * 10
    (screen,) = await office.screens(f"/archives adherents {words}")
    assert not screen.buttons
    assert "There are more: /archives list:" in text_of(screen)


@settings(max_examples=60)
@given(text=st.text(max_size=80), data=st.text(max_size=64))
async def test_anything_said_or_pressed_is_survived(office: Office, text: str, data: str) -> None:
    with capture_logs() as logs:
        await office.dispatcher.said(Utterance(ANNE, CONSOLE, f"/{text}"))
        await office.dispatcher.pressed(Press(ANNE, CONSOLE, data))
    assert not [entry for entry in logs if entry["event"] == "command crashed"]
