"""Which server a list's mail leaves through, with whose login, and who shares it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.lists import MailingList, SmtpAccount
from bot.core.settings import Security
from bot.flow.accounts import Accounts, registrable
from tests.unit.flow.posts import LIST, a_list

COMMON = SmtpAccount("smtp.host.example", 465, Security.SSL, "common", "common-pw", 100, 500)
BARE = replace(COMMON, username="", password="", max_per_hour=0, max_per_day=0)
MAILBOX = {"host": "imap.host.example", "password": "box-pw"}


def login(common: SmtpAccount, **own: str) -> tuple[str, str, str]:
    account = Accounts(common).smtp(a_list(**own))
    return account.host, account.username, account.password


# Credentials


@pytest.mark.parametrize(
    ("common", "own", "username", "password"),
    [
        # the list's own come first
        (COMMON, {**MAILBOX, "smtp_username": "own", "smtp_password": "own-pw"}, "own", "own-pw"),
        (COMMON, {**MAILBOX, "smtp_password": "own-pw"}, LIST, "own-pw"),
        (COMMON, {**MAILBOX, "username": "box", "smtp_password": "own-pw"}, "box", "own-pw"),
        # then those of [smtp]
        (COMMON, MAILBOX, "common", "common-pw"),
        (COMMON, {}, "common", "common-pw"),
        # then the mailbox's, where one owner has both
        (BARE, MAILBOX, LIST, "box-pw"),
        (BARE, {**MAILBOX, "username": "box"}, "box", "box-pw"),
        (BARE, {**MAILBOX, "host": "imap.other.example"}, "", ""),
        # then none
        (BARE, {"host": "imap.host.example"}, "", ""),
        (BARE, {}, "", ""),
    ],
)
def test_the_login_is_the_lists_then_the_common_then_the_mailboxs(
    common: SmtpAccount, own: dict[str, str], username: str, password: str
) -> None:
    assert login(common, **own) == ("smtp.host.example", username, password)


@pytest.mark.parametrize(
    "own",
    [
        {"smtp_host": "evil.example"},
        {"smtp_host": "smtp.host.example.evil.example"},
        {"smtp_host": "evil.example", "smtp_username": "common"},
        {"smtp_host": "evil.example", **MAILBOX},
        {"smtp_host": "host.example.org", **MAILBOX},
    ],
)
def test_no_password_goes_to_a_host_that_it_was_not_given_for(own: dict[str, str]) -> None:
    assert login(COMMON, **own)[1:] == ("", "")


def test_a_host_of_the_mailboxs_own_domain_gets_the_mailboxs_password_and_never_the_common_one() -> None:
    assert login(COMMON, smtp_host="other.host.example", **MAILBOX) == ("other.host.example", LIST, "box-pw")


def test_a_password_given_for_another_host_goes_there() -> None:
    own = {"smtp_host": "relay.example", "smtp_username": "u", "smtp_password": "own-pw"}
    assert login(COMMON, **own) == ("relay.example", "u", "own-pw")


@pytest.mark.parametrize(
    ("mailbox", "relay"),
    [
        ("192.168.1.5", "10.0.1.5"),
        ("10.0.0.1", "11.0.0.1"),
        ("a.co.uk", "b.co.uk"),
        ("amap.github.io", "evil.github.io"),
        ("[::1]", "[::2]"),
        ("fe80::1", "fe80::2"),
        ("localhost", "elsewhere"),
    ],
)
def test_neighbours_in_numbers_or_under_a_public_suffix_are_strangers(mailbox: str, relay: str) -> None:
    assert registrable(mailbox) != registrable(relay)
    assert login(replace(BARE, host=relay), host=mailbox, password="box-pw") == (relay, "", "")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ssl0.ovh.net", "PRO1.mail.ovh.net."),
        ("imap.example.co.uk", "smtp.example.co.uk"),
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "LOCALHOST"),
    ],
)
def test_hosts_of_one_owner_are_recognised(one: str, other: str) -> None:
    assert registrable(one) == registrable(other)


# Port and encryption


@pytest.mark.parametrize(
    ("own", "port", "security"),
    [
        ({}, 465, Security.SSL),
        ({"smtp_security": "starttls"}, 587, Security.STARTTLS),
        ({"smtp_security": "none"}, 25, Security.NONE),
        ({"smtp_port": "587"}, 587, Security.STARTTLS),
        ({"smtp_port": "2525"}, 2525, Security.SSL),
        ({"smtp_port": "2525", "smtp_security": "none"}, 2525, Security.NONE),
        ({"smtp_host": "SMTP.host.example"}, 465, Security.SSL),
        ({"smtp_host": "relay.example"}, 465, Security.SSL),
        ({"smtp_host": "relay.example", "smtp_port": "587"}, 587, Security.STARTTLS),
        ({"smtp_host": "relay.example", "smtp_port": "465"}, 465, Security.SSL),
        ({"smtp_host": "relay.example", "smtp_port": "25"}, 25, Security.SSL),  # plain only if asked for
        ({"smtp_host": "relay.example", "smtp_security": "starttls"}, 587, Security.STARTTLS),
    ],
)
def test_port_and_encryption_fit_each_other(own: dict[str, str], port: int, security: Security) -> None:
    account = Accounts(COMMON).smtp(a_list(**own))
    assert (account.port, account.security) == (port, security)


def test_a_plain_common_account_makes_no_other_host_plain() -> None:
    local = replace(COMMON, host="localhost", port=25, security=Security.NONE)
    account = Accounts(local).smtp(a_list(smtp_host="relay.example"))
    assert (account.port, account.security) == (465, Security.SSL)
    assert Accounts(local).smtp(a_list()).port == 25


def test_how_to_send_is_common_to_all() -> None:
    common = replace(COMMON, max_recipients=7, connections=1, pipelining=False)
    account = Accounts(common).smtp(a_list(smtp_host="relay.example"))
    assert (account.max_recipients, account.connections, account.pipelining) == (7, 1, False)


# Quotas and sharing


@pytest.mark.parametrize(
    ("own", "per_hour", "per_day"),
    [
        ({}, 100, 500),
        ({"smtp_max_per_hour": "20"}, 20, 500),
        ({"smtp_host": "relay.example"}, 0, 0),
        ({"smtp_host": "relay.example", "smtp_max_per_day": "200"}, 0, 200),
    ],
)
def test_a_quota_belongs_to_its_account(own: dict[str, str], per_hour: int, per_day: int) -> None:
    account = Accounts(COMMON).smtp(a_list(**own))
    assert (account.max_per_hour, account.max_per_day) == (per_hour, per_day)


def _numbered(*lists: MailingList) -> list[MailingList]:
    return [replace(mlist, id=number) for number, mlist in enumerate(lists, 1)]


def test_lists_with_the_same_login_share_an_account_and_the_stricter_quota() -> None:
    lists = _numbered(
        a_list(smtp_max_per_hour="50"),
        a_list(smtp_host="relay.example"),
        a_list("bureau@amap.example", smtp_host="SMTP.host.example", smtp_max_per_hour="20"),
        a_list("autre@amap.example", smtp_max_per_day="9000"),
    )
    accounts = Accounts(COMMON)
    shared, alone = accounts.outgoing(lists)
    assert (shared.mlist_ids, alone.mlist_ids) == ((1, 3, 4), (2,))
    assert (shared.account.max_per_hour, shared.account.max_per_day) == (20, 500)
    assert accounts.shared_by(lists[2], lists) == shared
    assert accounts.shared_by(lists[1], lists) == alone


def test_a_limit_is_stricter_than_no_limit() -> None:
    lists = _numbered(a_list(smtp_host="r.example"), a_list(smtp_host="r.example", smtp_max_per_hour="5"))
    [shared] = Accounts(COMMON).outgoing(lists)
    assert shared.account.max_per_hour == 5


def test_lists_that_trust_a_server_in_different_ways_share_its_quota_and_no_connection() -> None:
    """Who verifies certificates is not served by a pin, and the other way round."""
    pins = {"smtp.host.example:465": "ab" * 32}
    pinned = replace(a_list(self_signed="yes", smtp_max_per_hour="20"), id=2, pins=pins)
    verified, trusted = Accounts(COMMON).outgoing([replace(a_list(), id=1), pinned, replace(pinned, id=3)])
    assert (verified.mlist_ids, trusted.mlist_ids) == ((1,), (2, 3))
    assert (verified.account.pin, trusted.account.pin) == (None, "ab" * 32)
    assert verified.account.key == trusted.account.key
    assert verified.account.max_per_hour == trusted.account.max_per_hour == 20
    assert Accounts(COMMON).shared_by(pinned, [pinned]).account.pin == "ab" * 32


def test_a_server_of_which_no_certificate_was_accepted_is_trusted_by_none() -> None:
    assert Accounts(COMMON).smtp(a_list(self_signed="yes")).pin == ""


def test_lists_that_log_in_with_their_own_mailbox_have_accounts_of_their_own() -> None:
    lists = _numbered(a_list(**MAILBOX), a_list("bureau@amap.example", **MAILBOX))
    assert [outgoing.mlist_ids for outgoing in Accounts(BARE).outgoing(lists)] == [(1,), (2,)]


def test_a_list_without_any_outgoing_server_sends_nothing() -> None:
    mlist = a_list()
    nowhere = Accounts(replace(BARE, host=""))
    assert nowhere.outgoing([mlist]) == []
    assert nowhere.shared_by(mlist, [mlist]).account.host == ""


def test_no_password_is_shown_in_a_repr() -> None:
    assert "common-pw" not in repr(Accounts(COMMON).outgoing([a_list()]))
