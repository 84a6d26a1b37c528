"""A real Dovecot 2.3 on free loopback ports, started once for the test session.

It needs root (one Unix user for each mailbox) and the Debian packages dovecot-imapd and
dovecot-pop3d. Users are added while it runs.
"""

from __future__ import annotations

import imaplib
import os
import select
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from bot.core.lists import MailboxAccount
from bot.core.settings import MailProtocol, Security
from tests.support.certificates import certificates
from tests.support.patience import WAIT_S
from tests.support.ports import free_ports
from tests.support.requirements import missing_server

_FIRST_UID = 300_000
_MAIL_GID = 8
_USERS = 10_000
"""Written beforehand: Dovecot looks at the file of its users once a second."""

_CONFIGURATION = """\
protocols = imap pop3
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {folder}/users
}}
mail_location = maildir:~/Maildir
first_valid_uid = 1
mail_fsync = never
mail_max_userip_connections = 0
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  service_count = 0
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  service_count = 0
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service anvil {{
  # no penalty that grows with each wrong password from this address
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the server; the address is the login."""

    address: str
    password: str
    home: Path


@dataclass(slots=True)
class Dovecot:
    """A running server. `imap` and `pop3` speak in clear and offer STARTTLS and STLS."""

    folder: Path
    imap: int
    imaps: int
    pop3: int
    pop3s: int
    host: str = "localhost"
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def add_user(self, password: str = "pw") -> Account:
        """A new, empty mailbox, with a Unix user of its own.

        Of its own, because the kernel grants each user few inotify instances, and IDLE without one
        takes seconds to notice a mail.
        """
        number = next(self.numbers)
        account = Account(f"list{number}@example.test", password, self.folder / "mail" / f"list{number}")
        account.home.mkdir(parents=True)
        os.chown(account.home, _FIRST_UID + number, _MAIL_GID)
        if password != "pw":
            self._change_password(account, number)
        return account

    def _change_password(self, account: Account, number: int) -> None:
        users = self.folder / "users"
        lines = users.read_text().splitlines()
        lines[number - 1] = _line(self.folder, number, account.password)
        users.write_text("\n".join(lines) + "\n")
        for _ in range(int(WAIT_S / 0.05)):  # Dovecot looks at the file once a second
            with imaplib.IMAP4(self.host, self.imap, timeout=WAIT_S) as client:
                try:
                    client.authenticate(
                        "PLAIN", lambda _: f"\0{account.address}\0{account.password}".encode()
                    )
                except imaplib.IMAP4.error:
                    select.select([], [], [], 0.05)
                else:
                    return
        pytest.fail("Dovecot did not notice a new password")

    def port(self, security: Security, protocol: MailProtocol = MailProtocol.IMAP) -> int:
        """Where that protocol is spoken with that encryption."""
        secure = security is Security.SSL
        if protocol is MailProtocol.IMAP:
            return self.imaps if secure else self.imap
        return self.pop3s if secure else self.pop3

    def mailbox_account(
        self,
        account: Account,
        security: Security = Security.SSL,
        *,
        protocol: MailProtocol = MailProtocol.IMAP,
        folders: tuple[str, ...] = ("INBOX",),
        after_intake: str = "delete",
    ) -> MailboxAccount:
        """The account as facteur's clients want it."""
        return MailboxAccount(
            host=self.host,
            port=self.port(security, protocol),
            protocol=protocol,
            security=security,
            username=account.address,
            password=account.password,
            folders=folders,
            after_intake=after_intake,
        )

    @contextmanager
    def client(self, account: Account, folder: str = "INBOX") -> Iterator[imaplib.IMAP4]:
        """Another mail program of that user, with `folder` open."""
        with imaplib.IMAP4(self.host, self.imap, timeout=WAIT_S) as client:
            client.login(account.address, account.password)
            client.select(folder)
            yield client

    def deliver(self, account: Account, raw: bytes, folder: str = "INBOX") -> None:
        """Put a mail in by IMAP APPEND, which needs CRLF line ends; byte for byte."""
        with self.client(account) as client:
            # Not client.append(), which changes line ends.
            client.literal = raw  # type: ignore[assignment]
            status, answer = client._simple_command("APPEND", folder)
            assert status == "OK", answer

    def drop(self, account: Account, raw: bytes, name: str) -> None:
        """Put a mail straight into the INBOX's maildir, as a delivery agent would: any bytes at all."""
        new = account.home / "Maildir" / "new"
        if not new.exists():
            with self.client(account):
                pass  # the first login makes the maildir
        passing = account.home / "Maildir" / "tmp" / name
        passing.write_bytes(raw)
        owner = account.home.stat()
        os.chown(passing, owner.st_uid, owner.st_gid)
        passing.rename(new / name)

    def holds(self, account: Account, folder: str = "INBOX") -> list[bytes]:
        """The raw mails of a folder, oldest first."""
        with self.client(account, folder) as client:
            _, (found,) = client.uid("SEARCH", "ALL")
            return [
                client.uid("FETCH", uid.decode(), "(BODY.PEEK[])")[1][0][1] for uid in (found or b"").split()
            ]


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """The server; skipped where it cannot be started."""
    program = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        missing_server("Dovecot is not installed: apt install dovecot-imapd dovecot-pop3d")
    if os.geteuid() != 0:
        missing_server("Dovecot (Debian: dovecot-imapd, dovecot-pop3d) needs root for these tests")
    with tempfile.TemporaryDirectory(prefix="facteur-dovecot-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # its processes run as several users
        certificates().write(folder)
        users = [_line(folder, number, "pw") for number in range(1, _USERS + 1)]
        (folder / "users").write_text("\n".join(users) + "\n")
        imap, imaps, pop3, pop3s = free_ports(4)
        (folder / "dovecot.conf").write_text(
            _CONFIGURATION.format(folder=folder, imap=imap, imaps=imaps, pop3=pop3, pop3s=pop3s)
        )
        server = Dovecot(folder, imap, imaps, pop3, pop3s)
        process = subprocess.Popen([program, "-F", "-c", folder / "dovecot.conf"])
        try:
            _await_greeting(server, process)
            yield server
        finally:
            process.terminate()
            process.wait(WAIT_S)


def _line(folder: Path, number: int, password: str) -> str:
    name = f"list{number}"
    return (
        f"{name}@example.test:{{PLAIN}}{password}:{_FIRST_UID + number}:{_MAIL_GID}::{folder}/mail/{name}::"
    )


def _await_greeting(server: Dovecot, process: subprocess.Popen[bytes]) -> None:
    """Dovecot tells nobody when it listens: ask until it greets, or has ended, or the time is over."""
    for _ in range(int(WAIT_S / 0.05)):
        try:
            with socket.create_connection(("127.0.0.1", server.imap), timeout=WAIT_S) as connection:
                if connection.recv(100):
                    return
        except ConnectionError:
            pass
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        break
    pytest.fail(f"Dovecot did not start: {(server.folder / 'dovecot.log').read_text()}")
