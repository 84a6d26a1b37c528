"""What ➕ More offers beside the buttons of a card."""

from __future__ import annotations

from bot.core.chat import Place
from bot.core.posts import PostState
from tests.support.office import MAIL, STRANGER, Office, buttons_of, text_of


async def test_more_offers_reasons_and_what_to_do_with_the_author(office: Office) -> None:
    post = await office.hold()
    (menu,) = (await office.press(f"more:{post.id}:0")).screens
    data = buttons_of(menu)
    assert [f"reject:{post.id}:0:{number}" for number in range(4)] == data[:4]
    assert f"reason:{post.id}:0" == data[4]

    assert "without a decision" in (await office.press(f"allow:{post.id}:0")).text
    assert (await office.do("/unmoderated")).rows[0]["addresses"] == ["helene@example.org"]
    assert "discarded from now on" in (await office.press(f"ban:{post.id}:0")).text
    assert PostState.HELD is (await office.desk.stores.posts.get(post.id)).state

    await office.press(data[1])
    assert "advertising" in (await office.desk.stores.posts.get(post.id)).decision_reason


async def test_an_owner_may_ban_the_whole_domain_of_an_author(office: Office) -> None:
    """Offered beside the author alone; not where half of an association has its mail, nor to others."""
    spam = b"From: Eve <eve@casino.example>\r\n\r\nhello\r\n"
    post = await office.hold(spam)
    (menu,) = (await office.press(f"more:{post.id}:0")).screens
    [ban] = [data for data in buttons_of(menu) if data.startswith("/ban")]
    assert "⛔ Ban everybody at casino.example" in [row[-1].label for row in menu.buttons]
    assert "discarded from now on" in text_of((await office.press(ban)).screens[0])
    assert [row["pattern"] for row in (await office.do("/bans")).rows] == ["*@casino.example"]

    public = await office.hold(spam.replace(b"casino.example", b"orange.fr"))
    (menu,) = (await office.press(f"more:{public.id}:0")).screens
    assert not any(data.startswith("/ban") for data in buttons_of(menu))

    room = Place("telegram", "-7")
    await office.desk.stores.rooms.bind(room, office.mlist.id, office.clock.now())
    (menu,) = (await office.press(f"more:{post.id}:0", STRANGER, room)).screens
    assert f"ban:{post.id}:0" in buttons_of(menu)
    assert not any(data.startswith("/ban") for data in buttons_of(menu))


async def test_the_same_mail_sent_again_may_be_rejected_for_the_same_reason(office: Office) -> None:
    """Its author tried once more, perhaps with another program (apache/ponymail#127)."""
    first = await office.hold()
    assert not any("🔁" in text_of(each) for each in (await office.press(f"more:{first.id}:0")).screens)
    await office.do(f"/reject {first.id} Please write to the office.")
    again = await office.hold(MAIL.replace(b"Subject:", b"X-Mailer: another\r\nSubject:"))
    (menu,) = (await office.press(f"more:{again.id}:0")).screens
    assert f"#{first.id} and was rejected by Anne" in text_of(menu)
    assert menu.buttons[0][0].label == "🔁 Again: Please write to the office."
    assert "no longer there" in (await office.press(f"again:{again.id}:0:{again.id}")).text
    await office.press(buttons_of(menu)[0])
    rejected = await office.desk.stores.posts.get(again.id)
    assert (rejected.state, rejected.decision_reason) == (PostState.REJECTED, "Please write to the office.")

    for other in (MAIL.replace(b"poireaux", b"navets"), MAIL.replace(b"helene@", b"paul@")):
        post = await office.hold(other)
        (menu,) = (await office.press(f"more:{post.id}:0")).screens
        assert "🔁" not in text_of(menu)
