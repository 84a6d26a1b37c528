"""One IMAP connection, logged in: blocking calls, raw UID commands (RFC 3501).

imap-tools connects, logs in and names folders. Its mails are re-serialised and its deletions expunge
what other clients marked, so data goes by `client.uid`.
"""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Collection, Sequence
from datetime import date

from imap_tools import MailboxFolderSelectError
from imap_tools.utils import encode_folder

from bot.core.errors import FacteurError, ServerTrouble, Trouble
from bot.core.lists import MailboxAccount
from bot.core.text import Text
from transports.imap.answers import Item, bodies, numbers, sizes
from transports.imap.client import Client
from transports.imap.login import Box, connect, log_in, words_of
from transports.mails import kept_back
from transports.threads import Limits
from transports.trouble import Server, lost, unusable

_EXISTS = re.compile(rb"^\* \d+ EXISTS", re.MULTILINE | re.IGNORECASE)
_BYE = re.compile(rb"^\* BYE ?(.*)", re.MULTILINE | re.IGNORECASE)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FOLDERS_NAMED = 8
COMMAND_UIDS = 500
"""UIDs named in one command: its line stays far below every server's limit."""
_DELETED = r"(\Deleted)"


class Refused(imaplib.IMAP4.error):
    """The server answered NO; the text is its words."""


class Session:
    """A connection that its first use opens; after any error it is to be discarded.

    Methods block, and raise ServerTrouble for what they understand, else what imaplib, imap-tools
    or the system raises. Only `cut` may be called while another thread is inside.
    """

    def __init__(self, account: MailboxAccount, tls: ssl.SSLContext | None, limits: Limits) -> None:
        self.server = Server(
            "IMAP", account.host, account.port, account.security, account.username, account.password
        )
        self._account = account
        self._tls = tls
        self._limits = limits
        self._client: Client | None = None
        self._box: Box | None = None
        self._capabilities: frozenset[str] = frozenset()
        self._validity = ""
        self._idle_tag: bytes | None = None
        self._is_cut = False

    # -- connection

    def cut(self) -> None:
        """End at once what another thread does here, whatever the server does."""
        self._is_cut = True
        if self._client:
            self._client.cut()

    def discard(self) -> None:
        """Close without a word; nobody may be inside."""
        if self._client:
            self._client.discard()

    def leave(self) -> None:
        """Say good-bye and close."""
        if self._box:
            self._ready().logout()

    def _ready(self) -> Box:
        """Connected, logged in and not in IDLE."""
        if self._box is None:
            box = connect(self.server, self._tls, self._limits, self._opened)
            self._capabilities = log_in(box, self.server)
            self._box = box
        if self._idle_tag is not None:
            tag, self._idle_tag = self._idle_tag, None
            self._box.client.send(b"DONE\r\n")
            self._box.consume_until_tagged_response(tag)
        return self._box

    def _opened(self, client: Client) -> None:
        self._client = client
        if self._is_cut:
            raise client.abort("socket error: cut")

    # -- folders

    def listing(self, folder: str) -> tuple[str, list[int]]:
        """UIDVALIDITY, and the UIDs of all mails, ascending."""
        validity = self._select(folder)
        return validity, numbers(self._uid("SEARCH", "ALL"))

    def since(self, folder: str, day: date) -> tuple[str, list[int]]:
        """UIDVALIDITY, and the UIDs of the mails that came on that day or later."""
        validity = self._select(folder)
        named = f"{day.day}-{_MONTHS[day.month - 1]}-{day.year}"  # RFC 3501 section 9: date-text
        return validity, numbers(self._uid("SEARCH", "SINCE", named))

    def check_target(self, folder: str) -> None:
        """Raises ServerTrouble FOLDER if there is no such folder to move mails to."""
        if not self._ready().folder.exists(folder):
            raise self._no_folder(folder, "")

    def _select(self, folder: str) -> str:
        """Open the folder, and learn of what happened in it since; its UIDVALIDITY."""
        box = self._ready()
        if box.folder.get() == folder:
            # Without it SEARCH answers from what the last command saw, and misses later mails.
            box.client.noop()
            return self._validity
        try:
            box.folder.set(folder, readonly=self._account.after_intake == "keep")
        except MailboxFolderSelectError as error:
            raise self._no_folder(folder, words_of(error)) from None
        except imaplib.IMAP4.readonly:
            raise ServerTrouble(
                Trouble.FOLDER,
                Text(
                    "The folder {folder} may only be read, so its mails cannot be deleted or moved. "
                    "Set after_intake=keep, or choose another folder.",
                    folder=folder,
                ),
            ) from None
        _, (validity, *_) = box.client.response("UIDVALIDITY")
        self._validity = validity.decode("ascii", "replace") if isinstance(validity, bytes) else ""
        return self._validity

    def _no_folder(self, folder: str, words: str | bytes) -> ServerTrouble:
        found = [entry.name for entry in self._ready().folder.list() if r"\Noselect" not in entry.flags]
        if folder in found:
            return unusable(self.server, words)
        named = found[:_FOLDERS_NAMED] + ["…"] * (len(found) > _FOLDERS_NAMED)
        text = Text(
            "There is no folder {folder} in the mailbox of {username} at {host}. The folders there: "
            "{folders}.",
            folder=folder,
            username=self.server.username,
            host=self.server.host,
            folders=named,
        )
        return ServerTrouble(Trouble.FOLDER, text)

    # -- mails

    def sizes(self, folder: str, validity: str, uids: Collection[int]) -> dict[int, int | None]:
        """Octets of each mail that is still there, None where the server does not tell."""
        if self._select(folder) != validity:
            return {}  # the folder was made anew: these UIDs mean other mails now
        there = self._existing(uids)
        told = sizes(self._uid("FETCH", _set(there), "(UID RFC822.SIZE)")) if there else {}
        return {uid: told.get(uid) for uid in there}

    def bodies(self, folder: str, validity: str, uids: Sequence[int]) -> dict[int, bytes | FacteurError]:
        """The raw mails, or why one cannot be had; without those that are gone."""
        if self._select(folder) != validity:
            return {}
        found: dict[int, bytes | FacteurError] = dict(self._bodies(uids)[0])
        for uid in uids:
            if uid in found:
                continue
            alone, words = self._bodies([uid])
            self._ready().client.noop()  # so that the server tells what is gone meanwhile
            if uid in alone:
                found[uid] = alone[uid]
            elif self._existing([uid]):
                found[uid] = kept_back(self.server, words)
        return found

    def settle(self, folder: str, validity: str, uids: Collection[int], target: str) -> None:
        """Move these mails to the folder `target`, or delete them if it is empty."""
        if self._select(folder) != validity:
            return
        there = self._existing(uids)
        if not there:
            return
        if target and "MOVE" in self._capabilities:
            self._transfer("MOVE", there, target)
            return
        if target:
            self._transfer("COPY", there, target)
        self._delete(there)

    def _bodies(self, uids: Sequence[int]) -> tuple[dict[int, bytes], bytes]:
        """Bodies by UID, and the server's words if it refused."""
        try:
            return bodies(self._uid("FETCH", _set(uids), "(UID BODY.PEEK[])")), b""
        except imaplib.IMAP4.abort:
            raise  # the connection is gone
        except imaplib.IMAP4.error as refusal:
            return {}, words_of(refusal)

    def _existing(self, uids: Collection[int]) -> list[int]:
        return [uid for uid in numbers(self._uid("SEARCH", "UID", _set(uids))) if uid in uids]

    def _transfer(self, command: str, uids: Collection[int], target: str) -> None:
        try:
            self._uid(command, _set(uids), encode_folder(target))
        except Refused as refusal:
            if b"[TRYCREATE]" in words_of(refusal).upper():
                raise self._no_folder(target, words_of(refusal)) from None
            raise

    def _delete(self, uids: Collection[int]) -> None:
        """Delete exactly these: mails that another client marked as deleted stay."""
        if "UIDPLUS" in self._capabilities:
            self._uid("STORE", _set(uids), "+FLAGS.SILENT", _DELETED)
            self._uid("EXPUNGE", _set(uids))  # RFC 4315 section 2.1
            return
        others = [uid for uid in numbers(self._uid("SEARCH", "DELETED")) if uid not in uids]
        self._mark(others, "-FLAGS.SILENT")
        try:
            self._mark(uids, "+FLAGS.SILENT")
            self._ready().client.expunge()
        finally:
            self._mark(others, "+FLAGS.SILENT")

    def _mark(self, uids: Collection[int], how: str) -> None:
        named = list(uids)
        for first in range(0, len(named), COMMAND_UIDS):
            self._uid("STORE", _set(named[first : first + COMMAND_UIDS]), how, _DELETED)

    def _uid(self, command: str, *args: str | bytes) -> Sequence[Item]:
        # imaplib passes bytes on as they are, and folder names are bytes; its stub knows only str.
        status, answer = self._ready().client.uid(command, *args)  # type: ignore[arg-type]
        if status != "OK":
            raise Refused(b" ".join(item for item in answer if isinstance(item, bytes)))
        return answer

    # -- idle (RFC 2177)

    def start_idle(self, folder: str, newest: int) -> bool:
        """Have the server tell of new mails, if it can; True = there is one already, above `newest`."""
        _, uids = self.listing(folder)
        if uids and uids[-1] > newest:
            return True
        if "IDLE" not in self._capabilities:
            return False
        client = self._ready().client
        client.response("EXISTS")  # forget the number that SELECT told
        # Private, as in imap-tools, whose own start() takes an EXISTS before "+ idling" for an error.
        tag = client._command("IDLE")  # noqa: SLF001
        while client._get_response() is not None:  # noqa: SLF001 - None is the "+"
            if client.tagged_commands[tag]:
                raise Refused(b"IDLE refused")
        client.expect_little()
        self._idle_tag = tag
        return self.has_news() or client.response("EXISTS")[1] != [None]

    def has_news(self) -> bool:
        """Whether an EXISTS has come during IDLE; never blocks. Raises if the server hung up."""
        heard = self._wire().buffered()
        if bye := _BYE.search(heard):
            raise lost(self.server, bye[1])
        return bool(_EXISTS.search(heard))

    def fileno(self) -> int:
        """The socket, which becomes readable when the server says something."""
        return self._wire().sock.fileno()

    def _wire(self) -> Client:
        assert self._client is not None, "start_idle has connected it"
        return self._client


def _set(uids: Collection[int]) -> str:
    return ",".join(map(str, uids))
