"""Fetching a sheet: from a file of this machine, or by HTTPS from wherever people keep it."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import re
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

from bot.core.errors import TransientError, UserError
from bot.core.rosters import Fetched, Table
from bot.core.text import Text
from transports.sheets.tables import SIZE_LIMIT, table_of, too_large
from transports.threads import start

_GOOGLE = re.compile(r"/spreadsheets/d/(?P<id>[\w-]+)(?:/(?:edit|view|htmlview)?)?")
_GOOGLE_TAB = re.compile(r"gid=(\d+)")
_NEXTCLOUD = re.compile(r"(?:/index\.php)?/s/[A-Za-z0-9]+")
_AT_ONCE = 1 << 16
_HEADERS = {"User-Agent": "facteur", "Accept": "text/csv, application/*, */*"}


class SheetReader:
    """The port `Sheets`."""

    def __init__(self, tls: ssl.SSLContext | None = None, limit_s: float = 60.0) -> None:
        """`tls`: whom to trust, None = the system's authorities; `limit_s`: for all of one sheet."""
        self._tls = tls
        self._limit_s = limit_s

    async def read(self, name: str, content: bytes) -> Table:  # noqa: ARG002 - content tells more than names
        """As the port says."""
        return await asyncio.wrap_future(start(lambda: table_of(content)))

    async def load(self, path: str) -> Table:
        """As the port says."""
        return await asyncio.wrap_future(start(lambda: table_of(_file(path))))

    async def fetch(self, source: str, seen: Mapping[str, str]) -> Fetched | None:
        """As the port says."""
        return await asyncio.wrap_future(start(lambda: self._fetched(source, seen)))

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
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _OnlyHttps())
        until = time.monotonic() + self._limit_s
        try:
            with opener.open(request, timeout=min(self._limit_s, 30.0)) as answer:
                content = _content(answer, until)
                headers = answer.headers
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == http.HTTPStatus.NOT_MODIFIED:
                return None
            raise _refused(host, error.code) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise TransientError(
                Text("{host} cannot be reached: {why}", host=host, why=_why(error))
            ) from None
        return content, {"etag": headers.get("ETag", ""), "modified": headers.get("Last-Modified", "")}


def export_link(url: str) -> str:
    """The address of the sheet itself, where people give that of the page around it."""
    parts = urlsplit(url)
    google = _GOOGLE.fullmatch(parts.path)
    if parts.hostname == "docs.google.com" and google:
        tab = _GOOGLE_TAB.search(f"{parts.query}#{parts.fragment}")
        query = f"format=csv&gid={tab[1]}" if tab else "format=csv"
        return urlunsplit(
            parts._replace(path=f"/spreadsheets/d/{google['id']}/export", query=query, fragment="")
        )
    if _NEXTCLOUD.search(parts.path) and _NEXTCLOUD.split(parts.path)[-1] == "":
        return urlunsplit(parts._replace(path=f"{parts.path}/download", fragment=""))
    return urlunsplit(parts._replace(fragment=""))


class _OnlyHttps(urllib.request.HTTPRedirectHandler):
    """Whoever redirects cannot make us give up encryption, nor read files of this machine."""

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
        except UserError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _require_https(url: str) -> None:
    if urlsplit(url).scheme != "https":
        raise UserError(Text("A source is an https:// address, or the path of a file."))


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


def _refused(host: str, code: int) -> UserError | TransientError:
    if code >= http.HTTPStatus.INTERNAL_SERVER_ERROR or code == http.HTTPStatus.TOO_MANY_REQUESTS:
        return TransientError(Text("{host} answers with error {code}", host=host, code=code))
    if code in {http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN}:
        return UserError(
            Text("{host} does not let us read the sheet: share it for everybody with the link", host=host)
        )
    return UserError(Text("{host} has no sheet at this link (error {code})", host=host, code=code))


def _why(error: Exception) -> Text:
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLError):
        return Text("its certificate cannot be trusted")
    if isinstance(reason, TimeoutError):
        return Text("it does not answer in time")
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
        raise UserError(
            Text("The file {path} cannot be read: {why}.", path=path, why=error.strerror or "")
        ) from None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise TransientError(Text("the file {path} is being written just now", path=path))
    return content
