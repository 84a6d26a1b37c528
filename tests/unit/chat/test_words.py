from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.words import Missing, Words, typed
from bot.core.errors import UserError


@pytest.mark.parametrize(
    ("line", "name", "rest"),
    [
        ("/lists", "lists", ""),
        ("!lists", "lists", ""),
        ("  /Reject 12 non", "reject", "12 non"),
        ("/lists@facteur_bot", "lists", ""),
        ("/reject@facteur_bot 12 a\nb", "reject", "12 a\nb"),
    ],
)
def test_a_command_is_recognised_in_every_network_s_spelling(line: str, name: str, rest: str) -> None:
    spoken = typed(line)
    assert spoken
    assert (name, rest) == (spoken.name, spoken.rest)


@pytest.mark.parametrize("line", ["", "hello", "/", "!", "!!!", "/path/to", "/" + "x" * 33, "1", "/é"])
def test_other_words_are_not_for_the_bot(line: str) -> None:
    assert typed(line) is None


def test_quotes_keep_blanks_together_and_apostrophes_are_letters() -> None:
    words = Words('adherents prefix="[AMAP du jeudi]" description=l\'amap "two words" “three more words”')
    assert words.next("LIST") == "adherents"
    assert words.next("X") == "prefix=[AMAP du jeudi]"
    assert words.next("X") == "description=l'amap"
    assert words.next("X") == "two words"
    assert words.next("X") == "three more words"
    assert not words


def test_the_rest_is_what_was_typed() -> None:
    words = Words('12  ce n\'est pas   "ici",\nmerci a=b')
    words.next("ID")
    assert words.rest("REASON") == 'ce n\'est pas   "ici",\nmerci a=b'


def test_options_are_set_aside_wherever_they_stand() -> None:
    words = Words("after=7 adherents vieux confirm=yes poireaux", ["after", "confirm"])
    assert words.options == {"after": "7", "confirm": "yes"}
    assert words.next("LIST") == "adherents"
    assert words.rest("WORDS") == "vieux  poireaux"


def test_pairs_keep_odd_passwords() -> None:
    typed_pairs = r'password=a\b"c= username="x \"y\" \\" prefix='
    assert {"password": r'a\b"c=', "username": r'x "y" \ '.strip(), "prefix": ""} == Words(typed_pairs).pairs(
        ""
    )


@pytest.mark.parametrize("line", ["moderation", "moderation = all", 'description="never closed'])
def test_what_is_no_pair_is_refused(line: str) -> None:
    with pytest.raises(UserError):
        Words(line).pairs("key=value")


def test_the_end_is_missing_something() -> None:
    with pytest.raises(Missing, match="LIST"):
        Words("  ").next("LIST")


@given(st.text())
def test_no_line_breaks_the_parser(line: str) -> None:
    words = Words(line, ["after"])
    while words:
        words.next("X")


@given(
    st.dictionaries(st.from_regex(r"[a-z_]{1,10}", fullmatch=True).filter(lambda k: k[0] != "_"), st.text())
)
def test_quoted_pairs_come_back_whole(pairs: dict[str, str]) -> None:
    quoted = {key: value.replace("\\", "\\\\").replace('"', '\\"') for key, value in pairs.items()}
    line = " ".join(f'{key}="{value}"' for key, value in quoted.items())
    if pairs:
        assert pairs == Words(line).pairs("key=value")
