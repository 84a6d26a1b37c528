"""Hosts of mailboxes that associations have: their servers, their limits, and what to know of them.

A quota is written down where the host itself, or its relay's refusal, says it; 0 = none is known. Where
a host has several plans, it is that of the smallest that an association would have. Servers are those of
the hosts' own help pages or of Thunderbird's collection (github.com/thunderbird/autoconfig, ispdb).
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.addresses import Address, domain_of, local_part_of
from bot.core.errors import ServerTrouble, Trouble
from bot.core.settings import MailProtocol, Security
from bot.core.text import N_, Text
from bot.flow.accounts import registrable

_APPLICATION_PASSWORD = N_(
    "{provider} wants an application password here, not the usual one. You make it at {where}."
)
_SWITCH_ON = N_(
    "{provider} lets other programs in only once IMAP is switched on in the settings of the mailbox, "
    "at {where}."
)
_NO_PASSWORDS = N_(
    "{provider} takes no passwords from other programs any more, so facteur cannot use this mailbox. Please "
    "take one at another host for the list."
)
_NO_IMAP = N_(
    "{provider} lets no other program in without one of its own beside it, so facteur cannot use this "
    "mailbox. Please take one at another host for the list."
)


@dataclass(frozen=True, slots=True)
class Provider:
    """A host of mailboxes; `warning` and `closed` are templates for the reader's language.

    Attributes:
        name: what people call it.
        domains: those of its addresses; one that ends in a dot stands for each public suffix.
        mx: endings of the names of servers that take in the mail of its customers' own domains.
        imap: its server, empty = it is not known, or there is none; `{mx}` = the one that takes in the mail.
        pop3, smtp: likewise.
        submission: how outgoing mail is encrypted, which tells the port.
        by_local_part: the login is what stands before the @, else it is the whole address.
        max_per_hour: recipients that it lets through.
        max_per_day: likewise.
        warning: what to know before a password is typed, or once it is refused.
        rarely: the warning concerns few, and is given only once a password was refused.
        where: the page that the warning names.
        closed: why it cannot be used at all; empty = it can.
    """

    name: str
    domains: tuple[str, ...] = ()
    mx: tuple[str, ...] = ()
    imap: str = ""
    pop3: str = ""
    smtp: str = ""
    submission: Security = Security.SSL
    by_local_part: bool = False
    max_per_hour: int = 0
    max_per_day: int = 0
    warning: str = ""
    rarely: bool = False
    where: str = ""
    closed: str = ""

    @property
    def advice(self) -> Text | None:
        """What to know before a password is typed, or once it is refused."""
        template = self.closed or self.warning
        return Text(template, provider=self.name, where=self.where) if template else None

    @property
    def beforehand(self) -> Text | None:
        """What to know before a password is typed."""
        return None if self.rarely else self.advice

    def serves(self, domain: str) -> bool:
        """Whether addresses in that domain are its own."""
        return any(
            registrable(domain).startswith(own) if own.endswith(".") else domain == own
            for own in self.domains
        )

    def runs(self, host: str) -> bool:
        """Whether it takes in mail under that name."""
        return any(host == ending or host.endswith(f".{ending}") for ending in self.mx)

    def settings(self, address: Address, protocol: MailProtocol, mx: str = "") -> dict[str, str] | None:
        """The account settings of a list at that address, as ``/addlist`` takes them; None = not known.

        `mx` is the server that takes in its mail, in lower case.
        """
        host = self.pop3 if protocol is MailProtocol.POP3 else self.imap
        if not host or self.closed or ("{mx}" in host and not mx):
            return None
        found = {"host": host.format(mx=mx)}
        if protocol is MailProtocol.POP3:
            found["protocol"] = protocol.value
        if self.by_local_part:
            found["username"] = local_part_of(address)
        return found

    def sending(self, mx: str = "") -> dict[str, str]:
        """The settings of its outgoing server, with its quotas; none where it is not known."""
        if not self.smtp or ("{mx}" in self.smtp and not mx):
            return {}
        found = {"smtp_host": self.smtp.format(mx=mx), "smtp_security": self.submission.value}
        quotas = {"smtp_max_per_hour": self.max_per_hour, "smtp_max_per_day": self.max_per_day}
        return found | {key: str(number) for key, number in quotas.items() if number}


PROVIDERS = (
    # "limit of 200 messages" an hour is how ssl0.ovh.net refuses what is more
    Provider(
        "OVH",
        mx=("mail.ovh.net", "ovh.net"),
        imap="ssl0.ovh.net",
        pop3="ssl0.ovh.net",
        smtp="ssl0.ovh.net",
        max_per_hour=200,
        warning=N_(
            "{provider} has other servers for “E-mail Pro” and “Exchange”, such as pro1.mail.ovh.net or "
            "ex2.mail.ovh.net: the customer area names them at {where}."
        ),
        rarely=True,
        where="https://www.ovh.com/manager",
    ),
    Provider("Infini", domains=("infini.fr",), mx=("infini.fr",)),  # publishes no names: they are tried
    # https://ouvaton.coop/C-est-quoi-le-champ-SPF: 500 mails in five minutes
    Provider(
        "Ouvaton",
        domains=("ouvaton.org", "ouvaton.net", "ouvaton.coop"),
        mx=("ouvaton.coop",),
        imap="imap.ouvaton.coop",
        pop3="pop.ouvaton.coop",
        smtp="smtp.ouvaton.coop",
        max_per_hour=6_000,
    ),
    Provider(
        "NTYMail",
        domains=("ntymail.com",),
        mx=("ntymail.com",),
        imap="webmail.ntymail.com",
        smtp="webmail.ntymail.com",
        submission=Security.STARTTLS,
    ),
    # https://support.google.com/mail/answer/22839: 500 a day
    Provider(
        "Gmail",
        domains=("gmail.com", "googlemail.com"),
        imap="imap.gmail.com",
        pop3="pop.gmail.com",
        smtp="smtp.gmail.com",
        max_per_day=500,
        warning=_APPLICATION_PASSWORD,
        where="https://myaccount.google.com/apppasswords",
    ),
    # https://support.google.com/a/answer/166852: 2,000 a day
    Provider(
        "Google Workspace",
        mx=("google.com", "googlemail.com"),
        imap="imap.gmail.com",
        pop3="pop.gmail.com",
        smtp="smtp.gmail.com",
        max_per_day=2_000,
        warning=_APPLICATION_PASSWORD,
        where="https://myaccount.google.com/apppasswords",
    ),
    Provider(
        "Microsoft",
        domains=("outlook.", "hotmail.", "live.", "msn.com", "windowslive.com"),
        mx=("protection.outlook.com", "outlook.com", "office365.com", "mx.microsoft"),
        imap="outlook.office365.com",
        pop3="outlook.office365.com",
        smtp="smtp.office365.com",
        submission=Security.STARTTLS,
        closed=_NO_PASSWORDS,
    ),
    # https://help.yahoo.com/kb/SLN17518: 500 a day
    Provider(
        "Yahoo",
        domains=("yahoo.", "ymail.com", "myyahoo.com", "rocketmail.com"),
        mx=("yahoodns.net",),
        imap="imap.mail.yahoo.com",
        pop3="pop.mail.yahoo.com",
        smtp="smtp.mail.yahoo.com",
        max_per_day=500,
        warning=_APPLICATION_PASSWORD,
        where="https://login.yahoo.com/account/security",
    ),
    Provider(
        "AOL",
        domains=("aol.", "aim.com"),
        imap="imap.aol.com",
        pop3="pop.aol.com",
        smtp="smtp.aol.com",
        warning=_APPLICATION_PASSWORD,
        where="https://login.aol.com/account/security",
    ),
    # https://support.apple.com/en-ca/102198: 1,000 a day
    Provider(
        "iCloud",
        domains=("icloud.com", "me.com", "mac.com"),
        mx=("mail.icloud.com",),
        imap="imap.mail.me.com",
        smtp="smtp.mail.me.com",
        submission=Security.STARTTLS,
        max_per_day=1_000,
        warning=_APPLICATION_PASSWORD,
        where="https://account.apple.com",
    ),
    # https://docs.gandi.net/en/gandimail names no quota
    Provider(
        "Gandi",
        mx=("mail.gandi.net",),
        imap="mail.gandi.net",
        pop3="mail.gandi.net",
        smtp="mail.gandi.net",
    ),
    # https://www.infomaniak.com/en/support/faq/admin2/email-service?i=6: 1,440 a day from five addresses on
    Provider(
        "Infomaniak",
        domains=("ik.me", "etik.com", "ikmail.com"),
        mx=("infomaniak.ch", "infomaniak.com"),
        imap="mail.infomaniak.com",
        pop3="mail.infomaniak.com",
        smtp="mail.infomaniak.com",
        max_per_day=1_440,
    ),
    Provider(
        "Free",
        domains=("free.fr",),
        mx=("free.fr",),
        imap="imap.free.fr",
        pop3="pop.free.fr",
        smtp="smtp.free.fr",
        by_local_part=True,
        warning=N_(
            "{provider} lets other programs send only once “SMTP authentifié” is switched on for this "
            "mailbox, and keeps older mailboxes to POP3 until they have IMAP: see {where}."
        ),
        where="https://assistance.free.fr",
    ),
    Provider(
        "Orange",
        domains=("orange.fr", "wanadoo.fr"),
        mx=("orange.fr", "wanadoo.fr"),
        imap="imap.orange.fr",
        pop3="pop.orange.fr",
        smtp="smtp.orange.fr",
        warning=N_(
            "{provider} lets other programs in only once IMAP is switched on in the settings of the mailbox, "
            "which gives a password of its own for them: see {where}."
        ),
        where="https://assistance.orange.fr",
    ),
    Provider(
        "La Poste",
        domains=("laposte.net",),
        mx=("laposte.net",),
        imap="imap.laposte.net",
        pop3="pop.laposte.net",
        smtp="smtp.laposte.net",
        by_local_part=True,
        # numerama.com/tech/978375: so since the mailboxes were closed to other programs for a while
        warning=N_(
            "{provider} lets other programs in only with a password that was renewed on its site since 2022: "
            "see {where}."
        ),
        rarely=True,
        where="https://aide.laposte.net",
    ),
    Provider(
        "SFR",
        domains=("sfr.fr", "neuf.fr", "cegetel.net", "9online.fr", "club-internet.fr"),
        mx=("sfr.fr",),
        imap="imap.sfr.fr",
        pop3="pop.sfr.fr",
        smtp="smtp.sfr.fr",
    ),
    # https://www.ionos.co.uk/help/index.php?id=17026: 500 an hour, fewer in the first month
    Provider(
        "IONOS",
        mx=("ionos.fr", "ionos.com", "1and1.fr", "1and1.com", "kundenserver.de"),
        imap="imap.ionos.fr",
        pop3="pop.ionos.fr",
        smtp="smtp.ionos.fr",
        max_per_hour=500,
    ),
    Provider("o2switch", mx=("o2switch.net",), imap="{mx}", pop3="{mx}", smtp="{mx}"),
    # https://www.zoho.com/mail/help/adminconsole/rates-and-limits.html: 50 an hour to begin with
    Provider(
        "Zoho",
        domains=("zohomail.eu", "zoho.eu"),
        mx=("zoho.eu",),
        imap="imap.zoho.eu",
        pop3="pop.zoho.eu",
        smtp="smtp.zoho.eu",
        max_per_hour=50,
        warning=_SWITCH_ON,
        where="https://mail.zoho.eu",
    ),
    Provider(
        "Zoho",
        domains=("zohomail.com", "zoho.com"),
        mx=("zoho.com",),
        imap="imap.zoho.com",
        pop3="pop.zoho.com",
        smtp="smtp.zoho.com",
        max_per_hour=50,
        warning=_SWITCH_ON,
        where="https://mail.zoho.com",
    ),
    Provider(
        "Mailo",
        domains=("mailo.com", "mailo.fr", "netcourrier.com", "net-c.fr", "net-c.com"),
        mx=("mailo.com",),
        imap="imap.mailo.com",
        pop3="pop.mailo.com",
        smtp="smtp.mailo.com",
    ),
    Provider(
        "Posteo",
        domains=("posteo.",),
        mx=("posteo.de",),
        imap="posteo.de",
        pop3="posteo.de",
        smtp="posteo.de",
    ),
    Provider(
        "GMX",
        domains=("gmx.fr", "gmx.com"),
        imap="imap.gmx.com",
        pop3="pop.gmx.com",
        smtp="mail.gmx.com",
        warning=_SWITCH_ON,
        where="https://www.gmx.com",
    ),
    Provider(
        "Proton",
        domains=("proton.me", "protonmail.com", "protonmail.ch", "pm.me"),
        mx=("protonmail.ch", "proton.ch"),
        closed=_NO_IMAP,
    ),
    Provider(
        "Tuta",
        domains=("tuta.com", "tuta.io", "tutanota.com", "tutanota.de", "tutamail.com", "keemail.me"),
        mx=("tutanota.de",),
        closed=_NO_IMAP,
    ),
)
"""Read from top to bottom; the first that knows an address, or a server, is it."""

_SAYS = {
    Trouble.APP_LOGIN: {_APPLICATION_PASSWORD},
    Trouble.SWITCHED_OFF: {_SWITCH_ON},
}
"""Warnings that say what the refusal's own advice says, and where: they come in its place."""
_LOGIN = frozenset({Trouble.LOGIN, Trouble.APP_LOGIN, Trouble.SWITCHED_OFF, Trouble.NO_PASSWORDS})


def of_address(address: Address) -> Provider | None:
    """Whose addresses these are; None for somebody's own domain."""
    return next((each for each in PROVIDERS if each.serves(domain_of(address))), None)


def of_mx(host: str) -> Provider | None:
    """Who takes in mail under that name, which is in lower case."""
    return next((each for each in PROVIDERS if each.runs(host)), None)


def of_server(host: str) -> Provider | None:
    """Whose IMAP, POP3 or SMTP server that is."""
    host = host.lower()
    return next(
        (each for each in PROVIDERS if host in {each.imap, each.pop3, each.smtp} - {""} or each.runs(host)),
        None,
    )


def advised(error: ServerTrouble, host: str) -> Text:
    """What is wrong, and, where somebody could not log in, what is known of that host."""
    provider = of_server(host) if error.trouble in _LOGIN else None
    if provider is None or provider.advice is None:
        return error.text
    if provider.warning in _SAYS.get(error.trouble, ()) and "advice" in error.text.values:
        return Text(error.text.template, **{**error.text.values, "advice": provider.advice})
    return Text("{trouble} {advice}", trouble=error.text, advice=provider.advice)
