"""Sheets of people by chat command: looked at first, then done, handed out again."""

from __future__ import annotations

import csv
import io
import os
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.addresses import Mailbox, fold
from bot.core.chat import Place, Sent, Utterance
from bot.core.errors import TransientError
from bot.core.people import Actor
from bot.core.text import Text
from tests.support.office import ANNE, PAUL, STRANGER, Office, buttons_of, sent, text_of
from tests.support.stores import SQLITE

SHEET = """\
nom;prénom;courriel
Roy;Jean;jean@example.org
Petit;Zoé;zoe@example.org, z@example.net
;;pas une adresse
Martin;Anne;anne@example.org
"""


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    file = tmp_path / "people.csv"
    file.write_text(SHEET, encoding="cp1252")
    return file


def write(sheet: Path, *lines: str) -> None:
    sheet.write_text("\n".join(lines), encoding="utf-8")


async def rows(office: Office, line: str) -> list[dict[str, Any]]:
    done = await office.do(line)
    assert done.ok, done.text
    return [dict(row) for row in done.rows]


async def members(office: Office, target: str = "adherents") -> list[tuple[str, list[str]]]:
    return [(row["name"], list(row["addresses"])) for row in await rows(office, f"/members {target}")]


async def test_a_preview_changes_nothing_and_its_confirmation_all_of_it(office: Office, sheet: Path) -> None:
    await office.do("/addmember adherents Old <old@example.org>")

    preview = await rows(office, f"/import adherents {sheet}")

    assert [(row["line"], row["address"], row["name"], row["change"]) for row in preview] == [
        (2, "jean@example.org", "Jean Roy", "kept"),
        (3, "zoe@example.org", "Zoé Petit", "added"),
        (4, "pas une adresse", "", "refused"),
        (5, "anne@example.org", "Anne Martin", "added"),
        (None, "old@example.org", "Old", "removed"),
    ]
    assert len(await members(office)) == 2
    shown = (await office.do(f"/import adherents {sheet}")).text
    assert "2 added, 1 removed, 1 kept, 1 refused" in shown
    assert "line 4: pas une adresse" in shown
    assert await rows(office, f"/import adherents {sheet} confirm=yes") == preview
    assert await members(office) == [
        ("Anne Martin", ["anne@example.org"]),
        ("Jean Roy", ["jean@example.org"]),
        ("Zoé Petit", ["zoe@example.org", "z@example.net"]),
    ]
    assert "is as the sheet says" in (await office.do(f"/import adherents {sheet}")).text


async def test_others_may_stay(office: Office, sheet: Path) -> None:
    await office.do("/addmember adherents Old <old@example.org>")
    await office.do(f"/import adherents {sheet} confirm=yes remove=no")
    assert len(await members(office)) == 4


async def test_names_and_addresses_change_but_people_are_never_mixed_up(office: Office, sheet: Path) -> None:
    await office.do("/addmember adherents Zoé <zoe@example.org>")
    write(
        sheet,
        "nom,mail",
        "Jean R,jean@example.org;j@example.org",
        "Both,jean@example.org zoe@example.org",
        "Z,zoe@example.org",
        "Z,ZOE@example.org",
        "Y,j@example.org y@example.org",
    )
    preview = await rows(office, f"/import adherents {sheet}")
    assert [(row["line"], row["change"]) for row in preview] == [
        (2, "changed"),
        (3, "refused"),
        (4, "changed"),
        (5, "kept"),
        (6, "refused"),
    ]
    assert "shares an address with line 2" in preview[1]["reason"]
    assert "as in line 4" in preview[3]["reason"]
    await office.do(f"/import adherents {sheet} confirm=yes")
    assert await members(office) == [
        ("Jean R", ["jean@example.org", "j@example.org"]),
        ("Z", ["zoe@example.org"]),
    ]
    write(sheet, "nom,mail", "Both,jean@example.org zoe@example.org")
    (row,) = await rows(office, f"/import adherents {sheet}")
    assert row["change"] == "refused"
    assert "Jean R <jean@example.org>, Z <zoe@example.org>" in row["reason"]


@pytest.mark.parametrize("target", ["adherents", "@legumes"])
async def test_an_export_imported_again_changes_nothing(office: Office, tmp_path: Path, target: str) -> None:
    """Names that a program would compute, households, people by groups: all come back as they were."""
    await office.do("/addgroup legumes")
    await office.do("/addmember @legumes =1+1 <formula@example.org>")
    await office.do("/addmember @legumes Zoé Petit <zoe@example.org>")
    await office.do("/addaddress zoe@example.org z@nomail.org")
    await office.do("/addmember adherents @legumes")
    before = await members(office, target)
    (file,) = (await office.do(f"/export {target}")).files
    assert b"'=1+1" in file.content
    exported = tmp_path / file.name
    write(exported, file.content.decode("utf-8-sig"))

    assert {row["change"] for row in await rows(office, f"/import {target} {exported}")} == {"kept"}

    await office.do(f"/import {target} {exported} confirm=yes")
    assert await members(office, target) == before


_numbers = count(1)
_odd = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=12)
_spoilt = st.text(st.sampled_from("=+-@',;\"|éA \t"), max_size=8)
_names = st.builds(lambda name: " ".join(name.split()), _odd | _spoilt).filter(str.isprintable)
_locals = st.text(st.sampled_from("=+-a.'!|"), min_size=1, max_size=6).filter(
    lambda local: not (set(local) <= {"."} or ".." in local or local[0] in ".'" or local[-1] == ".")
)


@SQLITE
@settings(max_examples=25)
@given(people=st.lists(st.tuples(_names, st.lists(_locals, min_size=1, max_size=4)), min_size=1, max_size=6))
async def test_whoever_is_exported_can_be_imported(
    office: Office, tmp_path: Path, people: list[tuple[str, list[str]]]
) -> None:
    """Whatever they are called, and no program that opens the sheet computes anything."""
    number, stores = next(_numbers), office.desk.stores
    group = await stores.groups.add(f"group-{number}", "")
    for place, (name, local_parts) in enumerate(people):
        first, *further = (fold(f"{local}@{n}.{place}.{number}.fr") for n, local in enumerate(local_parts))
        person, _ = await stores.groups.join(group, Mailbox(name, first))
        for address in further:
            await stores.people.add_address(person.id, address)
    before = await members(office, group.written)
    (file,) = (await office.do(f"/export {group.written}")).files
    cells = [
        cell
        for row in csv.reader(io.StringIO(file.content.decode("utf-8-sig")), delimiter=";")
        for cell in row
    ]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))] == []
    exported = tmp_path / "export.csv"
    exported.write_bytes(file.content)

    preview = await rows(office, f"/import {group.written} {exported}")

    assert [row for row in preview if row["change"] != "kept"] == []
    another = await stores.groups.add(f"copy-{number}", "")
    await office.do(f"/import {another.written} {exported} confirm=yes")
    assert await members(office, another.written) == before


async def test_a_sheet_comes_along_in_a_room(office: Office) -> None:
    """The button confirms what was shown; the sheet is kept until then, and no path is read."""
    place = Place("telegram", "-1", private=True)
    file = sent("a.csv", SHEET.encode())
    answer = await office.dispatcher.said(Utterance(PAUL, place, "/import adherents", (file,)))
    assert answer
    assert "2 added" in text_of(answer.screens[0])
    (data,) = buttons_of(answer.screens[0])

    await office.press(data, PAUL)

    assert len(await members(office)) == 3
    assert "no longer here" in (await office.do(data)).text
    assert "send the sheet" in (await office.do("/import adherents /etc/passwd", PAUL)).text
    assert "write its path" in (await office.do("/import adherents", ANNE)).text


async def test_a_group_takes_the_lines_that_name_it(office: Office, sheet: Path) -> None:
    await office.do("/addgroup legumes")
    write(sheet, "mail;groupe", "a@example.org;Légumes", "b@example.org;pain")
    await office.do(f"/import @legumes {sheet} confirm=yes")
    assert await members(office, "@legumes") == [("", ["a@example.org"])]


async def test_a_sheet_that_nobody_confirms_is_not_kept(office: Office) -> None:
    """It names people: after a day the next one sent takes it away."""
    place, folder = Place("telegram", "-1", private=True), office.desk.installation.imports
    for content in (SHEET, SHEET + "Neuve;Eve;eve@example.org\n"):
        file = sent("a.csv", content.encode())
        await office.dispatcher.said(Utterance(PAUL, place, "/import adherents", (file,)))
        (kept,) = folder.iterdir()
        os.utime(kept, (0, 0))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"%PDF-1.7", "C'est un PDF, pas un tableau"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "C'est une image, pas un tableau"),
        (b"<!doctype html><html>Connexion</html>", "C'est une page web, pas un tableau"),
        (b"", "Ce fichier est vide"),
        (b"a" * 20_000_001, "Ce fichier fait 20 Mo"),
        (b"mail;nom\n=A1&B1;Anne\n", "enregistrez le tableau avec leurs valeurs"),
        (b"mail;nom\ncourriel;nom\na@example.org;Anne\n", "Les lignes 1, 2"),
        ("mail;nom\nrien;Anne\n".encode("utf-16"), "Aucune ligne de ce tableau"),
        (b"mail\n" + b"a@example.org\n" * 50_010, "Ce tableau est trop grand"),
    ],
    ids=["pdf", "picture", "page", "empty", "large", "formulas", "two headings", "utf-16", "long"],
)
async def test_a_wrong_file_gets_a_sentence_and_changes_nothing(
    office: Office, content: bytes, sentence: str
) -> None:
    place = Place("telegram", "-1", private=True)
    await office.say("/language fr", PAUL, place)
    file = sent("adherents.csv", content)

    answer = await office.dispatcher.said(Utterance(PAUL, place, "/import adherents", (file,)))

    assert answer
    assert sentence in text_of(answer.screens[0])
    assert buttons_of(answer.screens[0]) == []
    assert len(await members(office)) == 1
    assert not office.desk.installation.imports.exists()


def unfetched(size_octets: int = 100) -> Sent:
    """One that cannot be had."""

    async def fetch() -> bytes:
        raise TransientError(Text("the connection broke"))

    return Sent("a.csv", size_octets, fetch)


@pytest.mark.parametrize(
    ("speaker", "file", "sentence"),
    [
        (STRANGER, unfetched(), "/import is for"),
        (PAUL, unfetched(200_000_000), "This file has 200 MB"),
        (PAUL, unfetched(), "a.csv could not be fetched: the connection broke"),
    ],
    ids=["stranger", "large", "broken"],
)
async def test_a_file_is_fetched_for_those_who_may_use_it(
    office: Office, speaker: Actor, file: Sent, sentence: str
) -> None:
    """Rights are asked first, then its size; what cannot be had is the command's answer."""
    place = Place("telegram", "-1", private=True)
    answer = await office.dispatcher.said(Utterance(speaker, place, "/import adherents", (file,)))
    assert answer
    assert sentence in text_of(answer.screens[0])


async def test_a_file_without_words_answers_only_a_question_that_takes_one(office: Office) -> None:
    """A picture that is sent meanwhile is no password."""
    place = Place("telegram", "-1", private=True)
    said = office.dispatcher.said
    assert await said(Utterance(PAUL, place, "", (unfetched(),))) is None
    await said(Utterance(PAUL, place, "/addlist"))
    assert await said(Utterance(PAUL, place, "", (unfetched(),))) is None
    assert await said(Utterance(PAUL, place, "x"))
