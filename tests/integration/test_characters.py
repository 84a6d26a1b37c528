"""Characters that PostgreSQL cannot hold (NUL, lone surrogates) never reach a column, wherever they are."""

from __future__ import annotations

import base64

import pytest

from bot.core.posts import Cursor
from bot.flow.reading import read
from tests.support.stores import BOTH
from tests.support.world import ANNE, World, mail

pytestmark = BOTH

NUL_WORD = "=?utf-8?b?" + base64.b64encode(b"car\0ottes").decode() + "?="
SURROGATE_WORD = "=?utf-7?q?car+2AA-ottes?= =?utf-8?q?=ED=A0=80?="
NASTY = {
    "NUL in the subject": b"From: a@example.net\r\nSubject: car\0ottes\r\n\r\nBonjour\r\n",
    "NUL in encoded words": mail(subject=NUL_WORD, author=f"{NUL_WORD} <a@example.net>"),
    "surrogates in encoded words": mail(subject=SURROGATE_WORD, author=f"{SURROGATE_WORD} <a@example.net>"),
    "NUL in an address": b'From: "a\0b" <a\0b@example.net>\r\nSubject: x\r\n\r\nBonjour\r\n',
    "8-bit address": b"From: \xed\xa0\x80@ex\xff\xfeample.net\r\nSubject: x\r\n\r\nBonjour\r\n",
    "NUL in the Message-ID": b"From: a@example.net\r\nMessage-ID: <a\0\xed\xb0\x80@x>\r\n\r\nBonjour\r\n",
    "NUL in the text": mail(body=b"Bon\0jour \xed\xa0\x80\r\n"),
    "UTF-7 text": mail(body=b"Bon+2AA-jour +AAA-\r\n", Content_Type="text/plain; charset=utf-7"),
    "UTF-16 text": mail(body=b"\x00\xd8B\x00\x00\x00\r\n", Content_Type="text/plain; charset=utf-16-le"),
    "NUL in HTML": mail(body=b"<p>Bon\0jour&#0;&#xD800;</p>", Content_Type="text/html"),
    "NUL in a file name": mail(
        body=b"x", Content_Type='application/pdf; name="a\0b\xff.pdf"'
    ),
    "NUL in a coded file name": mail(
        body=b"x", Content_Disposition="attachment; filename*=utf-8''a%00b%ED%A0%80.pdf"
    ),
    "NUL in a charset": mail(body=b"Bonjour \xe9", Content_Type='text/plain; charset="u\0tf\x07"'),
    "NUL in a content type": mail(body=b"Bonjour", Content_Type="te\0xt/pla\x01in"),
    "nothing but NUL": b"\0" * 300,
    "NUL before the header": b"\0\0From: a@example.net\r\nSubject: x\r\n\r\nBonjour\r\n",
}  # fmt: skip


@pytest.mark.parametrize("name", NASTY)
async def test_a_nasty_mail_is_held_and_distributed(world: World, name: str) -> None:
    """It goes the way of every other post, and its raw bytes stay what they were."""
    await world.add_list(moderation="all")
    await world.members("anne@example.org")

    # put in as it is: some servers, Dovecot among them, show no NUL
    [mlist] = await world.app.stores.lists.all()
    read_mail = read(mlist.id, Cursor("INBOX", "1", "1"), NASTY[name], world.clock.now())
    await world.app.stores.posts.take_in(read_mail)
    await world.pass_()

    assert world.troubles == {}
    assert (await world.state(1))[0] == "held"
    assert NASTY[name] == await world.app.stores.posts.raw(1)
    for command in ("/show 1", "/pending", "/archives"):
        said = await world.said(command)
        assert "\0" not in said
        said.encode()
    await world.distribute(1)
    assert (await world.state(1))[0] == "distributed"
    assert world.sent_to() == ["anne@example.org"]


async def test_a_relay_that_answers_in_nasty_characters_is_heard(world: World) -> None:
    """Its words are stored without what cannot be stored; the delivery ends as it says."""
    world.relay.replies["anne@example.org"] = "550 5.1.1 in\0connu \udced\udca0\udc80"
    await world.add_list(moderation="open")
    await world.members("anne@example.org")

    await world.deliver(mail(to=world.address))

    assert await world.counts(1) == {"bounced": 1}


@pytest.mark.parametrize(
    "command",
    [
        "/addmember {list} 'An\0ne <anne@example.org>'",
        "/addmember {list} 'An\udce9ne <anne@example.org>'",
        "/set {list} description='An\0ne'",
        "/set {list} description='An\ud800ne'",
        "/ban 'An\0ne@example.org' {list}",
        "/archives {list} 'An\0ne'",
        "/archives {list} 'An\udce9ne'",
        "/trace 'An\0ne@example.org'",
        "/show 999999999999",
        "/show 99999999999999999999",
    ],
)
async def test_a_command_with_nasty_characters_is_answered(world: World, command: str) -> None:
    """With what it asks for or with what is wrong with it, never with an internal error."""
    await world.add_list()

    done = await world.app.dispatcher.run_line(command.format(list=world.name), ANNE)

    assert "wrong here" not in done.text
    assert "cannot be used just now" not in done.text
    done.text.encode()
