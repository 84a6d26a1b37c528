"""Keys: made once, private, and several of them while they are being changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.core.errors import UserError
from storage.secrets import FernetBox, box_from_file

SECRET = "pâté en croûte"  # a password, with accents


def test_a_key_file_is_made_once_and_private(tmp_path: Path) -> None:
    """Nobody else can read it, and the second start finds the same key."""
    path = tmp_path / "keys"

    sealed = box_from_file(path).seal(SECRET)

    assert path.stat().st_mode & 0o777 == 0o600
    assert box_from_file(path).unseal(sealed) == SECRET
    assert [path] == list(tmp_path.iterdir())


def test_starting_twice_at_once_makes_one_key(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    with ThreadPoolExecutor(8) as pool:
        boxes = list(pool.map(lambda _: box_from_file(path), range(8)))

    sealed = [box.seal(SECRET) for box in boxes]

    assert {SECRET} == {box.unseal(token) for box in boxes for token in sealed}


def test_the_newest_key_seals_and_all_unseal() -> None:
    """So keys can be changed without losing a password."""
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    sealed_before = FernetBox(old, "old").seal(SECRET)
    both = FernetBox(f"{new}\n{old}\n", "both")

    assert both.unseal(sealed_before) == SECRET
    assert FernetBox(new, "new").unseal(both.seal(SECRET)) == SECRET


def test_a_wrong_key_is_a_value_error_without_the_secret() -> None:
    """As settings expect it; nothing of the token is told."""
    token = FernetBox(Fernet.generate_key().decode(), "one").seal(SECRET)

    with pytest.raises(ValueError, match=r"^sealed with another key$"):
        FernetBox(Fernet.generate_key().decode(), "another").unseal(token)


@pytest.mark.parametrize("keys", ["", "\n", "short", "x" * 44, "é" * 44])
def test_what_is_no_key_is_told_with_its_origin(keys: str) -> None:
    with pytest.raises(UserError, match="FACTEUR_SECRET_KEY holds no usable key") as refusal:
        FernetBox(keys, "FACTEUR_SECRET_KEY")

    assert not keys.strip() or keys not in str(refusal.value)


def test_a_file_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere/keys cannot be used: there is no such file"):
        box_from_file(tmp_path / "nowhere" / "keys")
