"""/addlist as a dialogue: each answer, each way back, each refusal, with a real mailbox and relay."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass

import pytest

from bot.chat.dispatch import Dispatcher
from bot.chat.permissions import Permissions
from bot.core.chat import Answer, Button, Place, Press, Screen, Sent, Utterance
from bot.core.people import Actor
from bot.core.settings import Security
from bot.core.text import fingerprint
from tests.support.certificates import renew, sha256_of
from tests.support.hosts import PAUL, at_ovh
from tests.support.office import sent, text_of
from tests.support.patience import WAIT_S
from tests.support.rerouted import IMAP, Rerouted
from tests.support.scripted_imap import scripted_imap
from tests.support.smtp_server import SmtpServer, SmtpServers
from tests.support.world import World, mail

ALONE = Place("telegram", "42", private=True)
GROUP = Place("telegram", "-1", title="Modération")
SHEET = "nom;adresse\n" + "\n".join(f"Membre {n};membre{n}@example.org" for n in range(1, 87))


@dataclass
class Talk:
    """A person who makes a list, and what they were shown last; each step after a restart."""

    world: World
    place: Place = ALONE
    screens: tuple[Screen, ...] = ()

    def restart(self) -> None:
        desk = self.world.app.desk
        self.dispatcher = Dispatcher(desk, Permissions(desk.stores))

    async def says(self, text: str, *files: Sent, place: Place | None = None) -> Answer:
        self.restart()
        answer = await self.dispatcher.said(Utterance(PAUL, place or self.place, text, files))
        assert answer, text
        self.screens = answer.screens
        return answer

    async def taps(self, label: str) -> str:
        self.restart()
        [data] = [each.data for each in self.buttons if label in each.label]
        answer = await self.dispatcher.pressed(Press(PAUL, self.place, data))
        self.screens = answer.screens or ((answer.instead,) if answer.instead else ())
        return self.text

    @property
    def text(self) -> str:
        return "\n".join(text_of(screen) for screen in self.screens)

    @property
    def buttons(self) -> list[Button]:
        return [button for screen in self.screens for row in screen.buttons for button in row]

    @property
    def labels(self) -> list[str]:
        return [button.label for button in self.buttons]


@pytest.fixture
async def relay(smtp_servers: SmtpServers) -> SmtpServer:
    return await smtp_servers(security=Security.SSL, users={"nobody": "pw"})


@pytest.fixture
def world(hosted: World, internet: Rerouted) -> World:
    """A fresh installation; the list's domain has its mail at OVH."""
    at_ovh(hosted, internet)
    return hosted


@pytest.fixture
def talk(world: World) -> Talk:
    return Talk(world)


async def until_members(talk: Talk) -> None:
    """The list's accounts are given and work; moderation and replies are chosen."""
    await talk.says(f"/addlist {talk.world.address}")
    await talk.taps("That is right")
    await talk.says("pw")
    assert "✅ Configuration OK" in talk.text
    await talk.taps("non-members")
    await talk.taps("whole list")


async def settings(world: World) -> dict[str, str]:
    [row] = await world.rows(f"/list {world.name}")
    found: dict[str, str] = row["settings"]
    return found


async def test_from_nothing_to_a_working_list_by_taps(talk: Talk) -> None:
    """Two words typed and a sheet sent: the address, and the password, which goes from the chat."""
    world = talk.world
    await world.put(mail(author="anne@example.org"))
    await talk.says("/addlist")
    assert "What is the address of the list?" in talk.text
    assert "◀️ Back" not in talk.labels
    await talk.says(world.address)
    for part in (
        "It is a mailbox at OVH",
        "from ssl0.ovh.net:993 (IMAP)",
        "by ssl0.ovh.net:465",
        "At most 200",
    ):
        assert part in talk.text
    await talk.taps("That is right")
    assert "pro1.mail.ovh.net" not in talk.text  # few have that, who are told once a password is refused
    answer = await talk.says("pw")
    assert answer.secret
    assert "✅ Configuration OK: 1 mail lies in the mailbox." in talk.text
    await talk.taps("all of them")
    await talk.taps("to the author")
    assert "Send me a sheet" in talk.text
    await talk.says("", sent("membres.csv", SHEET.encode()))
    assert "This is what the sheet has: 86 added." in talk.text
    await talk.taps("Take them in")
    await talk.taps("In this chat")
    assert "1 mail is in the mailbox already" in talk.text
    assert await world.rows("/lists") == []
    await talk.taps("Leave what is older")

    for part in (
        f"📮 {world.address} is ready",
        "86 people with 86 addresses",
        "Posts that wait for a moderator: all of them",
    ):
        assert part in talk.text
    found = await settings(world)
    wanted = {"moderation": "all", "reply_to": "sender", "first_poll": "leave", "smtp_max_per_hour": "200"}
    assert {key: found[key] for key in wanted} == wanted
    [row] = await world.rows("/lists")
    assert (row["people"], row["healthy"], [room["address"] for room in row["rooms"]]) == (86, True, ["42"])


async def test_a_test_post_comes_back_as_a_card(talk: Talk) -> None:
    world = talk.world
    await until_members(talk)
    for label in ("Later", "In this chat"):
        await talk.taps(label)
    await talk.taps("Send a test post")
    assert "On its way" in talk.text
    [taken] = world.copies()
    assert taken.recipients == (world.address,)
    await world.deliver(taken.raw)
    assert await world.state(1) == ("held", "test")


async def test_a_test_post_waits_even_where_nobody_else_does(talk: Talk) -> None:
    world = talk.world
    await world.do(f"/addlist {world.address} password=pw moderation=open unknown_senders=discard")
    await world.do(f"/testpost {world.name}")
    await world.deliver(world.copies()[0].raw)
    assert await world.state(1) == ("held", "test")
    assert world.copied_to() == []


async def test_a_test_post_that_cannot_leave_says_why(talk: Talk) -> None:
    world = talk.world
    await world.do(f"/addlist {world.address} password=pw")
    world.relay.replies[world.address] = "550 5.1.1 no such mailbox"
    assert "no such mailbox" in await world.refused(f"/testpost {world.name}")
    world.relay.replies["AUTH"] = "535 5.7.8 not you"
    assert "refuses the login" in await world.refused(f"/testpost {world.name}")


async def test_every_step_leads_back_and_out(talk: Talk) -> None:
    await until_members(talk)
    await talk.taps("Back")
    assert "Where shall answers" in talk.text
    await talk.taps("Back")
    assert "Which posts shall wait" in talk.text
    await talk.taps("Back")
    assert "What is the password?" in talk.text  # past the trial, which nobody answered
    await talk.taps("Back")
    assert "Is that right?" in talk.text
    await talk.taps("Back")
    assert "What is the address" in talk.text
    await talk.says(talk.world.address)
    await talk.taps("Cancel")
    assert "All right, forget it." in talk.text
    assert await talk.dispatcher.said(Utterance(PAUL, ALONE, "pw")) is None
    assert await talk.world.rows("/lists") == []


async def test_cancel_may_be_typed(talk: Talk) -> None:
    await talk.says(f"/addlist {talk.world.address}")
    await talk.says("/cancel")
    assert "All right" in talk.text
    assert await talk.dispatcher.said(Utterance(PAUL, ALONE, "host=a.example")) is None


async def test_an_answer_that_makes_no_sense_is_asked_for_again(talk: Talk) -> None:
    await talk.says("/addlist")
    await talk.says("adherents")
    assert "“adherents” is not an e-mail address" in talk.text
    await talk.says(talk.world.address)
    await talk.says("port=many")
    assert "port must be" in talk.text
    await talk.taps("That is right")
    await talk.says("pw")
    await talk.says("sometimes")
    assert "Please tap one of the buttons." in talk.text
    await talk.says("all")
    await talk.taps("to the author")
    await talk.says("Anne")
    assert "Please send the sheet as a file" in talk.text
    await talk.says("", sent("photo.png", b"\x89PNG\r\n\x1a\n"))
    assert "Who gets the posts?" in talk.text


async def test_an_address_that_has_a_list_is_refused_at_once(talk: Talk) -> None:
    await talk.world.do(f"/addlist {talk.world.address} password=pw")
    await talk.says("/addlist")
    await talk.says(talk.world.address)
    assert "is a mailing list already" in talk.text
    assert "What is the address" in talk.text


async def test_a_wrong_password_may_be_written_again(talk: Talk) -> None:
    await talk.says(f"/addlist {talk.world.address}")
    await talk.taps("That is right")
    await talk.says("wrong")
    assert "refuses the login" in talk.text
    assert "E-mail Pro" in talk.text
    answer = await talk.says("pw")
    assert answer.secret
    assert "Configuration OK" in talk.text


@pytest.mark.parametrize("word", ["abc=def", "mail.example.org", "!Secret1", "4711"])
async def test_what_is_typed_where_a_password_is_asked_for_is_the_password(talk: Talk, word: str) -> None:
    """At the question and after a refusal: whatever it looks like, and it goes from the chat."""
    world = talk.world
    world.mailbox = await asyncio.to_thread(world.dovecot.add_user, word)
    world.relay.users[world.address] = word
    await talk.says(f"/addlist {world.address}")
    await talk.taps("That is right")
    assert (await talk.says("wrong")).secret
    assert "refuses the login" in talk.text
    assert (await talk.says(word)).secret
    assert "Configuration OK" in talk.text
    await talk.taps("Back")
    assert "What is the password?" in talk.text
    assert (await talk.says(word)).secret
    assert "Configuration OK" in talk.text


async def test_other_servers_may_be_named(talk: Talk, internet: Rerouted) -> None:
    internet.doors["pro1.mail.ovh.net", IMAP] = talk.world.dovecot.imaps, Security.SSL
    internet.doors["pro1.mail.ovh.net", None] = talk.world.relay.port, Security.SSL
    await talk.says(f"/addlist {talk.world.address}")
    await talk.says("pro1.mail.ovh.net")
    await talk.says("pw")
    assert "Configuration OK" in talk.text
    await talk.taps("non-members")
    await talk.taps("to the author")
    await talk.taps("Later")
    await talk.taps("Later, in another")
    assert "is ready" in talk.text
    found = await settings(talk.world)
    assert (found["host"], found["smtp_host"]) == ("pro1.mail.ovh.net", "pro1.mail.ovh.net")


async def test_a_host_that_takes_no_passwords_is_told_before_one_is_asked_for(talk: Talk) -> None:
    await talk.says("/addlist amap@hotmail.fr")
    assert "Microsoft takes no passwords" in talk.text
    assert talk.labels == ["◀️ Back", "✖️ Cancel"]
    await talk.taps("Back")
    await talk.says("amap@proton.me")
    assert "Proton lets no other program in" in talk.text


async def test_an_unknown_host_is_asked_for(talk: Talk, internet: Rerouted) -> None:
    talk.world.names.others.clear()
    await talk.says(f"/addlist {talk.world.address}")
    assert "I could not find out where its mailbox is" in talk.text
    internet.doors["mail.petit.example", IMAP] = talk.world.dovecot.imaps, Security.SSL
    internet.doors["mail.petit.example", None] = talk.world.relay.port, Security.SSL
    await talk.says("mail.petit.example")
    await talk.says("pw")
    assert "Configuration OK" in talk.text


async def test_imap_that_is_switched_off_leads_to_pop3(talk: Talk, internet: Rerouted) -> None:
    async with scripted_imap() as imap:
        imap.answer("^LOGIN", b"TAG NO Your account is not enabled for IMAP use.\r\n")
        internet.doors["ssl0.ovh.net", IMAP] = imap.port, Security.NONE
        await talk.says(f"/addlist {talk.world.address}")
        await talk.taps("That is right")
        await talk.says("pw")
        assert "switch IMAP on in its settings" in talk.text
        await talk.taps("Fetch by POP3")
        assert "Configuration OK" in talk.text


async def test_an_own_server_is_trusted_by_its_certificate_on_a_tap(talk: Talk, internet: Rerouted) -> None:
    """Nobody vouches for the test's servers but the tests, whose authority these clients do not know."""
    await own_server_trusted(talk, internet)
    await talk.taps("Later, in another")
    assert "✅ Its mailbox and its way out work." in talk.text
    assert (await settings(talk.world))["self_signed"] == "yes"


async def test_another_certificate_than_the_one_that_was_trusted_is_refused(
    talk: Talk, internet: Rerouted
) -> None:
    """It came between the tap and the last answer; what was shown then is what is trusted."""
    await own_server_trusted(talk, internet)
    context = talk.world.relay.server_context
    assert context
    shown = fingerprint(sha256_of(context))
    renew(context)
    await talk.taps("Later, in another")
    assert f"Trusted: {shown}. Shown: {fingerprint(sha256_of(context))}" in talk.text
    assert "is ready" in talk.text


async def test_the_certificate_is_shown_before_it_is_trusted(talk: Talk, internet: Rerouted) -> None:
    """With the name it was made for and the end of its validity, and before any password leaves."""
    context = await own_server_shown(talk, internet)
    assert f"localhost:{talk.world.relay.port} shows {fingerprint(sha256_of(context))}, made for" in talk.text
    assert "localhost, 127.0.0.1, valid until" in talk.text
    assert "AUTH" not in talk.world.relay.commands
    assert any(label.startswith("🔏 Trust these certificates") for label in talk.labels)


async def test_a_certificate_that_nobody_was_shown_gets_no_password(talk: Talk, internet: Rerouted) -> None:
    """It came between the question and the tap: the new one is shown, and waits for a tap of its own."""
    context = await own_server_shown(talk, internet)
    before = fingerprint(sha256_of(context))
    renew(context)
    await talk.taps("Trust these certificates")
    assert f"Trusted: {before}. Shown: {fingerprint(sha256_of(context))}, made for" in talk.text
    assert "AUTH" not in talk.world.relay.commands
    await talk.taps("Trust these certificates")
    assert "Configuration OK" in talk.text


async def test_self_signed_that_is_typed_waits_for_the_tap_too(talk: Talk, internet: Rerouted) -> None:
    context = talk.world.relay.server_context
    assert context
    await talk.says(f"/addlist {talk.world.address}")
    await talk.says(f"self_signed=yes smtp_host=localhost smtp_port={talk.world.relay.port}")
    await talk.says("pw")
    assert "nobody has accepted its certificate yet, so nothing was sent there" in talk.text
    assert fingerprint(sha256_of(context)) in talk.text
    assert "AUTH" not in talk.world.relay.commands


async def own_server_shown(talk: Talk, internet: Rerouted) -> ssl.SSLContext:
    """The password is given, and the certificates stand in the way; that of the relay."""
    internet.distrust()
    relay, dovecot, names = talk.world.relay, talk.world.dovecot, talk.world.names
    names.names_servers("SRV", "_imaps._tcp.example.test", f"0 0 {dovecot.imaps} localhost.")
    names.names_servers("SRV", "_submissions._tcp.example.test", f"0 0 {relay.port} localhost.")
    await talk.says(f"/addlist {talk.world.address}")
    assert "please see whether it is your host" in talk.text
    await talk.taps("That is right")
    await talk.says("pw")
    assert "does not verify" in talk.text
    assert relay.server_context
    return relay.server_context


async def own_server_trusted(talk: Talk, internet: Rerouted) -> None:
    """As far as the last question, where to show the posts."""
    context = await own_server_shown(talk, internet)
    await talk.taps("Trust these certificates")
    assert "Configuration OK" in talk.text
    assert f"localhost:{talk.world.dovecot.imaps} is trusted by this certificate from now on: " in talk.text
    assert fingerprint(sha256_of(context)) in talk.text
    await talk.taps("non-members")
    await talk.taps("to the author")
    await talk.taps("Later")


async def test_a_kill_while_the_accounts_are_tried_loses_no_question(talk: Talk, internet: Rerouted) -> None:
    """It waits again after the restart; until then it cannot be answered twice."""
    reached = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        await reader.read()
        writer.close()

    door = internet.doors["ssl0.ovh.net", IMAP]
    async with await asyncio.start_server(silent, "localhost", 0) as server:
        internet.doors["ssl0.ovh.net", IMAP] = server.sockets[0].getsockname()[1], Security.NONE
        await talk.says(f"/addlist {talk.world.address}")
        await talk.taps("That is right")
        trying = asyncio.create_task(talk.says("pw"))
        await asyncio.wait_for(reached.wait(), WAIT_S)
        assert await talk.dispatcher.said(Utterance(PAUL, ALONE, "another")) is None
        trying.cancel()
        await asyncio.gather(trying, return_exceptions=True)
    internet.doors["ssl0.ovh.net", IMAP] = door
    talk.restart()
    again = await talk.dispatcher.reminded(PAUL, ALONE)
    assert again
    assert "What is the password?" in text_of(again.screens[0])
    await talk.says("pw")
    assert "Configuration OK" in talk.text


async def test_one_may_go_on_with_accounts_that_do_not_work_yet(talk: Talk) -> None:
    talk.world.relay.replies["AUTH"] = "535 5.7.8 not you"
    await talk.says(f"/addlist {talk.world.address}")
    await talk.taps("That is right")
    await talk.says("pw")
    assert "❌ Outgoing mail" in talk.text
    await talk.taps("Go on all the same")
    await talk.taps("non-members")
    await talk.taps("to the author")
    await talk.taps("Later")
    await talk.taps("Later, in another")
    assert "is ready" in talk.text
    assert "❌ Outgoing mail by ssl0.ovh.net" in talk.text


async def test_groups_are_ticked_and_unticked(talk: Talk) -> None:
    for name in ("legumes", "pain"):
        await talk.world.do(f"/addgroup {name}")
        await talk.world.do(f"/addmember @{name} {name}@example.org")
    await until_members(talk)
    await talk.taps("@legumes")
    assert "☑️ @legumes" in talk.labels
    await talk.taps("@pain")
    await talk.taps("@legumes")
    assert "☑️ @legumes" not in talk.labels
    await talk.taps("These")
    await talk.taps("Later, in another")
    assert "1 person with 1 address" in talk.text
    [row] = await talk.world.rows(f"/members {talk.world.name}")
    assert row["addresses"] == ["pain@example.org"]


async def test_in_a_group_the_password_is_told_alone_and_the_rest_goes_on_there(talk: Talk) -> None:
    posted: list[Screen] = []

    class Network:
        async def post(self, address: str, screen: Screen) -> str:
            assert address == GROUP.address
            posted.append(screen)
            return "1"

    talk.world.app.desk.chats["telegram"] = Network()  # type: ignore[index]
    talk.place = GROUP
    await talk.says(f"/addlist {talk.world.address}")
    await talk.taps("That is right")
    assert "Nobody else here is to read the answer" in talk.text
    [there] = [button for button in talk.buttons if button.private]
    assert await talk.dispatcher.said(Utterance(PAUL, GROUP, "pw")) is None

    talk.place = ALONE
    await talk.taps("Answer in private")
    assert "Please write it here" in talk.text
    answer = await talk.says("pw")
    assert answer.secret
    assert "It goes on in Modération" in talk.text
    assert there.data.startswith("private:")

    talk.place, talk.screens = GROUP, tuple(posted)
    assert "✅ Configuration OK" in talk.text
    await talk.taps("non-members")
    await talk.taps("whole list")
    await talk.taps("Later")
    await talk.taps("In this room")
    [row] = await talk.world.rows("/lists")
    assert [room["address"] for room in row["rooms"]] == [GROUP.address]


async def test_what_was_typed_at_once_is_not_asked_for(talk: Talk) -> None:
    await talk.says(f"/addlist {talk.world.address} password=pw moderation=all")
    assert "is a mailing list now" in talk.text
    await talk.says("/dellist confirm=yes")
    assert "ADDRESS is missing" in await talk.world.refused("/addlist")
    assert "key=value" in await talk.world.refused(f"/addlist {talk.world.address}")


async def test_whoever_may_not_make_lists_is_not_asked(talk: Talk) -> None:
    await talk.says("/addlist")
    other = Actor("telegram:7", "Mallory")
    await talk.dispatcher.said(Utterance(other, Place("telegram", "7", private=True), "/addlist"))
    place = Place("telegram", "7", private=True)
    assert await talk.dispatcher.said(Utterance(other, place, talk.world.address)) is None
