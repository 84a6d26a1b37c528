"""Addresses are compared in one normal form, and only what SMTP can carry is sent to."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.addresses import Address, domain_of, fold, is_deliverable, local_part_of, unique


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Anne.Martin@Example.ORG", "anne.martin@example.org"),
        ("  anne@example.org\n", "anne@example.org"),
        ("anne@EXÄMPLE.org", "anne@xn--exmple-cua.org"),
        ("anne@exa\u0308mple.org", "anne@xn--exmple-cua.org"),  # a and a combining mark
        ("anne@xn--exmple-cua.org", "anne@xn--exmple-cua.org"),
        ("ａｎｎｅ@example.org", "anne@example.org"),  # noqa: RUF001 - full width, for NFKC
        ("ÉLODIE@example.org", "élodie@example.org"),
        ("anne@" + "é" * 80 + ".org", "anne@" + "é" * 80 + ".org"),
        ("anne@é..org", "anne@é..org"),
        ("anne", "anne"),
        ("", ""),
    ],
)
def test_an_address_is_folded_for_comparing(written: str, folded: str) -> None:
    assert fold(written) == folded


@settings(max_examples=300)
@given(st.text(max_size=30).map(lambda text: f"a{text}@b{text}.org"))
@example("İ@İ.org")
@example("a@\u0345\u1e9b.org")
def test_folding_never_fails_and_folding_twice_changes_nothing(address: str) -> None:
    assert fold(fold(address)) == fold(address)


@pytest.mark.parametrize(
    "address",
    [
        "anne@example.org",
        "a+b@example.org",
        "o'brien@example.org",
        "é@example.org",
    ],
)
def test_an_ordinary_address_is_delivered_to(address: str) -> None:
    assert is_deliverable(address)


@pytest.mark.parametrize(
    "address",
    [
        "anne@nomail.org",
        "anne",
        "",
        "@example.org",
        "anne@",
        "a@b@example.org",
        "anne martin@example.org",
        "anne@example.org\r\nRCPT TO:<x@example.org>",
        "anne>@example.org",
        "anne@example.org,boris@example.org",
        '"anne"@example.org',
        "a" * 310 + "@example.org",
    ],
)
def test_placeholders_and_what_smtp_cannot_carry_are_not_delivered_to(address: str) -> None:
    assert not is_deliverable(address)


def test_an_address_has_two_parts() -> None:
    assert (local_part_of("a@b@c.org"), domain_of("a@b@c.org")) == ("a@b", "c.org")
    assert domain_of("nothing") == ""


def test_each_address_once_in_the_order_of_their_first_appearance() -> None:
    assert unique(Address(word) for word in ("b", "a", "b")) == ["b", "a"]
