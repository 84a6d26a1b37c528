"""Mailboxes at the hosts that people have: found by their address alone; how each of them refuses."""

from __future__ import annotations

import pytest

from bot.core.addresses import Address
from bot.core.errors import ServerTrouble, Trouble
from bot.core.settings import Security
from tests.support.certificates import certificates
from tests.support.dovecot import Dovecot
from tests.support.hosts import at_ovh
from tests.support.patience import WAIT_S
from tests.support.rerouted import IMAP, POP3, Rerouted
from tests.support.scripted_imap import scripted_imap
from tests.support.scripted_pop3 import scripted_pop3
from tests.support.smtp_server import SmtpServer, SmtpServers
from tests.support.world import World, mail
from transports.greeting import greeted
from transports.trouble import Server, ServiceName

SSL, NONE = Security.SSL, Security.NONE


@pytest.fixture
async def relay(smtp_servers: SmtpServers) -> SmtpServer:
    return await smtp_servers(security=SSL, users={"list1@example.test": "pw"}, login_required=False)


@pytest.fixture
def world(hosted: World) -> World:
    return hosted


@pytest.mark.parametrize("protocol", ["", "protocol=pop3"])
async def test_an_address_and_a_password_make_a_working_list(
    world: World, internet: Rerouted, protocol: str
) -> None:
    """The same account reads and sends, and keeps within what the host lets through."""
    at_ovh(world, internet)
    said = await world.said(f"/addlist {world.address} password=pw undo_s=0 {protocol}")
    assert f"✅ Mailbox {world.address} on ssl0.ovh.net" in said
    assert "✅ Outgoing mail by ssl0.ovh.net:465: OK" in said
    await world.members("anne@example.org")
    await world.deliver(mail(author="anne@example.org"))
    assert world.copied_to() == ["anne@example.org"]
    assert [taken.user for taken in world.copies()] == [world.address]
    [row] = await world.rows(f"/list {world.name}")
    assert row["settings"]["smtp_max_per_hour"] == "200"


async def test_what_is_given_is_not_guessed(world: World, internet: Rerouted) -> None:
    at_ovh(world, internet)
    internet.doors["mail.example.net", None] = world.relay.port, SSL
    await world.do(f"/addlist {world.address} password=pw smtp_host=mail.example.net folder=Liste")
    [row] = await world.rows(f"/list {world.name}")
    found = {key: row["settings"][key] for key in ("host", "folder", "smtp_host", "smtp_max_per_hour")}
    assert found == {
        "host": "ssl0.ovh.net",
        "folder": "Liste",
        "smtp_host": "mail.example.net",
        "smtp_max_per_hour": "0",
    }


async def test_a_server_that_anybody_may_have_named_gets_no_password(
    world: World, internet: Rerouted
) -> None:
    world.names.names_servers("SRV", "_imaps._tcp.example.test", "0 0 993 imap.evil.example.")
    internet.doors["imap.evil.example", IMAP] = world.dovecot.imaps, SSL
    said = await world.said(f"/addlist {world.address} password=pw")
    assert f"if you know them: /set {world.address} host=imap.evil.example" in said
    [row] = await world.rows(f"/list {world.name}")
    assert row["settings"]["host"] == ""


async def test_a_host_that_takes_no_passwords_is_told_before_anything_is_made(world: World) -> None:
    said = await world.refused("/addlist amap@hotmail.fr password=pw")
    assert "Microsoft takes no passwords" in said
    assert await world.rows("/lists") == []


_APP = "NO [ALERT] Application-specific password required: https://support.google.com/accounts/answer/185833"
_WEB = "NO [ALERT] Please log in via your web browser: http://support.google.com/mail/accounts/bin/answer.py"
_MEMORY = ""  # nobody's report was found: the kind is what counts there, and the real words may differ

# How each host words it, and the report that shows it with the server's name
REFUSALS = [
    ("liste@gmail.com", IMAP, f"{_APP} (Failure)", Trouble.APP_LOGIN,
     "not the usual one. You make it at https://myaccount.google.com/apppasswords.",
     "https://github.com/LukeSmithxyz/mutt-wizard/issues/831"),
    ("liste@gmail.com", IMAP, "NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)", Trouble.LOGIN,
     "Gmail wants an application password",
     "https://github.com/andreiaugustin/gmail_extractor/issues/4"),
    ("liste@gmail.com", IMAP, f"{_WEB} (Failure)", Trouble.APP_LOGIN,
     "Gmail wants an application password",
     "https://github.com/lovelysystems/robotframework-imaplibrary/issues/23"),
    ("liste@gmail.com", IMAP, "NO [ALERT] Your account is not enabled for IMAP use. (Failure)",
     Trouble.SWITCHED_OFF, "switch IMAP on in its settings", _MEMORY),
    ("liste@gmail.com", POP3, "-ERR [AUTH] Username and password not accepted.", Trouble.LOGIN,
     "Gmail wants an application password", _MEMORY),
    ("liste@yahoo.fr", IMAP, "NO [AUTHENTICATIONFAILED] LOGIN Invalid credentials", Trouble.LOGIN,
     "Yahoo wants an application password",
     "https://github.com/Enough-Software/enough_mail/issues/245"),
    ("liste@aol.com", IMAP, "NO [AUTHENTICATIONFAILED] LOGIN Invalid credentials", Trouble.LOGIN,
     "AOL wants an application password here, not the usual one. You make it at https://login.aol.com",
     "https://github.com/Foundry376/Mailspring/issues/1351"),
    ("liste@icloud.com", IMAP, "NO [AUTHENTICATIONFAILED] Authentication failed", Trouble.LOGIN,
     "iCloud wants an application password here, not the usual one. You make it at https://account.apple.com",
     "https://github.com/lefcha/imapfilter/issues/125"),
    ("liste@gmx.fr", POP3, "-ERR authentication failed", Trouble.LOGIN,
     "GMX lets other programs in only once IMAP is switched on",
     "https://github.com/jens-maus/yam/issues/638"),
    ("liste@ovh-client.example", IMAP, "NO [AUTHENTICATIONFAILED] Authentication failed.", Trouble.LOGIN,
     "OVH has other servers for “E-mail Pro”",
     "https://github.com/Dolibarr/dolibarr/issues/31487"),
    ("liste@ionos-client.example", IMAP, "NO authentication failed", Trouble.LOGIN,
     "Check user name and password.",
     "https://github.com/imapsync/imapsync/issues/140"),
    ("liste@entreprise.example", IMAP, "NO Basic authentication is disabled.", Trouble.NO_PASSWORDS,
     "No password is taken there",
     "https://github.com/holon-run/uxc/issues/445"),
    ("liste@entreprise.example", IMAP, "NO LOGIN failed.", Trouble.LOGIN, "Check user name and password.",
     "https://github.com/imapsync/imapsync/issues/317"),
    ("liste@orange.fr", IMAP, "NO [AUTHENTICATIONFAILED] Authentication failed.", Trouble.LOGIN,
     "Orange lets other programs in only once IMAP is switched on", _MEMORY),
    ("liste@laposte.net", IMAP, "NO LOGIN failed.", Trouble.LOGIN,
     "La Poste lets other programs in only with a password", _MEMORY),
    ("liste@zohomail.eu", IMAP,
     "NO [ALERT] You are yet to enable IMAP for your account. Please contact your administrator",
     Trouble.SWITCHED_OFF, "Zoho lets other programs in only once IMAP is switched on", _MEMORY),
    ("liste@free.fr", IMAP, "NO Authentication failed.", Trouble.LOGIN,
     "keeps older mailboxes to POP3 until they have IMAP", _MEMORY),
    ("liste@infomaniak-client.example", IMAP, "NO [AUTHENTICATIONFAILED] Authentication failed.",
     Trouble.LOGIN, "Check user name and password.", _MEMORY),
]  # fmt: skip
# What relays say, and the report that shows it
RELAYS = [
    ("535 5.7.139 Authentication unsuccessful, basic authentication is disabled.", "No password is taken",
     "https://github.com/rpremraj/mailR/issues/107"),
    ("535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
     "No password is taken", "https://github.com/nodemailer/nodemailer/issues/1484"),
    ("534 5.7.9 Application-specific password required.", "An application password is wanted", _MEMORY),
    ("535 5.7.8 Username and Password not accepted.", "E-mail Pro",
     "https://github.com/loganmarchione/docker-postfixrelay/issues/64"),
    ("535 Authentication credentials invalid", "E-mail Pro",
     "https://github.com/freescout-help-desk/freescout/issues/1489"),
]  # fmt: skip
MX = {
    "infomaniak-client.example": "5 mta-gw.infomaniak.ch.",
    "ovh-client.example": "1 mx1.mail.ovh.net.",
    "ionos-client.example": "10 mx00.ionos.fr.",
    "entreprise.example": "5 aspmx.l.google.com.",  # with words of another host, which count
}


async def test_a_refusal_says_what_that_host_wants(world: World, internet: Rerouted) -> None:
    """On the card of the new list, by /check and in /lists; the password is nowhere."""
    for domain, exchange in MX.items():
        world.names.names_servers("MX", domain, exchange)
    async with scripted_imap() as imap, scripted_pop3() as pop3:
        for number, (address, protocol, words, trouble, hint, _) in enumerate(REFUSALS):
            login = f"{number}{address}"
            guess = await world.app.desk.guessing.guess(Address(login), protocol)
            imap.answer("^LOGIN", f"TAG {words}\r\n".encode())
            pop3.answer("^PASS", f"{words}\r\n".encode())
            port = imap.port if protocol is IMAP else pop3.port
            internet.doors[guess.settings["host"], protocol] = port, NONE
            internet.doors[guess.settings["smtp_host"], None] = world.relay.port, SSL
            said = await world.said(f"/addlist {login} password=s3cret-pw protocol={protocol.value}")
            [mlist] = [each for each in await world.app.stores.lists.all() if each.address == login]
            [fetching, _] = await world.app.desk.checks.check(mlist)
            assert hint in said, said
            assert "is wanted instead of the usual one" not in said  # the host's own sentence says it
            assert (fetching.kind, "s3cret-pw" in said) == (trouble, False), said
            assert f"refuses the login of {mlist.settings.username or login} and says" in said
            assert hint in await world.trouble_of(login)


async def test_a_relay_that_refuses_is_told_of_alike(world: World, internet: Rerouted) -> None:
    at_ovh(world, internet)
    await world.do(f"/addlist {world.address} password=pw")
    for words, hint, _ in RELAYS:
        world.relay.replies["AUTH"] = words
        said = await world.refused(f"/check {world.name}")
        [reason] = [each for each in said.splitlines() if each.startswith("❌ Outgoing mail by ssl0.ovh.net")]
        assert hint in reason
        assert f"✅ Mailbox {world.address}" in said


@pytest.mark.parametrize("service", ["IMAP", "POP3", "SMTP"])
@pytest.mark.parametrize("security", [SSL, NONE])
async def test_a_server_is_known_by_its_greeting(
    dovecot: Dovecot, smtp_servers: SmtpServers, service: ServiceName, security: Security
) -> None:
    relay = await smtp_servers(security=security)
    ports = {
        "IMAP": dovecot.port(security),
        "POP3": dovecot.port(security, POP3),
        "SMTP": relay.port,
    }
    tls = certificates().client_context() if security is SSL else None
    await greeted(Server(service, "localhost", ports.pop(service), security), tls, WAIT_S)
    for other in ports.values():
        with pytest.raises(ServerTrouble) as raised:
            await greeted(Server(service, "localhost", other, security), tls, WAIT_S)
        assert raised.value.trouble is Trouble.ANSWER


async def test_a_server_that_nobody_vouches_for_is_there_all_the_same(dovecot: Dovecot) -> None:
    elsewhere = Server("IMAP", "127.0.0.2", dovecot.imaps, SSL)
    with pytest.raises(ServerTrouble) as raised:
        await greeted(elsewhere, certificates().client_context(), WAIT_S)
    assert raised.value.trouble in {Trouble.CERTIFICATE, Trouble.REFUSED}
