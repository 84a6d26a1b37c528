"""Files as people have them: tables of every kind, and what only looks like one."""

from __future__ import annotations

import codecs
import io
import zipfile
from typing import Any

import openpyxl
import pytest

from bot.core.errors import UserError
from bot.core.rosters import ROWS_LIMIT, SIZE_LIMIT
from transports.sheets.tables import table_of

CELLS = [["Nom", "Courriel"], ["Hélène", "helene@example.org"]]
TEXT = "Nom;Courriel\r\nHélène;helene@example.org\r\n"


def workbook(rows: list[list[Any]], merged: str = "") -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if merged:
        book.active.merge_cells(merged)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def ods(rows: list[list[str]]) -> bytes:
    """The least that an OpenDocument sheet is."""
    cells = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>'
            for cell in row
        )
        + "</table:table-row>"
        for row in rows
    )
    spaces = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    sheet = f'<table:table table:name="a">{cells}</table:table>'
    body = f"<office:body><office:spreadsheet>{sheet}</office:spreadsheet></office:body>"
    content = f"<office:document-content{spaces}>{body}</office:document-content>"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        packed.writestr("content.xml", content)
        packed.writestr("META-INF/manifest.xml", "<manifest/>")
    return file.getvalue()


def document() -> bytes:
    """What a word processor makes: packed as a workbook is."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("word/document.xml", "<document/>")
    return file.getvalue()


def farthest() -> bytes:
    """5 kB with something in the last cell that there is."""
    book = openpyxl.Workbook()
    book.active["A1"] = "mail"
    book.active["XFD1048576"] = "x"
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_text_is_read_in_every_charset_and_with_every_separator(charset: str, separator: str) -> None:
    assert table_of(TEXT.replace(";", separator).encode(charset)) == CELLS


def test_quotes_and_line_ends_in_cells_are_kept() -> None:
    assert table_of(b'"a;b";"c\r\nd"\r\n1;2\r\n') == [["a;b", "c\r\nd"], ["1", "2"]]
    assert table_of(b"sep=;\r\na;b\r\n")[1] == ["a", "b"]
    assert table_of(b"anne@example.org\r\nb@example.org\r\n") == [["anne@example.org"], ["b@example.org"]]


def test_workbooks_are_read() -> None:
    assert table_of(workbook(CELLS)) == CELLS
    assert table_of(ods(CELLS)) == CELLS
    assert table_of(workbook([["n", "t"], [3, 0.5]])) == [["n", "t"], ["3", "0.5"]]


def test_the_sheet_with_the_people_is_found() -> None:
    """Behind notes of how to fill it in, and an empty one."""
    book = openpyxl.Workbook()
    book.active.append(["Lisez-moi"])
    book.create_sheet("vide")
    people = book.create_sheet("Adhérents")
    for row in CELLS:
        people.append(row)
    file = io.BytesIO()
    book.save(file)
    assert table_of(file.getvalue()) == CELLS


def test_empty_lines_of_a_whole_page_do_no_harm() -> None:
    assert table_of(TEXT.encode() + b";;;\r\n" * 1_000_000) == CELLS
    assert table_of(workbook([*CELLS, *[["", ""]] * 100])) == CELLS


def test_formulas_without_values_are_empty() -> None:
    table = table_of(workbook([["mail"], ['=CONCATENATE("a","@b.fr")']]))
    assert "@" not in str(table)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "This file is empty"),
        (b" \r\n", "This file is empty"),
        (b"%PDF-1.7 ...", "This is a PDF, not a sheet"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "This is a picture"),
        (b"\xff\xd8\xff\xe0JFIF", "This is a picture"),
        (b"<!DOCTYPE html><html>login</html>", "a web page"),
        (b"MZ\x90\0\3\0\0\0\4", "a file of another program"),
        (b"\xef\xbb\xbf<!-- a --><HTML>login</HTML>", "a web page"),
        (b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "x"><html/>', "a web page"),
        (b"PK\x03\x04broken", "a damaged file"),
        (document(), "a damaged file, or one of another program"),
        (farthest(), "This sheet is too large: 50000 lines"),
        (b"mail\n" + b"a@example.org\n" * ROWS_LIMIT, "This sheet is too large: 50000 lines"),
        (b"mail\n" + b"\n" * 10_000_000 + b"a@example.org", "This sheet is too large"),
        (codecs.BOM_UTF32_LE + "mail".encode("utf-32-le"), "a file of another program"),
        (b"\xd0\xcf\x11\xe0broken", "a damaged file"),
        (b"a" * (SIZE_LIMIT + 1), "at most 20 MB"),
        (workbook([]), "This sheet is empty"),
        (
            workbook([["mail"], ["a@example.org"], ["b@example.org"]], "A2:A3"),
            "A2:A3 of this sheet are merged",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_sheet_gets_a_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        table_of(content)


def test_merged_titles_do_no_harm() -> None:
    assert table_of(workbook([["Adhérents", ""], *CELLS], "A1:B1"))[2] == CELLS[1]


def test_a_workbook_that_unpacks_into_gigabytes_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", bytes(301_000_000))
    with pytest.raises(UserError, match="at most"):
        table_of(file.getvalue())
