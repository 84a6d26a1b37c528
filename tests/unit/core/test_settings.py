"""A list's settings: what may be typed, what is refused and why, and when a password is forgotten."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from bot.core.changing import changed, validated
from bot.core.errors import UserError
from bot.core.lists import MailingList, mailbox_account
from bot.core.settings import (
    ListSettings,
    MailProtocol,
    Moderation,
    ReplyTo,
    RewriteFrom,
    Security,
    UnknownSenders,
)
from bot.core.telling import allowed, shown
from tests.unit.flow.posts import a_list

_PASSWORD = "s3cret-w0rd"

DEFAULTS = {
    "description": "", "prefix": "", "language": "",
    "moderation": "non_members", "unknown_senders": "moderate",
    "reply_to": "sender", "rewrite_from": "foreign",
    "include_moderators": "no", "include_unmoderated": "no",
    "copy_to_author": "yes", "skip_addressed": "yes",
    "max_size": "0", "undo_s": "30", "remind_h": "12", "expire_days": "0",
    "room_policy": "everyone",
    "notify_held": "yes", "notify_rejected": "yes", "notify_distributed": "yes",
    "notify_auto": "no", "notify_unknown": "no", "notify_welcome": "no",
    "host": "", "port": "0", "protocol": "imap", "security": "ssl", "username": "", "password": "",
    "self_signed": "no", "auth_host": "",
    "folder": "INBOX", "after_intake": "delete", "first_poll": "hold",
    "smtp_host": "", "smtp_port": "0", "smtp_security": "", "smtp_username": "", "smtp_password": "",
    "smtp_max_per_hour": "0", "smtp_max_per_day": "0",
}  # fmt: skip


def test_every_setting_has_its_documented_default() -> None:
    assert {key: shown(ListSettings(), key) for key in ListSettings.model_fields} == DEFAULTS


@pytest.mark.parametrize(
    ("key", "typed", "value"),
    [
        ("description", "Les adhérents", "Les adhérents"),
        ("prefix", "[AMAP]", "[AMAP]"),
        ("prefix", "", ""),
        ("language", "fr", "fr"),
        ("moderation", "all", Moderation.ALL),
        ("moderation", "open", Moderation.OPEN),
        ("unknown_senders", "discard", UnknownSenders.DISCARD),
        ("reply_to", "list", ReplyTo.LIST),
        ("rewrite_from", "dmarc", RewriteFrom.DMARC),
        ("rewrite_from", "always", RewriteFrom.ALWAYS),
        ("rewrite_from", "never", RewriteFrom.NEVER),
        ("include_moderators", "yes", True),
        ("include_unmoderated", "Oui", True),
        ("copy_to_author", "non", False),
        ("skip_addressed", " NO ", False),
        ("max_size", "10MB", 10_000_000),
        ("max_size", "10 Mo", 10_000_000),
        ("max_size", "1,5 mb", 1_500_000),
        ("max_size", "500kB", 500_000),
        ("max_size", "512", 512),
        ("undo_s", "0", 0),
        ("expire_days", "14", 14),
        ("host", "mail.example.org", "mail.example.org"),
        ("host", "::1", "::1"),
        ("port", "143", 143),
        ("security", "starttls", Security.STARTTLS),
        ("smtp_security", "none", Security.NONE),
        ("smtp_security", "", ""),
        ("folder", "INBOX, Junk", "INBOX, Junk"),
        ("after_intake", "keep", "keep"),
        ("after_intake", "move:Archives/2026", "move:Archives/2026"),
        ("smtp_max_per_hour", "200", 200),
    ],
)
def test_what_is_typed_is_understood(key: str, typed: str, value: object) -> None:
    assert getattr(validated({key: typed}), key) == value
    assert changed({}, {key: typed}) == {key: value}


@pytest.mark.parametrize(
    ("key", "typed"),
    [
        ("description", "x" * 201),
        ("description", "two\nlines"),
        ("prefix", "x" * 61),
        ("prefix", "[x]\r\nBcc: evil@example.org"),
        ("language", "de"),
        ("moderation", "some"),
        ("include_moderators", "perhaps"),
        ("max_size", "big"),
        ("max_size", "-1"),
        ("max_size", "9" * 400),
        ("undo_s", "86401"),
        ("undo_s", "soon"),
        ("remind_h", "-1"),
        ("host", "imaps://mail.example.org"),
        ("host", "mail.example.org user"),
        ("port", "65536"),
        ("protocol", "jmap"),
        ("security", "tls1"),
        ("smtp_security", "tls1"),
        ("folder", ""),
        ("folder", " , "),
        ("folder", "INBOX\r\nA1 LOGOUT"),
        ("after_intake", "burn"),
        ("after_intake", "move:"),
        ("smtp_max_per_day", "-5"),
    ],
)
def test_what_is_wrong_is_refused_with_what_is_allowed(key: str, typed: str) -> None:
    with pytest.raises(UserError) as refused:
        validated({key: typed})
    assert str(refused.value) == f"{key} must be: {allowed(key)}"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"folder": "INBOX, Liste"}, ["folder=INBOX"]),
        ({"folder": "Liste"}, ["folder=INBOX"]),
        ({"after_intake": "move:Traités"}, ["after_intake=delete or keep"]),
        ({"folder": "Liste", "after_intake": "move:Traités"}, ["folder=INBOX", "after_intake=delete"]),
    ],
)
def test_what_pop3_cannot_do_is_refused(words: dict[str, str], says: list[str]) -> None:
    """Whichever is set first; and with IMAP all of it is right."""
    changed({}, {"protocol": "imap", **words})
    for own, then in (({"protocol": "pop3"}, words), (words, {"protocol": "pop3"})):
        with pytest.raises(UserError) as refused:
            changed(dict(own), then)
        assert [part in str(refused.value) for part in says] == [True] * len(says)


def test_a_pop3_mailbox_is_its_inbox() -> None:
    changed({}, {"protocol": "pop3", "folder": "Inbox", "after_intake": "keep"})


def test_every_mistake_is_named_at_once_and_each_once() -> None:
    words = {"colour": "red", "port": "x", "smtp_security": "x", "first_poll": "x", "undo_s": "5"}
    with pytest.raises(UserError) as refused:
        changed({"moderation": Moderation.ALL}, words)
    assert str(refused.value).count("must be") == 3
    for key in ("There is no setting colour", "port must", "smtp_security must", "first_poll must"):
        assert str(refused.value).count(key) == 1


@pytest.mark.parametrize("key", list(ListSettings.model_fields))
def test_the_hint_of_every_setting_tells_what_to_type(key: str) -> None:
    """Only what may be any line of text, or is secret, has no better hint than *text*."""
    hint = str(allowed(key))
    free = {"username", "password", "smtp_username", "smtp_password"}
    assert (hint == "text") == (key in free)


def test_the_hint_of_a_choice_names_the_choices() -> None:
    told = "all (all of them) / non_members (those of non-members) / open (none)"
    assert str(allowed("moderation")) == told
    assert str(allowed("smtp_security")) == "ssl (SSL/TLS) / starttls / none"
    assert str(allowed("language")) == "en (English) / fr (français)"


@pytest.mark.parametrize("secret", ["password", "smtp_password"])
def test_no_password_is_shown_in_an_error_or_a_repr(secret: str) -> None:
    settings = validated({secret: _PASSWORD})
    own = changed({}, {secret: _PASSWORD})
    with pytest.raises(UserError) as refused:
        validated({secret: [_PASSWORD], "port": _PASSWORD, "moderation": _PASSWORD})
    error: BaseException | None = refused.value
    said = repr(settings) + str(settings) + repr(own) + shown(settings, secret) + str(error) + repr(error)
    assert _PASSWORD not in said
    assert shown(settings, secret) == "****"
    assert refused.value.__context__ is None


def test_a_password_is_never_dumped_in_clear() -> None:
    settings = validated({"password": _PASSWORD})
    with pytest.raises(ValueError, match="sealed") as refused:
        settings.model_dump(mode="json")
    assert _PASSWORD not in str(refused.value)


def _account(**own: Any) -> dict[str, Any]:
    return changed({}, {"host": "mail.example.org", "password": _PASSWORD, "smtp_password": "other", **own})


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ({"host": "evil.example"}, {"smtp_password"}),
        ({"port": "1993"}, {"smtp_password"}),
        ({"security": "none"}, {"smtp_password"}),
        ({"self_signed": "no"}, set()),
        ({"smtp_host": "evil.example"}, {"password"}),
        ({"smtp_port": "25"}, {"password"}),
        ({"smtp_security": "none"}, {"password"}),
        ({"host": "mail.example.org"}, {"password", "smtp_password"}),  # no change
        ({"username": "anne"}, {"password", "smtp_password"}),
        ({"moderation": "all"}, {"password", "smtp_password"}),
    ],
)
def test_a_password_is_forgotten_when_it_would_go_elsewhere(words: dict[str, str], kept: set[str]) -> None:
    assert {"password", "smtp_password"} & changed(_account(), words).keys() == kept


def test_a_password_that_is_given_again_is_kept() -> None:
    after = changed(_account(), {"host": "new.example.org", "password": "another"})
    assert after["password"] == SecretStr("another")


def test_what_was_stored_is_not_touched_by_a_change() -> None:
    own = _account()
    before = dict(own)
    changed(own, {"host": "evil.example"})
    assert own == before


@pytest.mark.parametrize(
    ("protocol", "security", "port"),
    [
        (MailProtocol.IMAP, Security.SSL, 993),
        (MailProtocol.IMAP, Security.STARTTLS, 143),
        (MailProtocol.IMAP, Security.NONE, 143),
        (MailProtocol.POP3, Security.SSL, 995),
        (MailProtocol.POP3, Security.STARTTLS, 110),
        (MailProtocol.POP3, Security.NONE, 110),
    ],
)
def test_the_port_follows_from_protocol_and_security(
    protocol: MailProtocol, security: Security, port: int
) -> None:
    mlist = _of(ListSettings(protocol=protocol, security=security))
    assert mailbox_account(mlist).port == port


def test_the_mailbox_is_the_lists_own_unless_told_otherwise() -> None:
    account = mailbox_account(a_list(host="mail.example.org", folder="INBOX, Junk ,", password=_PASSWORD))
    assert (account.username, account.folders) == ("adherents@amap.example", ("INBOX", "Junk"))
    assert _PASSWORD not in repr(account)
    assert mailbox_account(a_list(username="u")).username == "u"


def test_the_prefix_is_the_local_part_unless_told_otherwise() -> None:
    assert [a_list().prefix, a_list(prefix="").prefix, a_list(prefix="AMAP:").prefix] == [
        "[adherents]",
        "",
        "AMAP:",
    ]


def _of(settings: ListSettings) -> MailingList:
    plain = a_list()
    return MailingList(1, plain.address, settings, {}, 1, paused=False, created_at=plain.created_at)


@pytest.mark.parametrize("host", ["mail.example.org", "127.0.0.1", "::1", "[::1]", "2001:db8::25"])
def test_a_host_is_a_name_or_an_address(host: str) -> None:
    assert changed({}, {"host": host})["host"] == host


@pytest.mark.parametrize("host", ["mail.example.org:993", "127.0.0.1:25", "[::1]:993"])
def test_a_host_carries_no_port(host: str) -> None:
    with pytest.raises(UserError, match="its port has a setting of its own"):
        changed({}, {"host": host})
