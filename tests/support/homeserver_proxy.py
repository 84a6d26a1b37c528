"""A homeserver with a fault: everything goes through to the real one, but for what a test spoils."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

_PASSED_ON = ("Authorization", "Content-Type")


@dataclass
class HomeserverProxy:
    """Listens while inside ``async with faulty(synapse.url) as proxy:``.

    Attributes:
        behind: the real one.
        freezes: syncs from the position asked for next bring nothing any more, at once and for ever.
        silent: requests are taken and not answered.
        hides: events of these types are told to nobody.
        dates: when the message with these words is said to have been written, in milliseconds.
    """

    behind: str
    url: str = ""
    freezes: bool = False
    silent: bool = False
    hides: frozenset[str] = frozenset()
    dates: dict[str, int] = field(default_factory=dict)
    stuck_at: str = ""
    stuck: asyncio.Event = field(default_factory=asyncio.Event)
    _ends: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if self.silent:
            await self._ends.wait()
        since = request.query.get("since", "")
        if request.path.endswith("/sync") and since:
            if self.freezes and not self.stuck_at:
                self.stuck_at = since
                self.stuck.set()
            if since == self.stuck_at:
                return web.json_response({"next_batch": since})
        return await self._passed_on(request)

    async def _passed_on(self, request: web.Request) -> web.StreamResponse:
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                request.method, self.behind + str(request.rel_url), headers=headers, data=await request.read()
            ) as answer,
        ):
            body = await answer.read()
            if answer.content_type == "application/json":
                body = json.dumps(self._told(json.loads(body))).encode()
            return web.Response(body=body, status=answer.status, content_type=answer.content_type)

    def _told(self, answer: Any) -> Any:
        """The answer as this server gives it: not all events, and some of another date."""
        if isinstance(answer, list):
            return [self._told(each) for each in answer if not self._hidden(each)]
        if not isinstance(answer, dict):
            return answer
        told = {name: self._told(value) for name, value in answer.items()}
        words = told["content"].get("body") if isinstance(told.get("content"), dict) else None
        return told | ({"origin_server_ts": self.dates[words]} if words in self.dates else {})

    def _hidden(self, each: Any) -> bool:
        return isinstance(each, dict) and each.get("type") in self.hides

    def end(self) -> None:
        self._ends.set()


@asynccontextmanager
async def faulty(behind: str) -> AsyncIterator[HomeserverProxy]:
    """The proxy on a free loopback port."""
    proxy = HomeserverProxy(behind)
    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", proxy.serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield proxy
    finally:
        proxy.end()
        await runner.cleanup()
