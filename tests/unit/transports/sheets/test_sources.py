"""Sheets where people keep them: addresses, and a real HTTPS server."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from bot.core.errors import TransientError, UserError
from tests.support.certificates import certificates
from tests.support.patience import WAIT_S
from transports.sheets.sources import SheetReader, export_link

CONTENT = b"mail\r\nanne@example.org\r\n"
TABLE = [["mail"], ["anne@example.org"]]
Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


class Site:
    """An HTTPS server, and how it answers at each path."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append((self.path, dict(self.headers)))
                site.answers[self.path.partition("?")[0]](self)

            @override
            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        context = certificates().server_context()
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


def answering(status: int, content: bytes = b"", length: int | None = None, **headers: str) -> Answer:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content) if length is None else length))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def reader() -> SheetReader:
    return SheetReader(certificates().client_context(), limit_s=WAIT_S)


async def test_a_sheet_is_fetched_once(site: Site, reader: SheetReader) -> None:
    """The second time the server says that it is the same, by either of its marks, or its content does."""
    site.answers["/a.csv"] = answering(
        200, CONTENT, ETag='"1"', Last_Modified="Tue, 10 Mar 2026 08:00:00 GMT"
    )
    first = await reader.fetch(f"{site.url}/a.csv", {})
    assert first
    assert first.table == TABLE
    assert await reader.fetch(f"{site.url}/a.csv", first.seen) is None
    site.answers["/a.csv"] = answering(304)
    assert await reader.fetch(f"{site.url}/a.csv", first.seen) is None
    headers = site.asked[-1][1]
    assert (headers["If-None-Match"], headers["If-Modified-Since"]) == (
        '"1"',
        "Tue, 10 Mar 2026 08:00:00 GMT",
    )
    site.answers["/a.csv"] = answering(200, CONTENT + b"b@example.org\r\n")
    again = await reader.fetch(f"{site.url}/a.csv", first.seen)
    assert again
    assert len(again.table) == 3


async def test_redirects_are_followed_as_far_as_they_are_encrypted(site: Site, reader: SheetReader) -> None:
    site.answers["/old"] = answering(302, Location="/a.csv")
    site.answers["/a.csv"] = answering(200, CONTENT)
    site.answers["/plain"] = answering(302, Location="http://localhost/a.csv")
    site.answers["/file"] = answering(302, Location="file:///etc/passwd")
    port = site.url.rpartition(":")[2]
    site.answers["/neighbour"] = answering(302, Location=f"https://127.0.0.1:{port}/a.csv")
    site.answers["/metadata"] = answering(302, Location="https://169.254.169.254/latest")
    site.answers["/nowhere"] = answering(302, Location="https://nowhere.invalid/a.csv")
    fetched = await reader.fetch(f"{site.url}/old", {})
    assert fetched
    assert fetched.table == TABLE
    for path, sentence in (
        ("plain", "https://"),
        ("file", "no sheet at this link"),
        ("neighbour", "127.0.0.1, which is in a private network"),
        ("metadata", "169.254.169.254, which is in a private network"),
        ("nowhere", "cannot be reached"),
    ):
        with pytest.raises((UserError, TransientError), match=sentence):
            await reader.fetch(f"{site.url}/{path}", {})


@pytest.mark.parametrize(
    ("answer", "error", "sentence"),
    [
        (answering(404), UserError, "localhost has no sheet at this link"),
        (answering(403), UserError, "share it for everybody"),
        (answering(503), TransientError, "localhost answers with error 503"),
        (answering(200, b"mail\r\n", length=500), TransientError, "the connection failed"),
        (answering(200, b"", length=200_000_000), UserError, "200 MB"),
        (answering(200, b"<!doctype html>log in"), UserError, "a web page, perhaps to log in"),
        (answering(200, b"<div>log in", Content_Type="text/html; charset=utf-8"), UserError, "a web page"),
        (answering(302, Location="/s3cret"), UserError, "no sheet at this link"),
    ],
    ids=["gone", "private", "ill", "half", "huge", "login", "part of a page", "in circles"],
)
async def test_trouble_is_told_without_the_link(
    site: Site, reader: SheetReader, answer: Answer, error: type[Exception], sentence: str
) -> None:
    site.answers["/s3cret"] = answer
    with pytest.raises(error, match=sentence) as caught:
        await reader.fetch(f"{site.url}/s3cret?key=s3cret", {})
    assert "s3cret" not in str(caught.value)


async def test_a_server_that_drips_is_left_alone(site: Site) -> None:
    """No single wait for it is too long; all of them together are."""
    over = threading.Event()

    def drip(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.0 200 OK\r\nX-Long: ")
        while not over.wait(0.05):
            handler.wfile.write(b"a")

    site.answers["/a.csv"] = drip
    reader = SheetReader(certificates().client_context(), limit_s=0.2, silence_s=0.2)
    with pytest.raises(TransientError, match="does not answer in time"):
        await reader.fetch(f"{site.url}/a.csv", {})
    over.set()


async def test_nobody_there_and_nobody_trusted(site: Site, reader: SheetReader) -> None:
    with pytest.raises(TransientError, match="certificate cannot be trusted"):
        await SheetReader(limit_s=WAIT_S).fetch(f"{site.url}/a.csv", {})
    with pytest.raises(TransientError, match="the connection failed"):
        await reader.fetch("https://localhost:1/a.csv", {})
    with pytest.raises(UserError, match="https://"):
        await reader.fetch("http://localhost/a.csv", {})


async def test_files_are_read(reader: SheetReader, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(CONTENT)
    first = await reader.fetch(str(file), {})
    assert first
    assert first.table == TABLE
    assert await reader.fetch(str(file), first.seen) is None
    with pytest.raises(UserError, match="there is no such file"):
        await reader.fetch(str(tmp_path / "b.csv"), {})
    assert await reader.load(str(file)) == await reader.read(CONTENT)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (
            "https://docs.google.com/spreadsheets/d/1-aB/edit?usp=sharing#gid=7",
            "https://docs.google.com/spreadsheets/d/1-aB/export?format=csv&gid=7",
        ),
        (
            "https://docs.google.com/spreadsheets/d/1-aB/edit",
            "https://docs.google.com/spreadsheets/d/1-aB/export?format=csv",
        ),
        (
            "https://docs.google.com/spreadsheets/d/1-aB/export?format=xlsx",
            "https://docs.google.com/spreadsheets/d/1-aB/export?format=xlsx",
        ),
        (
            "https://docs.google.com/spreadsheets/u/1/d/1-aB/edit?gid=3#gid=3",
            "https://docs.google.com/spreadsheets/d/1-aB/export?format=csv&gid=3",
        ),
        (
            "https://docs.google.com/spreadsheets/d/e/2PACX-1v/pubhtml?gid=5&single=true",
            "https://docs.google.com/spreadsheets/d/e/2PACX-1v/pub?output=csv&gid=5",
        ),
        ("https://cloud.example.org/s/Ab12", "https://cloud.example.org/s/Ab12/download"),
        ("https://cloud.example.org/index.php/s/Ab12", "https://cloud.example.org/index.php/s/Ab12/download"),
        ("https://cloud.example.org/s/Ab12/download", "https://cloud.example.org/s/Ab12/download"),
        ("https://example.org/a.csv?x=1#y", "https://example.org/a.csv?x=1"),
    ],
)
def test_links_to_pages_become_links_to_sheets(given: str, wanted: str) -> None:
    assert export_link(given) == wanted
