"""Patterns of authors who are not heard."""

from __future__ import annotations

import pytest

from bot.core.addresses import fold
from bot.core.errors import UserError
from bot.flow.bans import lone, matches, names_many, normal_form


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Anne@Example.ORG", "anne@example.org"),
        (" anne@example.org ", "anne@example.org"),
        ("*@Example.org", "*@example.org"),
        ("*@exämple.org", "*@xn--exmple-cua.org"),
        ("/Spam[0-9]+/", "/Spam[0-9]+/"),
        ("/a/b/", "/a/b/"),
    ],
)
def test_a_pattern_is_stored_in_one_form(typed: str, stored: str) -> None:
    assert normal_form(typed) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "", "*", "*@", "@example.org", "anne@", "anne", "example.org", "a@b@c.org", "*a@example.org",
        "an*e@example.org", "*@*.example.org", "an ne@example.org", "<anne@example.org>", "/", "//",
        "\uff0fanne@example.org\uff0f",
    ],
)  # fmt: skip
def test_what_means_nothing_is_refused_with_what_to_give(typed: str) -> None:
    with pytest.raises(UserError, match="give an address"):
        normal_form(typed)


@pytest.mark.parametrize("typed", ["/[/", "/(/", r"/(a)\1/", "/(?=a)/"])
def test_an_expression_that_cannot_be_used_is_refused(typed: str) -> None:
    with pytest.raises(UserError, match="regular expression"):
        normal_form(typed)


@pytest.mark.parametrize(
    ("pattern", "address", "matched"),
    [
        ("anne@example.org", "Anne@example.org", True),
        ("anne@example.org", "xanne@example.org", False),
        ("*@example.org", "anne@EXAMPLE.org", True),
        ("*@example.org", "anne@sub.example.org", False),
        ("*@example.org", "anne@badexample.org", False),
        ("*@exämple.org", "anne@xn--exmple-cua.org", True),
        ("/SPAM/", "no-spam@example.org", True),
        ("/^spam@/", "no-spam@example.org", False),
    ],
)
def test_whom_a_pattern_concerns(pattern: str, address: str, matched: bool) -> None:
    assert matches(normal_form(pattern), fold(address)) is matched


def test_no_expression_takes_for_ever() -> None:
    assert not matches(normal_form("/^(a+)+$/"), fold("a" * 100_000 + "!"))


@pytest.mark.parametrize(
    "typed", ["*@example.org", "\uff0a@example.org", " *@example.org", "/@example/", " /.*/"]
)
def test_what_a_pattern_concerns_is_told_from_its_stored_form(typed: str) -> None:
    assert names_many(normal_form(typed))
    assert not names_many(normal_form("/g=anne/s=martin/@example.org"))


def test_an_address_that_begins_like_an_expression_is_an_address() -> None:
    x400 = "/g=anne/s=martin/@example.org"
    assert matches(normal_form(x400), fold(x400))
    assert not matches(normal_form(x400), fold("anne@example.org"))


@pytest.mark.parametrize("written", ["/example.org$|x@x/", "*@example.org", "\uff0a@example.org", "nobody"])
def test_an_author_s_address_is_never_a_pattern_of_others(written: str) -> None:
    """Whoever writes a mail chooses what stands in its From."""
    with pytest.raises(UserError, match="not a plain address"):
        lone(fold(written))


def test_a_stored_expression_that_cannot_be_read_concerns_nobody() -> None:
    """One bad row must not keep every post from being judged."""
    assert not matches("/(/", fold("anne@example.org"))
