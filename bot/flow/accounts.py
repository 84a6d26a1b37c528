"""Which outgoing account a list uses, and which lists share one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

from bot.core.addresses import Address
from bot.core.deliveries import NO_LIST
from bot.core.lists import MailingList, SmtpAccount, mailbox_account, pin_for, server_name, smtp_port
from bot.core.settings import Security

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

_SECURITY_OF_PORT = {465: Security.SSL, 587: Security.STARTTLS}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An account and the lists whose mail leaves through it; `NO_LIST` is among those of the common one."""

    account: SmtpAccount
    mlist_ids: tuple[int, ...]


class Accounts:
    """The installation's account (section ``[smtp]``) and what each list makes of it."""

    def __init__(
        self, common: SmtpAccount, redirect_to: Address | None = None, sender: Address | None = None
    ) -> None:
        """`common`: its host may be empty. `redirect_to`: test mode, every mail goes there instead.

        `sender` is whose mail of no list is; None = there can be none.
        """
        self.common = common
        self.redirect_to = redirect_to
        self.sender = sender if common.host else None

    def smtp(self, mlist: MailingList) -> SmtpAccount:
        """The account of one list; its host is empty if neither the list nor ``[smtp]`` names one."""
        own, common = mlist.settings, self.common
        elsewhere = own.smtp_host and own.smtp_host.lower() != common.host.lower()
        base = _without_credentials(common, own.smtp_host) if elsewhere else common
        security = Security(own.smtp_security or _SECURITY_OF_PORT.get(own.smtp_port, base.security))
        usual = base.port if base.port and security is base.security else smtp_port(security)
        username, password = self._credentials(mlist, base)
        host, port = base.host.lower(), own.smtp_port or usual
        return replace(
            base,
            host=host,
            port=port,
            security=security,
            username=username,
            password=password,
            max_per_hour=own.smtp_max_per_hour or base.max_per_hour,
            max_per_day=own.smtp_max_per_day or base.max_per_day,
            pin=pin_for(mlist, host, port),
        )

    def needed(self, found: Mapping[str, str], given: Collection[str]) -> dict[str, str]:
        """Of settings that were found out, those of the outgoing server only where no other is named."""
        named = bool(self.common.host) or "smtp_host" in given
        return {key: value for key, value in found.items() if not (named and key.startswith("smtp_"))}

    def common_for(self, lists: Iterable[MailingList]) -> SmtpAccount:
        """The installation's account; it has a pin where every list that sends there has."""
        place = server_name(self.common.host, self.common.port)
        used = (self.smtp(mlist) for mlist in lists)
        pins = {account.pin for account in used if server_name(account.host, account.port) == place}
        return replace(self.common, pin=pins.pop()) if len(pins) == 1 else self.common

    def outgoing(self, lists: Iterable[MailingList]) -> list[Outgoing]:
        """Every account in use with its lists; of different quotas for one account the lowest holds.

        Lists that trust its server in different ways do not share its connections.
        """
        strictest: dict[str, SmtpAccount] = {}
        shared: dict[tuple[str, str | None], Outgoing] = {}
        lists = list(lists)
        users = [(mlist.id, self.smtp(mlist)) for mlist in lists]
        own = [(NO_LIST, self.common_for(lists))] if self.sender else []
        for user, account in (*users, *own):
            if not account.host:
                continue
            strictest[account.key] = _stricter(strictest.get(account.key, account), account)
            so_far = shared.get(account.sharing_key, Outgoing(account, ()))
            shared[account.sharing_key] = replace(so_far, mlist_ids=(*so_far.mlist_ids, user))
        return [
            replace(found, account=_stricter(found.account, strictest[found.account.key]))
            for found in shared.values()
        ]

    def shared_by(self, mlist: MailingList, lists: Iterable[MailingList]) -> Outgoing:
        """The account of one list, with all the lists that use it too."""
        account = self.smtp(mlist)
        for outgoing in self.outgoing(lists):
            if outgoing.account.sharing_key == account.sharing_key:
                return outgoing
        return Outgoing(account, (mlist.id,))

    def _credentials(self, mlist: MailingList, base: SmtpAccount) -> tuple[str, str]:
        """The list's own, else those of ``[smtp]``, else the mailbox's where both have one owner.

        A password goes nowhere but to the host it was given for, or to one of the same registrable
        domain: a list cannot have another's password sent to a host of its choice.
        """
        own = mlist.settings
        mailbox = mailbox_account(mlist)
        if own.smtp_password.get_secret_value():
            return own.smtp_username or mailbox.username, own.smtp_password.get_secret_value()
        if base.password:
            return own.smtp_username or base.username, base.password
        if mailbox.password and registrable(base.host) == registrable(mailbox.host):
            return own.smtp_username or mailbox.username, mailbox.password
        return "", ""


def _without_credentials(common: SmtpAccount, host: str) -> SmtpAccount:
    """As `common`, but at another host: its usual port, encrypted unless a list says otherwise."""
    encrypted = Security.SSL if common.security is Security.NONE else common.security
    return replace(
        common, host=host, port=0, security=encrypted, username="", password="", max_per_hour=0, max_per_day=0
    )


def registrable(host: str) -> str:
    """The domain that somebody registered (public suffix and one label); `host` itself if unknown.

    An IP address is nobody's but its own, although its numbers look like labels.
    """
    host = host.lower().rstrip(".")
    try:
        return str(ip_address(host))
    except ValueError:
        return _public_suffixes().privatesuffix(host) or host


@cache
def _public_suffixes() -> PublicSuffixList:
    """The list of public suffixes; dear to read, so only where somebody needs it, and once."""
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


def _stricter(one: SmtpAccount, other: SmtpAccount) -> SmtpAccount:
    def lower(a: int, b: int) -> int:
        return min(a, b) if a and b else a or b

    return replace(
        one,
        max_per_hour=lower(one.max_per_hour, other.max_per_hour),
        max_per_day=lower(one.max_per_day, other.max_per_day),
    )
