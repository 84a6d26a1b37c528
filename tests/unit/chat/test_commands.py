from __future__ import annotations

import errno
import mailbox
import re
import stat
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from bot.chat.dispatch import Dispatcher
from bot.chat.mbox import Mbox
from bot.chat.permissions import Permissions
from bot.core.addresses import Address
from bot.core.bounces import Failure, Limit
from bot.core.people import Role
from bot.core.posts import Disposition, Post
from bot.core.stores import PostStore
from bot.core.text import Text
from tests.support.office import ANNE, MAIL, Office, buttons_of, text_of

LIST = "adherents@amap.example"


async def test_help_shows_what_one_may_use(office: Office) -> None:
    assert "/addlist" in (await office.do("/help")).text
    assert "/reject ID [REASON]" in (await office.do("/help reject")).text
    for name, key in (("addlist", "password"), ("set", "moderation")):
        text = (await office.do(f"/help {name}")).text
        assert f"For example: /{name} adherents" in text
        assert key in text.splitlines()[-1]
        assert "docs/commands.md" in text
    assert "Did you mean" in (await office.do("/help rejct")).text
    assert "1.2.3" in (await office.do("/version")).text
    assert "Trois Rivières" in (await office.do("/start")).text


async def test_lists_have_their_rows(office: Office) -> None:
    await office.hold()
    (row,) = (await office.do("/lists")).rows
    wanted = {
        "address": LIST,
        "moderation": "non_members",
        "people": 1,
        "addresses": 1,
        "held": 1,
        "healthy": True,
    }
    assert wanted.items() <= row.items()


async def test_a_list_in_trouble_says_so(office: Office) -> None:
    lists, now = office.desk.stores.lists, office.clock.now()
    await lists.polled(office.mlist.id, now, None)
    assert (await office.do("/lists")).rows[0]["healthy"]
    office.clock.advance(timedelta(minutes=16))
    late = await office.do("/lists")
    assert "no mail was fetched since" in late.text
    assert not late.rows[0]["healthy"]
    await lists.polled(office.mlist.id, now, Text("the password is refused"))
    assert "mailbox: the password is refused" in (await office.do("/list")).text
    await office.do("/pause")
    assert "⏸ adherents" in (await office.do("/lists")).text
    assert "sends again" in (await office.do("/resume")).text


async def test_a_list_is_kept_whatever_the_check_says(office: Office) -> None:
    done = await office.do(
        "/addlist new@amap.example host=127.0.0.1 port=1 username=new security=none password=x"
    )
    assert done.ok
    assert "❌ Mailbox new on 127.0.0.1:1" in done.text
    assert "The list is kept" in done.text
    assert not (await office.do("/check new")).ok
    rows = {row["address"]: row for row in (await office.do("/lists")).rows}
    assert not rows["new@amap.example"]["healthy"]


async def test_all_mistakes_are_named_at_once_and_nothing_is_stored(office: Office) -> None:
    done = await office.do("/addlist nowhere port=x pasword=y protocol=pop2")
    for part in (
        "“nowhere” is not an e-mail address",
        "port must be",
        "no setting pasword",
        "protocol must be",
    ):
        assert part in done.text
    assert len((await office.do("/lists")).rows) == 1


async def test_two_lists_on_one_mailbox_need_two_folders(office: Office) -> None:
    line = f"/addlist second@amap.example host=127.0.0.1 username={LIST}"
    assert f"{LIST} and second@amap.example would read the same" in (await office.do(line)).text
    assert (await office.do(f"{line} folder=Second port=1")).ok
    assert "would read the same mailbox" in (await office.do("/set second folder=INBOX,Second")).text


async def test_set_changes_all_or_nothing(office: Office) -> None:
    assert "moderation=all" in (await office.do("/set adherents moderation=all undo_s=5")).text
    assert not (await office.do("/set adherents moderation=open undo_s=x")).ok
    (row,) = (await office.do("/list")).rows
    assert (row["settings"]["moderation"], row["settings"]["undo_s"]) == ("all", "5")


async def test_defaults_are_for_lists_without_their_own(office: Office) -> None:
    await office.do("/set adherents undo_s=5")
    assert "every list" in (await office.do("/set all undo_s=60 remind_h=1")).text
    settings = (await office.do("/list")).rows[0]["settings"]
    assert (settings["undo_s"], settings["remind_h"]) == ("5", "1")


async def test_another_host_forgets_the_password_and_says_so(office: Office) -> None:
    done = await office.do("/set adherents host=imap.evil.example")
    assert "Mailbox password: the stored one" in done.text
    assert (await office.do("/list")).rows[0]["settings"]["password"] == ""


@pytest.mark.parametrize(
    "command", ["/addlist été@amap.example port=1", "/renamelist adherents été@amap.example"]
)
async def test_a_list_needs_an_address_that_every_relay_takes(office: Office, command: str) -> None:
    """It is the sender of every copy."""
    refused = await office.do(command)
    assert not refused.ok
    assert "before the @" in refused.text
    assert [row["address"] for row in (await office.do("/lists")).rows] == [office.mlist.address]


async def test_a_list_may_be_renamed(office: Office) -> None:
    done = await office.do("/renamelist adherents amis@amap.example")
    assert "fetched as amis@amap.example" in done.text
    assert (await office.do("/lists")).rows[0]["address"] == "amis@amap.example"


async def test_deleting_asks_first_and_keeps_the_archive(office: Office) -> None:
    first = await office.hold(MAIL + b"From now on, twice a week.\r\n")
    second = await office.hold(MAIL.rstrip())
    await office.do(f"/distribute {second.id}")
    asked = await office.do("/dellist adherents")
    assert not asked.ok
    assert "1 post waits, and 1 delivery is under way." in asked.text
    assert "confirm=yes" in asked.text
    done = await office.do(f"/dellist list:{office.mlist.id} confirm=yes")
    assert "1 post was waiting" in done.text
    assert done.written
    assert str(done.written) in done.text
    assert stat.S_IMODE(done.written.stat().st_mode) == 0o600
    mails = mails_in(done.written)
    assert [f"<{number}@example.org>" for number in (1, 2)] == [mail["message-id"] for mail in mails]
    assert ">From now on" in str(mails[0].get_payload())
    assert not (await office.do(f"/show {first.id}")).ok


async def test_an_archive_of_many_posts_is_whole_and_in_order(office: Office) -> None:
    for _ in range(201):
        await office.hold()
    done = await office.do("/dellist adherents confirm=yes")
    assert done.written
    wanted = [f"<{number}@example.org>" for number in range(1, 202)]
    assert wanted == [mail["message-id"] for mail in mails_in(done.written)]


async def test_what_comes_while_the_archive_is_written_is_in_it(office: Office) -> None:
    """The mailbox has let go of it already: nowhere else would it be."""
    await office.hold()
    late = Interrupted(office.desk.stores.posts, office.hold)
    desk = replace(office.desk, stores=replace(office.desk.stores, posts=cast("PostStore", late)))
    done = await Dispatcher(desk, Permissions(desk.stores)).run_line("/dellist adherents confirm=yes", ANNE)
    assert done.written
    assert [mail["message-id"] for mail in mails_in(done.written)] == ["<1@example.org>", "<2@example.org>"]


async def test_a_list_whose_archive_cannot_be_written_is_not_deleted(office: Office) -> None:
    post = await office.hold()
    office.desk.installation.exports.write_text("in the way")
    done = await office.do("/dellist adherents confirm=yes")
    assert not done.ok
    assert "Nothing is deleted" in done.text
    assert (await office.do(f"/show {post.id}")).ok


def test_a_disk_that_is_full_keeps_no_half_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.mbox"

    def write() -> None:
        with Mbox(path) as mbox:
            mbox.add(Address("anne@example.org"), datetime.now(UTC), MAIL)
            raise OSError(errno.ENOSPC, "full")

    with pytest.raises(OSError, match="full"):
        write()
    assert not path.exists()


class Interrupted:
    """The posts of a list that gets one more as soon as one of them is read."""

    def __init__(self, posts: PostStore, hold: Callable[[], Awaitable[Post]]) -> None:
        self._posts = posts
        self._interrupt: Callable[[], Awaitable[Post]] | None = hold

    def __getattr__(self, name: str) -> Any:
        return getattr(self._posts, name)

    async def raw(self, post_id: int) -> bytes:
        interrupt, self._interrupt = self._interrupt, None
        if interrupt:
            await interrupt()
        return await self._posts.raw(post_id)


def mails_in(path: Path) -> list[mailbox.mboxMessage]:
    with closing(mailbox.mbox(path, create=False)) as box:
        return list(box)


@pytest.mark.parametrize("role", list(Role))
async def test_every_role_can_be_given_shown_and_taken(office: Office, role: Role) -> None:
    listing = {Role.UNMODERATED: "unmoderated", Role.EXCLUDED: "excluded"}.get(role, f"{role}s")
    assert (await office.do(f"/add{role} adherents Zoé <zoe@example.org>")).ok
    assert "was already among" in (await office.do(f"/add{role} adherents ZOE@example.org")).text
    (row,) = (await office.do(f"/{listing} adherents zoé")).rows
    status = "excluded" if role is Role.EXCLUDED else "active"
    assert row == {
        "name": "Zoé",
        "addresses": ["zoe@example.org"],
        "via": "",
        "by_hand": True,
        "status": status,
        "suspended": [],
    }
    taken = await office.do(f"/del{role} adherents zoe@example.org")
    assert taken.rows[0]["status"] == "removed"
    assert "is not among" in (await office.do(f"/del{role} adherents zoe@example.org")).text


async def test_an_answer_names_the_person_the_role_and_the_list(office: Office) -> None:
    added = await office.do("/addmoderator adherents Zoé <zoe@example.org>")
    assert added.text == f"On {LIST}, Zoé <zoe@example.org> is among the moderators now."
    taken = await office.do("/delmoderator adherents zoe@example.org")
    assert taken.text == f"On {LIST}, Zoé <zoe@example.org> is no longer among the moderators."


async def test_a_member_who_gets_no_copies_is_marked_among_the_others(office: Office) -> None:
    await office.do("/addmember adherents Zoé <zoe@example.org>")
    await office.do("/addexcluded adherents zoe@example.org")
    done = await office.do("/members adherents")
    assert {row["name"]: row["status"] for row in done.rows} == {"Jean Roy": "active", "Zoé": "excluded"}
    assert "Zoé <zoe@example.org> · gets no copies" in done.text


async def test_a_member_whom_mail_does_not_reach_is_marked_among_the_others(office: Office) -> None:
    """In words, and for scripts; an exclusion is the stronger of the two."""
    bounces, limit = office.desk.stores.bounces, Limit(points=1, forget=timedelta(days=7))
    await office.do("/addmember adherents Zoé <zoe@example.org>")
    await office.do("/addaddress zoe@example.org z@example.net")
    failure = Failure(Address("z@example.net"), "550 no such user")
    await bounces.note(office.mlist.id, failure, office.clock.now(), limit)

    done = await office.do("/members adherents")

    assert [(row["status"], row["suspended"]) for row in done.rows] == [
        ("active", []),
        ("suspended", ["z@example.net"]),
    ]
    assert "Zoé <zoe@example.org>, <z@example.net> · ⏸ suspended: z@example.net" in done.text
    await office.say("/language fr")
    assert "· ⏸ envois suspendus\N{NO-BREAK SPACE}: z@example.net" in await office.say("/members adherents")
    await office.do("/addgroup legumes")
    await office.do("/addmember @legumes zoe@example.org")
    assert (await office.do("/members @legumes")).rows[0]["status"] == "suspended"
    await office.do("/addexcluded adherents zoe@example.org")
    assert (await office.do("/members adherents zoé")).rows[0]["status"] == "excluded"
    await office.do("/delexcluded adherents zoe@example.org")
    await office.do("/reactivate z@example.net")
    assert (await office.do("/members adherents zoé")).rows[0]["status"] == "active"


async def test_people_and_addresses_are_counted(office: Office) -> None:
    for number in range(12):
        await office.do(f"/addmember adherents m{number}@example.org")
    assert "13 people, 13 addresses" in await office.say("/members")
    assert len((await office.do("/members")).rows) == 13


async def test_pending_and_show_have_their_rows(office: Office) -> None:
    post = await office.hold()
    (row,) = (await office.do("/pending")).rows
    moment = datetime.fromisoformat(row["received_at"])
    assert (office.clock.now(), timedelta(0)) == (moment, moment.utcoffset())
    wanted = {
        "id": post.id,
        "list": LIST,
        "author": "helene@example.org",
        "subject": "Panier de jeudi",
        "reason": "helene@example.org is not a member",
        "rule": "default",
    }
    assert wanted.items() <= row.items()
    (shown,) = (await office.do(f"/show #{post.id}")).rows
    states = ("delivered", "deferred", "bounced", "dropped", "due")
    assert shown["deliveries"] == dict.fromkeys(states, 0)


@pytest.mark.parametrize(
    "from_",
    [
        b"From: Anne <anne@example.org>\r\nFrom: evil@x.example",
        b"From: Anne <anne@example.org>, evil@x.example",
        b"From: anne@example.org <evil@x.example>",
    ],
)
async def test_nobody_hides_behind_the_first_author(office: Office, from_: bytes) -> None:
    await office.do("/addmember adherents anne@example.org")
    post = await office.hold(from_ + b"\r\n\r\nhello\r\n")
    (row,) = (await office.do("/pending")).rows
    assert row["author"] == "anne@example.org"
    assert row["authors"] == ["anne@example.org", "evil@x.example"]
    assert re.search(r"anne@example.org>?, evil@x.example", (await office.do("/pending")).text)
    assert "evil@x.example · unknown to this list" in (await office.do(f"/show {post.id}")).text


async def test_scripts_get_no_character_that_turns_their_text_round(office: Office) -> None:
    """Nor does an address become another one by losing it."""
    post = await office.hold(
        "From: A\u202enne <an\u202ene@example.org>\r\nSubject: gpj\u202e\r\n\r\nhello\r\n".encode()
    )
    (row,) = (await office.do(f"/show {post.id}")).rows
    assert (row["author"], row["author_name"], row["subject"]) == (
        "an\ufffdne@example.org",
        "A\ufffdnne",
        "gpj\ufffd",
    )
    assert "an\ufffdne@example.org" in (await office.press(f"ban:{post.id}:0")).text


async def test_a_decision_by_command_is_a_decision(office: Office) -> None:
    post = await office.hold()
    assert "within 30 s" in (await office.do(f"/distribute {post.id}")).text
    (row,) = (await office.do(f"/show {post.id}")).rows
    assert (row["state"], row["decided_by"], row["deliveries"]["due"]) == ("accepted", "Anne", 1)
    assert "waits for a decision again" in (await office.do(f"/undo {post.id}")).text
    assert (await office.do(f"/reject {post.id} ce n'est pas ici, merci")).ok
    assert (await office.do(f"/show {post.id}")).rows[0]["decision_reason"] == "ce n'est pas ici, merci"
    refused = await office.do(f"/distribute {post.id}")
    assert not refused.ok
    assert "already rejected by Anne" in refused.text
    assert not (await office.do(f"/stop {post.id}")).ok


@pytest.mark.parametrize(
    "mail",
    [
        b"From: anne@example.org\r\nAuto-Submitted: auto-generated\r\n\r\nhello\r\n",
        b"From: nobody\r\n\r\nhello\r\n",
        b"From: anne@nomail.org\r\n\r\nhello\r\n",
    ],
)
async def test_a_rejection_says_if_nobody_hears_of_it(office: Office, mail: bytes) -> None:
    post = await office.hold(mail)
    assert "Nobody is told" in (await office.press(f"reject:{post.id}:0")).text


async def test_a_rejection_says_if_the_list_keeps_it_to_itself(office: Office) -> None:
    first, second = await office.hold(), await office.hold()
    assert "told" not in (await office.do(f"/reject {first.id}")).text
    await office.do("/set adherents notify_rejected=no")
    assert (
        "The author is not told: this list has notify_rejected=no"
        in (await office.do(f"/reject {second.id} non")).text
    )


async def test_a_distribution_can_be_stopped(office: Office) -> None:
    post = await office.hold()
    await office.do(f"/distribute {post.id}")
    assert "1 copy does not leave" in (await office.do(f"/stop {post.id}")).text


async def test_archives_search_what_is_decided(office: Office) -> None:
    waiting, discarded = await office.hold(), await office.hold(verdict=Disposition.DISCARD)
    rejected = await office.hold(MAIL.replace(b"Panier", b"=?utf-8?q?V=C3=A9lo?="))
    await office.do(f"/reject {rejected.id}")
    rows = (await office.do("/archives")).rows
    assert [rejected.id, discarded.id] == [row["id"] for row in rows]
    assert (rows[0]["state"], rows[0]["decided_by"]) == ("rejected", "Anne")
    assert (rows[1]["state"], rows[1]["decided_by"]) == ("discarded", None)
    assert [rejected.id] == [row["id"] for row in (await office.do("/archives velo poireaux")).rows]
    assert waiting.id not in {row["id"] for row in rows}


async def test_a_post_is_handed_out_as_it_came(office: Office) -> None:
    post = await office.hold()
    (file,) = (await office.do(f"/eml {post.id}")).files
    assert (f"{post.id}.eml", MAIL.replace(b"%d", b"1")) == (file.name, file.content)


async def test_the_outbox_can_be_seen_and_emptied(office: Office) -> None:
    post = await office.hold()
    await office.do(f"/distribute {post.id}")
    (row,) = (await office.do("/queue")).rows
    wanted = {"post_id": post.id, "recipient": "jean@example.org", "state": "due", "attempts": 0}
    assert wanted.items() <= row.items()
    assert {"next_attempt_at", "last_reply"} <= row.keys()
    assert list((await office.do("/errors")).rows) == []
    traced = await office.do("/trace JEAN@example.org")
    assert len(traced.rows) == 1
    assert f"#{post.id} Panier de jeudi → jean@example.org: waits" in traced.text
    assert "0 deliveries" in (await office.do(f"/retry {post.id}")).text
    assert "0 deliveries" in (await office.do("/retry adherents jean@example.org")).text
    assert "1 delivery of" in (await office.do(f"/drop {post.id} jean@example.org")).text
    assert "Nothing of" in (await office.do(f"/drop {post.id}")).text


@pytest.mark.parametrize("name", ["retry", "drop"])
async def test_somebody_who_was_no_recipient_is_named(office: Office, name: str) -> None:
    """A misspelt address would else look like a delivery that needs nothing."""
    post = await office.hold()
    await office.do(f"/distribute {post.id}")
    refused = await office.do(f"/{name} {post.id} nobody@example.org")
    assert not refused.ok
    assert f"nobody@example.org is not among the recipients of #{post.id}" in refused.text


async def test_bans_are_added_shown_and_taken_back(office: Office) -> None:
    assert (await office.do("/ban Spam@evil.example")).ok
    assert "banned already" in (await office.do("/ban spam@evil.example adherents")).text
    assert (await office.do("/ban /casino/ all")).ok
    rows = (await office.do("/bans")).rows
    banned = [(row["pattern"], row["list"]) for row in rows]
    assert banned == [
        ("/casino/", None),
        ("spam@evil.example", LIST),
    ]
    assert (await office.do("/unban spam@evil.example")).ok
    assert "not banned there" in (await office.do("/unban spam@evil.example")).text
    assert not (await office.do("/ban nonsense")).ok
    assert not (await office.do("/ban /(/")).ok


@pytest.mark.parametrize("written", ["/example.org$|x@x/", "*@example.org"])
@pytest.mark.parametrize("key", ["allow", "ban"])
async def test_an_author_who_writes_a_pattern_as_address_gets_no_ban_changed(
    office: Office, written: str, key: str
) -> None:
    """One tap would else silence everybody, or take back what an owner banned."""
    await office.do("/ban *@example.org")
    post = await office.hold(f"From: Eve <{written}>\r\n\r\nhello\r\n".encode())
    assert "not a plain address" in (await office.press(f"{key}:{post.id}:0")).text
    assert [row["pattern"] for row in (await office.do("/bans")).rows] == ["*@example.org"]


async def test_allowing_takes_back_no_ban_of_a_pattern(office: Office) -> None:
    await office.do("/ban *@example.org")
    assert not (await office.do("/allow *@example.org")).ok
    assert len((await office.do("/bans")).rows) == 1


@pytest.mark.parametrize("pattern", ["*@gmail.com", "*@ORANGE.fr", "/.*/", r"/@free\.fr$/"])
async def test_a_whole_mailbox_provider_is_banned_only_if_meant(office: Office, pattern: str) -> None:
    assert "confirm=yes" in (await office.do(f"/ban {pattern}")).text
    assert list((await office.do("/bans")).rows) == []
    [screen] = await office.screens(f"/ban {pattern}")
    [yes] = buttons_of(screen)
    assert yes.lower() == f"/ban {pattern} list:1 confirm=yes".lower()
    assert "discarded from now on" in text_of((await office.press(yes)).screens[0])
    assert not (await office.do(f"/ban {pattern} confirm=yes")).rows


async def test_reading_hands_out_everything(office: Office) -> None:
    mail = (
        b"From: x@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\n" + b"mot " * 4_000 + b"\r\n"
        b"--b\r\nContent-Type: text/csv; name=../../etc/passwd\r\n\r\n1;2\r\n--b--\r\n"
    )
    post = await office.hold(mail)
    answer = await office.press(f"read:{post.id}:0")
    *pages, last = answer.screens
    assert len(pages) == 3
    assert "rest of the text is in the file" in text_of(last)
    eml, csv = last.files
    assert (f"{post.id}.eml", mail) == (eml.name, eml.content)
    assert "/" not in csv.name
    assert csv.content.strip() == b"1;2"


async def test_times_for_scripts_are_utc(office: Office) -> None:
    post = await office.hold()
    await office.do(f"/discard {post.id}", ANNE)
    (row,) = (await office.do("/archives")).rows
    assert UTC.utcoffset(None) == datetime.fromisoformat(row["decided_at"]).utcoffset()
