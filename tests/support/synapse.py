"""A real Matrix homeserver on a free loopback port, started once for the test session.

It is Synapse from PyPI with SQLite, without federation, in a virtual environment of its own beside
the tests' (``make test`` makes it): its requirements are not ours.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.patience import WAIT_S
from tests.support.ports import free_ports
from tests.support.requirements import missing_server

DOMAIN = "rig.test"
_MEMORY = Path("/dev/shm")
"""For the database, where it is there: most of what an event costs is the wait for a disk to have it."""
_SECRET = "rig-shared-secret"
_STOP_S = 10.0

_CONFIGURATION = """\
server_name: {domain}
public_baseurl: "http://127.0.0.1:{port}/"
pid_file: {folder}/homeserver.pid
listeners:
  - port: {port}
    bind_addresses: ["127.0.0.1"]
    type: http
    tls: false
    resources: [{{names: [client], compress: false}}]
database: {{name: sqlite3, args: {{database: {database}/homeserver.db}}}}
log_config: {folder}/log.yaml
media_store_path: {folder}/media
signing_key_path: {folder}/signing.key
registration_shared_secret: {secret}
macaroon_secret_key: rig
form_secret: rig
report_stats: false
enable_registration: false
trusted_key_servers: []
suppress_key_server_warning: true
federation_domain_whitelist: []
presence: {{enabled: false}}
bcrypt_rounds: 4
max_upload_size: 50M
"""
_MUCH = "{per_second: 10000, burst_count: 10000}"
_NO_LIMITS = f"""
rc_login: {{address: {_MUCH}, account: {_MUCH}, failed_attempts: {_MUCH}}}
rc_joins: {{local: {_MUCH}, remote: {_MUCH}}}
rc_joins_per_room: {_MUCH}
rc_room_creation: {_MUCH}
rc_invites: {{per_room: {_MUCH}, per_user: {_MUCH}, per_issuer: {_MUCH}}}
rc_media_create: {_MUCH}
"""
"""All but the one that bots meet: how many events an account may send is as shipped."""

_LOG = """\
version: 1
handlers: {{file: {{class: logging.FileHandler, filename: {folder}/homeserver.log}}}}
root: {{level: WARNING, handlers: [file]}}
disable_existing_loggers: false
"""


@dataclass(frozen=True, slots=True)
class MatrixUser:
    """An account on the server; the password is its name with ``pw-`` before it."""

    id: str
    password: str
    token: str = field(default="", repr=False)
    """Of a device that it was made with, for whoever only speaks."""

    @property
    def name(self) -> str:
        return self.id[1:].partition(":")[0]


@dataclass(slots=True)
class Synapse:
    """A running server; every test has users of its own."""

    python: Path
    folder: Path
    database: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    admin_token: str = ""
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def configure(self) -> None:
        given = {"folder": self.folder, "database": self.database, "port": self.port}
        given |= {"secret": _SECRET, "domain": DOMAIN}
        (self.folder / "homeserver.yaml").write_text(_CONFIGURATION.format(**given) + _NO_LIMITS)
        (self.folder / "log.yaml").write_text(_LOG.format(**given))
        key = base64.b64encode(os.urandom(32)).decode().rstrip("=")
        (self.folder / "signing.key").write_text(f"ed25519 a_rig {key}\n")

    def start(self) -> None:
        """Start the server and wait until it listens."""
        with (self.folder / "out.log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.python, "-m", "synapse.app.homeserver", "-c", str(self.folder / "homeserver.yaml")],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        deadline = threading.Event()
        timer = threading.Timer(WAIT_S, deadline.set)
        timer.start()
        while not self._listens():
            if self.process.poll() is not None or deadline.wait(0.05):
                raise AssertionError((self.folder / "out.log").read_text()[-3000:])
        timer.cancel()

    def stop(self) -> None:
        """End it; whoever is connected is cut off."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    async def request(
        self, method: str, path: str, body: dict[str, Any] | None = None, token: str = ""
    ) -> dict[str, Any]:
        """A JSON request as nobody, or with an access token; it must succeed."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.url + path, json=body, headers=headers) as response,
        ):
            answer: dict[str, Any] = json.loads(await response.read())
            assert response.status == 200, (path, answer)
            return answer

    async def add_user(self, name: str = "user", *, admin: bool = False, limited: bool = False) -> MatrixUser:
        """An account; `limited`: it may send events only as fast as a stock server allows."""
        full_name, password = f"{name}{next(self.numbers)}", f"pw-{name}"
        path = "/_synapse/admin/v1/register"
        nonce = (await self.request("GET", path))["nonce"]
        words = (nonce, full_name, password, "admin" if admin else "notadmin")
        mac = hmac.new(_SECRET.encode(), "\0".join(words).encode(), hashlib.sha1).hexdigest()
        made = await self.request(
            "POST",
            path,
            {"nonce": nonce, "username": full_name, "password": password, "admin": admin, "mac": mac},
        )
        user = MatrixUser(made["user_id"], password, made["access_token"])
        if admin:
            self.admin_token = user.token
        elif not limited:
            await self.lift_limit(user)
        return user

    async def say(self, user: MatrixUser, room_id: str, words: str) -> str:
        """A message of somebody who hears nothing; its id."""
        path = f"/_matrix/client/v3/rooms/{room_id}/send/m.room.message/{next(self.numbers)}"
        sent = await self.request("PUT", path, {"msgtype": "m.text", "body": words}, user.token)
        return str(sent["event_id"])

    async def lift_limit(self, user: MatrixUser) -> None:
        """What the documentation tells administrators of a homeserver to do for the bot."""
        if not self.admin_token:
            await self.add_user("admin", admin=True)
        await self.request(
            "POST",
            f"/_synapse/admin/v1/users/{user.id}/override_ratelimit",
            {"messages_per_second": 0, "burst_count": 0},
            self.admin_token,
        )


def _python() -> Path:
    """The Python that has Synapse: ``$SYNAPSE_PYTHON``, or that of the environment beside ours."""
    python = Path(os.environ.get("SYNAPSE_PYTHON") or Path(sys.prefix) / "synapse" / "bin" / "python")
    if not python.exists():
        missing_server("Synapse is not installed (make test does it)")
    return python


@contextmanager
def running_synapse(*, on_disk: bool = False) -> Iterator[Synapse]:
    """A server with folders of its own while the context lasts; `on_disk`: as slow as a real one."""
    python = _python()
    folder = Path(tempfile.mkdtemp(prefix="facteur-synapse-"))
    where = None if on_disk or not _MEMORY.is_dir() else _MEMORY
    database = Path(tempfile.mkdtemp(prefix="facteur-synapse-", dir=where))
    [port] = free_ports(1)
    server = Synapse(python, folder, database, port)
    try:
        server.configure()
        server.start()
        yield server
    finally:
        server.stop()
        for each in (folder, database):
            shutil.rmtree(each, ignore_errors=True)


@pytest.fixture(scope="session")
def synapse() -> Iterator[Synapse]:
    """The server of the session."""
    with running_synapse() as server:
        yield server


@pytest.fixture
def mortal_synapse() -> Iterator[Synapse]:
    """A server of the test's own, which it may stop."""
    with running_synapse() as server:
        yield server
