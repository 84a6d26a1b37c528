"""A mail from a list to itself: whether it comes back, and what the mailbox's host says of its origin."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import structlog

from bot.core.clock import Clock
from bot.core.deliveries import Envelope, NewMailing, Outcome
from bot.core.errors import ServerTrouble
from bot.core.header import Header
from bot.core.lists import MailingList
from bot.core.ports import Dns, Servers
from bot.core.posts import Post
from bot.core.stores import Stores
from bot.core.text import Text
from bot.flow import tokens
from bot.flow.accounts import Accounts
from bot.flow.checked import Checked
from bot.flow.handled import Handled
from bot.flow.notices import Notices
from bot.flow.providers import advised
from bot.flow.results import Result, aligned, authserv_id, results
from bot.flow.signatures import verified

log = structlog.get_logger()

KIND = "check"
"""Of the tokens of these mails."""

_OWNER = "self-test"
_OPEN_FOR = timedelta(minutes=15)
"""So long a mail may be on its way, and no other is sent."""
_NEWS_FOR = timedelta(minutes=5)
"""So long what came of the last one is the answer."""
_REMEMBERED_FOR = timedelta(days=30)
_METHODS = ("spf", "dkim", "dmarc")


@dataclass(frozen=True, slots=True)
class _Found:
    """What a mail that came back told; "" = nothing. `here` is of a signature verified here."""

    sent_at: str
    back_at: str
    host: str = ""
    spf: str = ""
    dkim: str = ""
    dmarc: str = ""
    here: str = ""

    def is_younger(self, than: timedelta, now: datetime) -> bool:
        return now - datetime.fromisoformat(self.back_at) < than

    @property
    def stamped(self) -> bool:
        """Whether the host judges mail that comes in (others stamp what their own people send)."""
        return bool(self.host and (self.spf or self.dkim or self.dmarc))


@dataclass(frozen=True, slots=True)
class Offered:
    """Why the relay did not take a mail; None = it did, and said so in these words."""

    trouble: Text | None
    reply: str = ""


class SelfTest:
    """One mail at a time and list, known again by a word that nobody can guess."""

    def __init__(
        self, stores: Stores, servers: Servers, accounts: Accounts, notices: Notices, dns: Dns, clock: Clock
    ) -> None:
        self._stores = stores
        self._servers = servers
        self._accounts = accounts
        self._notices = notices
        self._dns = dns
        self._clock = clock

    async def prove(self, mlist: MailingList, patience: timedelta = timedelta()) -> Checked:
        """Send a mail, unless one is on its way or just came back; wait for it, and tell what is known.

        One that did not come back in time is trouble: another has been sent then.
        """
        what, now = Text("A mail from the list to itself"), self._clock.now()
        if forbidden := await self._forbidden(mlist, now):
            return Checked(what, None, pending=forbidden)
        open_ = await self._open(mlist)
        last = await self._last(mlist)
        if last and open_ is None and last.is_younger(_NEWS_FOR, now):
            return self._told(what, mlist, last)
        missed = None
        if open_ is None or now - open_[1] > _OPEN_FOR:
            missed, open_ = open_, (tokens.fresh(), now)
            trouble = await self._send(mlist, *open_)
            if trouble:
                return Checked(what, trouble)
        found = await self._found(mlist, open_[1], now + patience)
        if found and found.sent_at == open_[1].isoformat():
            return self._told(what, mlist, found)
        said = tuple(self._said(found, mlist)) if found else ()
        proposal = self._proposal(found, mlist) if found else ""
        if missed:
            lost = Text(
                "the one of {at} has not come back: see that the service runs, and that mail to {list}"
                " reaches this mailbox. Another is on its way",
                at=missed[1],
                list=mlist.address,
            )
            return Checked(what, lost, said=said, auth_host=proposal)
        pending = Text("on its way since {at}; say it again in a minute to see what came of it", at=open_[1])
        return Checked(what, None, pending=pending, said=said, auth_host=proposal)

    async def _forbidden(self, mlist: MailingList, now: datetime) -> Text | None:
        """Why nothing may be sent now."""
        if self._accounts.redirect_to:
            return Text("not sent in test mode")
        key = self._accounts.smtp(mlist).key
        until = (await self._stores.accounts.states([key]))[key].pause(now)
        return Text("not sent: outgoing mail waits until {until}", until=until) if until else None

    async def knows(self, mlist: MailingList, header: Header) -> bool:
        """Whether this is a mail that the list sent to itself."""
        token = tokens.carried(header, KIND)
        return bool(token) and bool(await self._stores.notes.recall(_OWNER, f"{mlist.id}/token/{token}"))

    async def returned(self, post: Post, header: Header, mlist: MailingList) -> Handled:
        """It is back: remember what it tells."""
        token = tokens.carried(header, KIND)
        sent_at = await self._stores.notes.recall(_OWNER, f"{mlist.id}/token/{token}")
        found = await self._read(post, header, mlist, sent_at)
        note = {f"{mlist.id}/found": json.dumps(asdict(found))}
        open_ = await self._open(mlist)
        if open_ and open_[0] == token:
            note[f"{mlist.id}/open"] = ""
        await self._stores.notes.keep(_OWNER, note, self._clock.now())
        log.info("self-test back", list=mlist.address, post=post.id, host=found.host)
        return Handled(Text("{parts}", parts=self._said(found, mlist)), shown=True)

    def _said(self, found: _Found, mlist: MailingList) -> list[Text]:
        """What came of it, as sentences."""
        took = datetime.fromisoformat(found.back_at) - datetime.fromisoformat(found.sent_at)
        seconds = max(0, round(took.total_seconds()))
        lines = [
            Text.counted(
                "the list's mail to itself came back within {count} second",
                "the list's mail to itself came back within {count} seconds",
                seconds,
            )
        ]
        if found.stamped:
            results_ = {name: getattr(found, name) or Text("not said") for name in _METHODS}
            lines.append(
                Text("{host} says: SPF {spf}, DKIM {dkim}, DMARC {dmarc}", host=found.host, **results_)
            )
        else:
            lines.append(
                Text(
                    "the mailbox's host does not say whether mail is genuine; of this one, DKIM as verified"
                    " here: {dkim}",
                    dkim=found.here or Text("not said"),
                )
            )
        if "pass" not in {found.spf, found.dkim, found.here}:
            lines.append(
                Text(
                    "nothing proves that mail of {domain} is genuine: ask whoever looks after it for SPF"
                    " and DKIM",
                    domain=mlist.domain,
                )
            )
        if host := self._proposal(found, mlist):
            line = f"/set {mlist.local_part} auth_host={host}"
            lines.append(Text("to trust what {host} says of authors: {line}", host=host, line=line))
        return lines

    @staticmethod
    def _proposal(found: _Found, mlist: MailingList) -> str:
        """The host whose word may be taken, unless it is already."""
        return found.host if found.stamped and found.host != mlist.settings.auth_host.lower() else ""

    def _told(self, what: Text, mlist: MailingList, found: _Found) -> Checked:
        return Checked(
            what, None, said=tuple(self._said(found, mlist)), auth_host=self._proposal(found, mlist)
        )

    async def _read(self, post: Post, header: Header, mlist: MailingList, sent_at: str) -> _Found:
        """The topmost field alone: what stands below may have been there before (RFC 8601 section 5)."""
        back_at = self._clock.now().isoformat()
        fields = header.raw_fields("authentication-results")
        said = (results(fields[0]) if fields else None) or ()
        by_method = {name: _result(said, name, mlist.domain) for name in _METHODS}
        host = authserv_id(fields[0]) if fields else ""
        raw = await self._stores.posts.raw(post.id)
        here = (await verified(self._dns, raw, header, mlist.domain)).value
        here = "pass" if here == "genuine" else "none" if here == "unproven" else ""
        return _Found(sent_at, back_at, host, here=here, **by_method)

    async def _send(self, mlist: MailingList, token: str, now: datetime) -> Text | None:
        """Why it could not be sent. It is noted first: it may be back before the relay's answer is read."""
        mailing = self._notices.letter(
            "check",
            mlist,
            mlist.address,
            now,
            message_id=tokens.message_id(KIND, token, mlist.domain),
            token=tokens.in_subject(KIND, token),
        )
        at = now.isoformat()
        noted = {f"{mlist.id}/open": json.dumps([token, at]), f"{mlist.id}/token/{token}": at}
        await self._stores.notes.keep(_OWNER, noted, now)
        await self._stores.notes.forget(_OWNER, "", now - _REMEMBERED_FOR)
        trouble = (await self.offer(mlist, mailing)).trouble
        if trouble:
            await self._stores.notes.keep(_OWNER, dict.fromkeys(noted, ""), now)
        return trouble

    async def offer(self, mlist: MailingList, mailing: NewMailing) -> Offered:
        """Send a mail here and now, past the outbox."""
        account = self._accounts.smtp(mlist)
        sender = self._servers.sender(account)
        content = mailing.header + (mailing.body or b"")
        try:
            [result] = await sender.send(Envelope(mailing.mail_from, mailing.recipients), content)
        except ServerTrouble as error:
            return Offered(advised(error, account.host))
        finally:
            await sender.close()
        await self._stores.accounts.note_attempt(account.key, 1, self._clock.now())
        reply = f"{result.code} {result.reply}"
        if result.outcome is Outcome.DELIVERED or result.maybe_taken:
            return Offered(None, reply)
        return Offered(Text("the outgoing server refuses it: {reply}", reply=reply))

    async def _open(self, mlist: MailingList) -> tuple[str, datetime] | None:
        """The mail that is on its way: its token, and since when."""
        noted = await self._stores.notes.recall(_OWNER, f"{mlist.id}/open")
        if not noted:
            return None
        token, at = json.loads(noted)
        return token, datetime.fromisoformat(at)

    async def _last(self, mlist: MailingList) -> _Found | None:
        """What the last mail that came back told."""
        noted = await self._stores.notes.recall(_OWNER, f"{mlist.id}/found")
        return _Found(**json.loads(noted)) if noted else None

    async def _found(self, mlist: MailingList, sent_at: datetime, until: datetime) -> _Found | None:
        """As `_last`; waits for the mail of `sent_at`, at most so long."""
        while True:
            count = self._stores.changes.count
            found = await self._last(mlist)
            back = found is not None and found.sent_at == sent_at.isoformat()
            if back or self._clock.now() >= until:
                return found
            await self._clock.wait(self._stores.changes.beyond(count), until)


def _result(said: Sequence[Result], method: str, domain: str) -> str:
    """Of a method about a domain; one that passes is enough, as a mail may be signed twice."""
    ours = [
        each.result
        for each in said
        if each.method == method and (not each.domain or aligned(each.domain, domain))
    ]
    others = [each.result for each in said if each.method == method]
    if "pass" in ours:
        return "pass"
    return next(iter(ours), "none" if others else "")
