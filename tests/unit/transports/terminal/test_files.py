"""Files from mails: harmless names, nothing overwritten, private."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transports.terminal.files import safe_name, save


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("carte des légumes.pdf", "carte des légumes.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("..\\boot.ini", "_boot.ini"),
        (".bashrc", "bashrc"),
        ("a\x1b[31m\n.txt", "a_[31m_.txt"),
        ("\u202efdp.exe", "_fdp.exe"),
        ("", "file"),
        ("...", "file"),
        ("x" * 300 + ".eml", "x" * 196 + ".eml"),
    ],
)
def test_name_is_made_harmless(name: str, expected: str) -> None:
    assert expected == safe_name(name)


@given(st.text())
def test_any_name_is_one_visible_file_in_the_folder(name: str) -> None:
    safe = safe_name(name)

    assert safe
    assert Path(safe).name == safe
    assert not safe.startswith(".")
    assert len(safe.encode()) <= 200


def test_file_is_private_and_complete(tmp_path: Path) -> None:
    path = save(tmp_path / "new" / "folder", "post.eml", b"\0raw\r\n")

    assert path == tmp_path / "new" / "folder" / "post.eml"
    assert path.read_bytes() == b"\0raw\r\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_nothing_is_overwritten_nor_followed(tmp_path: Path) -> None:
    (tmp_path / "post.eml").write_bytes(b"mine")
    (tmp_path / "post-2.eml").symlink_to(tmp_path / "elsewhere")

    path = save(tmp_path, "post.eml", b"new")

    assert path.name == "post-3.eml"
    assert (tmp_path / "post.eml").read_bytes() == b"mine"
    assert not (tmp_path / "elsewhere").exists()
