from __future__ import annotations

import inspect

import pytest

from bot.chat.language import Languages
from bot.chat.registry import NAME, SUMMARY_LIMIT, Command, commands, find, menu
from bot.core.clock import Clock
from bot.core.errors import UserError
from bot.core.people import Rank
from tests.support.office import PARIS, Office

EVERY_COMMAND = sorted(commands().values(), key=lambda known: known.name)


@pytest.mark.parametrize("known", EVERY_COMMAND, ids=lambda known: known.name)
def test_a_definition_fits_every_network(known: Command) -> None:
    assert NAME.fullmatch(known.name)
    assert 0 < len(known.summary) <= SUMMARY_LIMIT
    assert list(inspect.signature(known.run).parameters)[:2] == ["desk", "call"]
    assert str(known.usage).startswith(f"/{known.name}")


def test_no_more_commands_than_a_menu_takes() -> None:
    assert len(commands()) <= 100


def test_usage_tells_what_may_be_left_out() -> None:
    assert str(find("reject").usage) == "/reject ID [REASON]"
    assert str(find("dellist").usage) == "/dellist LIST [confirm=yes]"
    assert str(find("addmember").usage) == "/addmember TARGET WHO"


def test_usage_is_in_the_reader_s_language() -> None:
    french = Languages("fr", PARIS, Clock()).default
    assert find("reject").usage.render(french) == "/reject NUMÉRO [RAISON]"
    assert find("set").usage.render(french) == "/set LISTE|all clé=valeur..."


def test_a_near_miss_gets_a_hint() -> None:
    with pytest.raises(UserError, match="Did you mean /pending"):
        find("pendign")
    with pytest.raises(UserError, match="/help"):
        find("xyzzy")


def test_the_menu_grows_with_the_rank() -> None:
    sizes = [len(menu(rank)) for rank in Rank]
    assert sizes == sorted(sizes)
    everybody = {"cancel", "help", "language", "link", "start", "unlink", "whoami"}
    assert everybody == {known.name for known in menu(Rank.ANYONE)}


@pytest.mark.parametrize("known", EVERY_COMMAND, ids=lambda known: known.name)
def test_whatever_cannot_be_left_out_can_be_asked_for(known: Command) -> None:
    assert [param.name for param in known.params if param.required and not param.kind.question] == []


@pytest.mark.parametrize("word", ["adherent", "adhrents", "Adherents@amap.exemple"])
async def test_a_list_that_is_nearly_named_is_suggested(office: Office, word: str) -> None:
    await office.do("/addlist amis@other.example host=127.0.0.2 port=1")
    asked = await office.do(f"/list {word}")
    assert not asked.ok
    assert f"No list is called “{word}”. Did you mean adherents" in asked.text


async def test_the_only_list_may_be_left_out(office: Office) -> None:
    whole = await find("addmember").parsed("adherents Luc <luc@example.org>", office.desk, office.call)
    short = await find("addmember").parsed("Luc <luc@example.org>", office.desk, office.call)
    assert whole == short


async def test_a_list_goes_by_address_local_part_or_id(office: Office) -> None:
    for name in ("adherents", "Adherents@AMAP.example", f"list:{office.mlist.id}"):
        assert office.mlist.id == (await find("list").parsed(name, office.desk, office.call))["mlist"].id


async def test_with_several_lists_one_must_be_named(office: Office) -> None:
    await office.do("/addlist adherents@other.example host=127.0.0.2 port=1")
    with pytest.raises(UserError, match=r"adherents@amap\.example, adherents@other\.example"):
        await find("list").parsed("", office.desk, office.call)
    with pytest.raises(UserError, match="whole address"):
        await find("list").parsed("adherents", office.desk, office.call)
    with pytest.raises(UserError, match="No list is called “nobody”"):
        await find("list").parsed("nobody", office.desk, office.call)


@pytest.mark.parametrize("line", ["/ban x@evil.example", "/unban x@evil.example", "/allow x@evil.example"])
async def test_silence_never_means_every_list(office: Office, line: str) -> None:
    """Whoever forgets the list is asked; `all` is said aloud."""
    await office.do("/addlist amis@other.example host=127.0.0.2 port=1")
    await office.do("/ban x@evil.example adherents")
    asked = await office.do(line)
    assert not asked.ok
    assert "Which list? There is: adherents@amap.example, amis@other.example, all." in asked.text
    assert [row["list"] for row in (await office.do("/bans")).rows] == ["adherents@amap.example"]
    assert (await office.do("/ban y@evil.example all")).ok


@pytest.mark.parametrize("line", ["/pending nope", "/queue nope", "/errors nope", "/bans nope"])
async def test_a_word_that_names_no_list_is_asked_about(office: Office, line: str) -> None:
    asked = await office.do(line)
    assert not asked.ok
    assert "Which list?" in asked.text
    assert "No list is called “nope”" in asked.text


@pytest.mark.parametrize("name", ["pending", "queue", "errors", "bans"])
async def test_every_list_may_be_asked_for_by_its_word(office: Office, name: str) -> None:
    await office.hold()
    assert (await office.do(f"/{name}")).rows == (await office.do(f"/{name} all")).rows


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("/show", "ID is missing. It is written: /show ID"),
        ("/show twelve", "“twelve” is not a number"),
        ("/show 999", "There is no post 999"),
        ("/pending adherents please", "“please” makes no sense here. It is written: /pending [LIST]"),
        ("/addmember Jean Roy", "“Jean Roy” is not an e-mail address"),
        ("/addmember a@example.org, b@example.org", "Only one person at a time"),
        ("/addmember a@example.org b@example.org", "Only one person at a time"),
        ("/addmember A <a@example.org>, B <b@example.org>", "Only one person at a time"),
        ("/addmember A <a@example.org> B <b@example.org>", "Only one person at a time"),
        ("/delmember A <a@example.org>; b@example.org", "Only one person at a time"),
        ("/addmember A <a@example.org> B", "is not an e-mail address"),
        ("/set adherents", "key=value... is missing"),
        ("/set adherents", "For example: /set adherents moderation=all"),
        ("/addlist x@amap.example", "For example: /addlist"),
        ("/set adherents hots=x", "There is no setting hots: did you mean host"),
        ("/set adherents host=mail.example.org:993", "its port has a setting of its own"),
        ("/set adherents moderation", "should be written key=value"),
        ("/archives after=x", "“x” is not a number"),
        ("", "A command is a word"),
        ("/", "A command is a word"),
    ],
)
async def test_a_wrong_line_is_answered_with_what_to_write(office: Office, line: str, sentence: str) -> None:
    done = await office.do(line)
    assert not done.ok
    assert sentence in done.text
    assert list(done.rows) == []
