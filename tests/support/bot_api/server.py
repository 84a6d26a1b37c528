"""The Bot API over HTTP, on 127.0.0.1: tokens, forms and uploads, answers, and breakdowns.

Rules: core.telegram.org/bots/api#making-requests (ways to pass parameters, form of an answer) and
ClientManager.cpp of tdlib/telegram-bot-api (404 for what is no token and for no method, 401 for a token of
nobody).
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, web

from tests.support.bot_api import methods
from tests.support.bot_api.calls import METHODS, Call
from tests.support.bot_api.messages import Stored
from tests.support.bot_api.network import Network, Request
from tests.support.bot_api.refusals import Refusal, bad_request

__all__ = ["BotApi", "methods"]

_TOKEN = re.compile(r"\d{1,16}:[\w-]{10,80}")
BODY_LIMIT_OCTETS = 52 * 1024 * 1024
"""core.telegram.org/bots/api#sending-files: 50 MB, and the form around it."""


class BotApi(Network):
    """A pretended Telegram that listens while inside ``async with api.listening():``."""

    host = "127.0.0.1"
    port = 0
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """What `[telegram] base_url` holds: no path."""
        return f"http://{self.host}:{self.port}"

    @property
    def base_url(self) -> str:
        """For ``telegram.Bot(token, base_url=..., base_file_url=...)``."""
        return f"{self.url}/bot"

    @property
    def base_file_url(self) -> str:
        return f"{self.url}/file/bot"

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[BotApi]:
        """Accept connections; at the end all that are open are dropped."""
        await self.comes_back()
        try:
            yield self
        finally:
            self.troubles.clear()
            await self.goes_offline()

    async def goes_offline(self) -> None:
        """Drop every connection and refuse new ones; chats, people and updates stay."""
        runner, self._runner = self._runner, None
        self.updates.end_poll()
        if runner is not None:
            for connection in getattr(runner.server, "connections", []):
                if connection.transport is not None:
                    connection.transport.abort()
            await runner.cleanup()
        self.changed()

    async def comes_back(self) -> None:
        """Listen, on the same port as before."""
        app = web.Application(client_max_size=BODY_LIMIT_OCTETS)
        app.router.add_route("*", "/bot{token}/{method}", self._serve)
        app.router.add_get("/file/bot{token}/{kind}/{file_id}", self._serve_file)
        app.router.add_route("*", "/{anything:.*}", self._serve_nothing)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, self.host, self.port, reuse_address=True).start()
        self.port = runner.addresses[0][1]
        self._runner = runner
        self.changed()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        try:
            self._check_token(request.match_info["token"], name)
            call = await _read(self, request, name)
        except Refusal as refusal:
            self.requests.append(Request(name, {}, self.now(), {}, refusal.code, refusal.description))
            self.changed()
            return _refused(refusal)
        return await self._answer(request, call)

    async def _answer(self, request: web.Request, call: Call) -> web.StreamResponse:
        """Do it, with whatever trouble is planned for it."""
        chat_id = call.number("chat_id")
        trouble = self.troubles.meets(call.method.lower(), chat_id)
        asked = Request(call.method, call.parameters, self.now(), call.uploads)
        place = len(self.requests)
        self.requests.append(asked)
        self.changed()
        if trouble.when == "before":
            await trouble.hold()
        if trouble.cut and trouble.when == "before":
            self.requests[place] = replace(asked, status=0, refusal="cut before")
            return _cut(request)
        try:
            if trouble.refusal is not None:
                raise trouble.refusal
            result = await METHODS[call.method.lower()](call)
        except Refusal as refusal:
            self.requests[place] = replace(asked, status=refusal.code, refusal=refusal.description)
            self.changed()
            return _refused(refusal)
        self.changed()
        if trouble.when == "after":
            await trouble.hold()
        if trouble.cut:
            self.requests[place] = replace(asked, status=0, refusal="cut after")
            return _cut(request)
        return web.json_response({"ok": True, "result": result})

    async def _serve_file(self, request: web.Request) -> web.StreamResponse:
        try:
            self._check_token(request.match_info["token"])
        except Refusal as refusal:
            return _refused(refusal)
        file = self.files.get(request.match_info["file_id"])
        if file is None:
            return _refused(Refusal(404, "Not Found"))
        return web.Response(body=file.content, content_type="application/octet-stream")

    async def _serve_nothing(self, request: web.Request) -> web.StreamResponse:
        return _refused(Refusal(404, "Not Found"))

    def _check_token(self, token: str, method: str = "getMe") -> None:
        if not _TOKEN.fullmatch(token) or method.lower() not in METHODS:
            raise Refusal(404, "Not Found")
        if token != self.token:
            raise Refusal(401, "Unauthorized")


async def _read(api: BotApi, request: web.Request, name: str) -> Call:
    """The parameters in each of the ways that the documentation allows.

    Raises:
        Refusal: 400, a string that is not UTF-8; 413, more than may be uploaded.
    """
    call = Call(api, name, {})
    _take_form(call, request.rel_url.raw_query_string)
    try:
        if request.content_type == "application/json":
            given = json.loads(await request.read() or b"{}")
            call.parameters |= {
                key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()
            }
        elif request.content_type == "multipart/form-data":
            async for part in await request.multipart():
                await _take_part(call, part)
        else:
            _take_form(call, (await request.read()).decode("latin-1"))
    except web.HTTPRequestEntityTooLarge:
        raise Refusal(413, "Request Entity Too Large") from None
    except UnicodeDecodeError:
        raise bad_request("strings must be encoded in UTF-8") from None
    for value in call.parameters.values():
        _check_utf8(value)
    return call


def _check_utf8(value: str) -> None:
    """ClientManager.cpp and `fix_formatted_text`: half a surrogate pair is no text."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise bad_request("strings must be encoded in UTF-8") from None


def _take_form(call: Call, form: str) -> None:
    call.parameters |= parse_qsl(form, keep_blank_values=True, errors="surrogateescape")


async def _take_part(call: Call, part: Any) -> None:
    assert isinstance(part, BodyPartReader)
    content = bytes(await part.read(decode=True))
    name = part.name or ""
    if part.filename is None:
        call.parameters[name] = content.decode()
        return
    if len(content) > BODY_LIMIT_OCTETS:
        raise Refusal(413, "Request Entity Too Large")
    kind = part.headers.get("Content-Type", "application/octet-stream")
    call.uploads[name] = Stored("", "", part.filename, kind, content)


def _refused(refusal: Refusal) -> web.Response:
    """core.telegram.org/bots/api#making-requests: `ok`, `error_code`, `description`, perhaps `parameters`."""
    answer: dict[str, Any] = {
        "ok": False,
        "error_code": refusal.code,
        "description": refusal.description,
    }
    if refusal.parameters:
        answer["parameters"] = refusal.parameters
    headers = {"Retry-After": str(refusal.parameters["retry_after"])} if refusal.code == 429 else {}
    return web.json_response(answer, status=refusal.code, headers=headers)


def _cut(request: web.Request) -> web.Response:
    """The connection is gone; what is returned reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
