"""Fetching a sheet: from a file of this machine, or by HTTPS from wherever people keep it."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import ipaddress
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit, urlunsplit

from typing_extensions import override

from bot.core.errors import TransientError, UserError, why
from bot.core.rosters import SIZE_LIMIT, Fetched, Table, too_large
from bot.core.text import Text
from transports.sheets.tables import is_page, table_of
from transports.threads import start

_GOOGLE = re.compile(r"/spreadsheets(?:/u/\d+)?/d/(?P<id>[\w-]+)(?:/(?:edit|view|preview|htmlview)?)?")
_GOOGLE_PUBLISHED = re.compile(r"(?P<sheet>/spreadsheets(?:/u/\d+)?/d/e/[\w-]+)/pubhtml")
_GOOGLE_TAB = re.compile(r"gid=(\d+)")
_NEXTCLOUD = re.compile(r"(?:/index\.php)?/s/[A-Za-z0-9]+")
_AT_ONCE = 1 << 16
_LATE = Text("it does not answer in time")
_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_HEADERS = {"User-Agent": "facteur", "Accept": "text/csv, application/*, */*"}


class SheetReader:
    """The port `Sheets`."""

    def __init__(
        self, tls: ssl.SSLContext | None = None, limit_s: float = 60.0, silence_s: float = 30.0
    ) -> None:
        """`tls`: whom to trust, None = the system's authorities.

        `limit_s`: for all of one sheet; `silence_s`: how long a server may say nothing.
        """
        self._tls = tls
        self._limit_s = limit_s
        self._silence_s = silence_s

    async def read(self, content: bytes) -> Table:
        """As the port says."""
        return await asyncio.wrap_future(start(lambda: table_of(content)))

    async def load(self, path: str) -> Table:
        """As the port says."""
        return await asyncio.wrap_future(start(lambda: table_of(_file(path))))

    async def fetch(self, source: str, seen: Mapping[str, str]) -> Fetched | None:
        """As the port says."""
        try:
            async with asyncio.timeout(self._limit_s + self._silence_s):
                return await asyncio.wrap_future(start(lambda: self._fetched(source, seen)))
        except TimeoutError:  # a header that comes octet by octet: no single wait for it is too long
            raise _unreachable(urlsplit(source).hostname or "", _LATE) from None

    def _fetched(self, source: str, seen: Mapping[str, str]) -> Fetched | None:
        if "://" in source:
            found = self._downloaded(export_link(source), seen)
            if found is None:
                return None
            content, validators = found
        else:
            content, validators = _file(source), {}
        digest = hashlib.sha256(content).hexdigest()
        if digest == seen.get("sha256"):
            return None
        return Fetched(table_of(content), {**validators, "sha256": digest})

    def _downloaded(self, url: str, seen: Mapping[str, str]) -> tuple[bytes, dict[str, str]] | None:
        """The content and what names its version; None if the server says that it is the one seen."""
        host = urlsplit(url).hostname or ""
        request = urllib.request.Request(url, headers=dict(_HEADERS))  # noqa: S310 - see _require_https
        _require_https(url)
        for header, key in (("If-None-Match", "etag"), ("If-Modified-Since", "modified")):
            if seen.get(key):
                request.add_header(header, seen[key])
        context = self._tls or ssl.create_default_context()
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _Redirects(host))
        until = time.monotonic() + self._limit_s
        try:
            with opener.open(request, timeout=self._silence_s) as answer:
                headers = answer.headers
                content = _content(answer, until)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == http.HTTPStatus.NOT_MODIFIED:
                return None
            raise _refused(host, error.code) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _unreachable(host, _why(error)) from None
        called_page = headers.get_content_type() in _PAGES and content.lstrip().startswith(b"<")
        if called_page or is_page(content):
            raise _login(host)
        return content, {"etag": headers.get("ETag", ""), "modified": headers.get("Last-Modified", "")}


def export_link(url: str) -> str:
    """The address of the sheet itself, where people give that of the page around it."""
    parts = urlsplit(url)
    if parts.hostname == "docs.google.com":
        tab = _GOOGLE_TAB.search(f"{parts.query}#{parts.fragment}")
        gid = f"&gid={tab[1]}" if tab else ""
        if google := _GOOGLE.fullmatch(parts.path):
            path, query = f"/spreadsheets/d/{google['id']}/export", f"format=csv{gid}"
            return urlunsplit(parts._replace(path=path, query=query, fragment=""))
        if published := _GOOGLE_PUBLISHED.fullmatch(parts.path):
            path, query = f"{published['sheet']}/pub", f"output=csv{gid}"
            return urlunsplit(parts._replace(path=path, query=query, fragment=""))
    if _NEXTCLOUD.search(parts.path) and _NEXTCLOUD.split(parts.path)[-1] == "":
        return urlunsplit(parts._replace(path=f"{parts.path}/download", fragment=""))
    return urlunsplit(parts._replace(fragment=""))


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Whoever redirects cannot have us give up encryption, read files here, or ask this machine's neighbours.

    The server that an administrator named may be such a neighbour. Of another one that a name leads to
    only later, the certificate would have to be that name's.
    """

    def __init__(self, host: str) -> None:
        """`host`: the server that was named."""
        self._host = host

    @override
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        try:
            _require_https(newurl)
            host = urlsplit(newurl).hostname or ""
            if host != self._host:
                _require_public(host)
        except (UserError, OSError):
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _require_https(url: str) -> None:
    if urlsplit(url).scheme != "https":
        raise UserError(Text("A source is an https:// address, or the path of a file."))


def _require_public(host: str) -> None:
    """Raises UserError for a server of the local network, OSError for one that has no address."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    if not all(ipaddress.ip_address(address[0]).is_global for *_, address in found):
        raise UserError(Text("The link leads to {host}, which is in a private network.", host=host))


def _content(answer: http.client.HTTPResponse, until: float) -> bytes:
    """All of it; half a sheet is none. Raises OSError when time is up or the rest is missing."""
    length = answer.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > SIZE_LIMIT:
        raise too_large(int(length))
    content = bytearray()
    while chunk := answer.read1(_AT_ONCE):
        content += chunk
        if len(content) > SIZE_LIMIT:
            raise too_large(len(content))
        if time.monotonic() > until:
            raise TimeoutError
    if length.isdigit() and len(content) != int(length):
        raise ConnectionResetError
    return bytes(content)


def _unreachable(host: str, why: Text) -> TransientError:
    return TransientError(Text("{host} cannot be reached: {why}", host=host, why=why))


def _refused(host: str, code: int) -> UserError | TransientError:
    if code >= http.HTTPStatus.INTERNAL_SERVER_ERROR or code == http.HTTPStatus.TOO_MANY_REQUESTS:
        return TransientError(Text("{host} answers with error {code}", host=host, code=code))
    if code in {http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN}:
        return UserError(
            Text("{host} does not let us read the sheet: share it for everybody with the link", host=host)
        )
    return UserError(Text("{host} has no sheet at this link (error {code})", host=host, code=code))


def _login(host: str) -> UserError:
    return UserError(
        Text(
            "{host} answers with a web page, perhaps to log in: share the sheet for everybody with the link",
            host=host,
        )
    )


def _why(error: Exception) -> Text:
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLError):
        return Text("its certificate cannot be trusted")
    if isinstance(reason, TimeoutError):
        return _LATE
    return Text("the connection failed")


def _file(path: str) -> bytes:
    """A file that nobody is writing at the moment."""
    file = Path(path).expanduser()
    try:
        before = file.stat()
        if before.st_size > SIZE_LIMIT:
            raise too_large(before.st_size)
        content = file.read_bytes()
        after = file.stat()
    except OSError as error:
        raise UserError(Text("The file {path} cannot be read: {why}.", path=path, why=why(error))) from None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise TransientError(Text("the file {path} is being written just now", path=path))
    return content
