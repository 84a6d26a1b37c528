"""What authors are told about their posts, and when they are told nothing."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.core.addresses import Address, Mailbox
from bot.core.header import split
from bot.core.people import Role
from bot.core.posts import Disposition, Verdict
from bot.core.stores import Stores
from bot.core.text import Text
from bot.flow.answers import Answers
from bot.flow.notices import Notices, Organisation
from tests.support.clock import ManualClock
from tests.support.smtp_server import Taken
from tests.support.stores import a_list as a_stored_list
from tests.support.stores import new_post
from tests.support.world import World, mail, parsed

ANNE = "Anne <anne@example.org>"


def notices(world: World) -> list[Taken]:
    return [taken for taken in world.copies() if parsed(taken)["Auto-Submitted"] == "auto-replied"]


def told(world: World) -> list[tuple[str, str]]:
    """Recipient and subject of each notice."""
    return [
        (taken.recipients[0], str(parsed(taken)["Subject"]).partition(":")[0]) for taken in notices(world)
    ]


async def a_list(world: World, **settings: str) -> None:
    """With Anne, who is a member, and one other."""
    await world.add_list(**{"moderation": "all"} | settings)
    await world.members(ANNE, "bruno@example.org")


WAITS = ("anne@example.org", "Your message is waiting for the moderators")
PASSED = ("anne@example.org", "Your message is distributed")
REFUSED = ("anne@example.org", "Your message was not distributed")


async def test_the_author_is_told_that_a_post_waits_and_that_it_is_distributed(world: World) -> None:
    await a_list(world)
    await world.deliver(mail(author=ANNE))
    assert told(world) == [WAITS]
    await world.distribute(1)
    assert told(world) == [WAITS, PASSED]


async def test_that_a_post_waits_is_told_once_a_day(world: World) -> None:
    """In the organisation's time zone; each author for themselves."""
    await a_list(world)
    await world.deliver(mail(author=ANNE), mail(author=ANNE), mail(author="bruno@example.org"))
    assert sorted(who for who, _ in told(world)) == ["anne@example.org", "bruno@example.org"]
    await world.later(days=1)
    await world.deliver(mail(author=ANNE))
    assert [who for who, _ in told(world)].count("anne@example.org") == 2


async def test_a_post_that_is_judged_anew_owes_its_author_the_same(
    stores: Stores, clock: ManualClock
) -> None:
    """A crash came between the note that they are told and the verdict with its notice."""
    now, mlist = clock.now(), await a_stored_list(stores, clock.now())
    await stores.people.grant(mlist, Role.MEMBER, Mailbox("Anne", Address("anne@example.org")))
    answers = Answers(stores, Notices(Organisation("AMAP", "en", ZoneInfo("Europe/Paris"))))
    waits = Verdict(Disposition.HOLD, "default", Text("a person looks"))
    header, _ = split(mail(author=ANNE))
    owed = []
    for _ in range(2):
        post_id = await stores.posts.take_in(new_post(mlist.id, now))
        assert post_id
        post = await stores.posts.get(post_id)
        owed += [len(await answers.screened(waits, post, header, mlist, now)) for _ in range(2)]
    assert owed == [1, 1, 0, 0]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"notify_held": "no"}, [PASSED]),
        ({"notify_distributed": "no"}, [WAITS]),
        ({"notify_held": "no", "notify_distributed": "no"}, []),
        ({"moderation": "open"}, []),
        ({"moderation": "open", "notify_auto": "yes"}, [PASSED]),
    ],
)
async def test_a_list_chooses_what_it_tells(
    world: World, settings: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    await a_list(world, **settings)
    await world.deliver(mail(author=ANNE))
    if settings.get("moderation") != "open":
        await world.distribute(1)
    assert told(world) == expected


@pytest.mark.parametrize(("notify_unknown", "number"), [("no", 0), ("yes", 2)])
async def test_strangers_are_told_only_where_the_list_says_so(
    world: World, notify_unknown: str, number: int
) -> None:
    await a_list(world, notify_unknown=notify_unknown)
    await world.deliver(mail(author="eve@example.net"))
    await world.distribute(1)
    assert len(told(world)) == number


async def test_a_rejection_is_told_to_strangers_too(world: World) -> None:
    await a_list(world)
    await world.deliver(mail(author="eve@example.net"))
    await world.do("/reject 1 Hors sujet")
    await world.pass_()
    assert [who for who, _ in told(world)] == ["eve@example.net"]


@pytest.mark.parametrize(
    "fields",
    [
        {"X_Spam_Flag": "YES"},
        {"Auto_Submitted": "auto-generated"},
        {"Precedence": "bulk"},
        {"List_Id": "<x.y>"},
    ],
)
async def test_what_may_be_nobodys_mail_is_not_answered(world: World, fields: dict[str, Any]) -> None:
    await a_list(world)
    await world.deliver(mail(author=ANNE, **fields))
    assert (await world.state(1))[0] == "held"
    assert told(world) == []


async def test_undone_in_time_the_author_is_told_nothing(world: World) -> None:
    await a_list(world, undo_s="30", notify_held="no")
    await world.deliver(mail(author=ANNE))
    await world.do("/distribute 1")
    await world.do("/undo 1")
    await world.later(minutes=5)
    assert told(world) == []


async def test_a_notice_has_a_text_and_the_same_as_html(world: World) -> None:
    await a_list(world)
    await world.deliver(mail(author=ANNE, subject="<b>1 & 2</b>"))
    [notice] = notices(world)
    read = parsed(notice)
    plain, html = read.get_body(("plain",)), read.get_body(("html",))
    assert plain
    assert html
    assert "“<b>1 & 2</b>”" in plain.get_content()
    assert "“&lt;b&gt;1 &amp; 2&lt;/b&gt;”" in html.get_content()


# Texts of one's own


async def test_a_text_of_ones_own_is_shown_and_sent(world: World) -> None:
    await a_list(world)
    said = await world.said(
        f"/template {world.name} held Bien reçu : {{{{ subject }}}}\n\nMerci {{{{ author }}}} !"
    )
    assert "Subject: Bien reçu : Paniers" in said
    assert "Merci Anne Martin !" in said
    await world.deliver(mail(author=ANNE))
    read = parsed(notices(world)[0])
    assert read["Subject"] == "Bien reçu : Carottes"
    body = read.get_body(("plain",))
    assert body
    assert body.get_content().strip() == "Merci Anne !"


async def test_a_text_of_all_lists_stands_behind_that_of_the_list(world: World) -> None:
    await a_list(world)
    await world.do("/template all held fr Pour toutes")
    await world.do("/template all held Pour toutes en anglais")
    await world.do(f"/template {world.name} held Pour elle")
    rows = {
        (row["name"], row["language"]): row["text"] for row in await world.rows(f"/templates {world.name}")
    }
    assert (rows["held", "en"], rows["held", "fr"], rows["rejected", "en"]) == ("own", "all", "shipped")
    [row] = await world.rows(f"/template {world.name} held")
    assert row["text"] == "Pour elle\n"
    await world.do(f"/template {world.name} held default")
    [row] = await world.rows(f"/template {world.name} held")
    assert (row["text"], row["language"]) == ("Pour toutes en anglais\n", "en")


async def test_a_text_may_use_nothing_but_its_variables(world: World) -> None:
    """`tests/unit/flow/test_wordings.py` has all that it may not."""
    await a_list(world)
    assert await world.refused(f"/template {world.name} held {{{{ 7 * 7 }}}}")
    [row] = await world.rows(f"/template {world.name} held")
    assert not row["own"]


async def test_the_preview_is_the_real_mail(world: World) -> None:
    await a_list(world)
    done = await world.do(f"/template {world.name} distributed fr")
    [file] = done["files"]
    assert file.name == "distributed.eml"
    assert b"Auto-Submitted: auto-replied" in file.content
    assert "Bonjour Anne Martin" in done["text"]
