"""The program as people start it: several processes on one database, signals, the demonstration."""

from __future__ import annotations

import asyncio
import json
import re
import resource
from pathlib import Path

import pytest

from bot.core.settings import Security
from tests.support.dovecot import Account, Dovecot
from tests.support.patience import WAIT_S
from tests.support.postgres import Postgres
from tests.support.program import Program, installed
from tests.support.smtp_server import HANG, SmtpServer
from tests.support.stores import BOTH
from tests.support.world import mail


@pytest.fixture
def program(tmp_path: Path, smtp_server: SmtpServer, no_names: int, database_url: str) -> Program:
    """An installation that sends by the recording relay."""
    return installed(tmp_path, smtp_server.port, no_names, database_url)


async def add_list(program: Program, dovecot: Dovecot, *, undo_s: int = 0) -> Account:
    """A list that holds everything, with one member."""
    mailbox = dovecot.add_user()
    account = dovecot.mailbox_account(mailbox, Security.NONE)
    await program.beside(
        f"/addlist {mailbox.address} host={account.host} port={account.port} security=none "
        f"password={account.password} moderation=all undo_s={undo_s}",
        f"/addmember {mailbox.address} anne@example.org",
    )
    return mailbox


@BOTH
async def test_two_processes_decide_at_once_and_one_is_told_who_was_first(
    program: Program, dovecot: Dovecot, smtp_server: SmtpServer
) -> None:
    """The first wins, whichever it is; the other changes nothing."""
    mailbox = await add_list(program, dovecot)
    await asyncio.to_thread(dovecot.deliver, mailbox, mail())
    async with program.serving() as service:
        await service.logged("settled")

    answers = await asyncio.gather(program.do("/distribute 1"), program.do("/reject 1 non"))

    first, second = sorted(answers, key=lambda answer: not answer["ok"])
    assert first["ok"]
    assert not second["ok"]
    assert re.search(r"already (distributed|rejected) by \w+", second["text"]), second["text"]
    [row] = await program.rows("/show 1")
    assert row["state"] in {"accepted", "rejected"}
    async with program.serving() as service:
        await service.logged("recorded")
    assert len(smtp_server.taken) == 1


async def test_a_list_added_beside_a_running_service_is_polled(
    program: Program, dovecot: Dovecot, smtp_server: SmtpServer
) -> None:
    """Nobody restarts anything: what one process writes, the other follows."""
    async with program.serving() as service:
        mailbox = await add_list(program, dovecot)
        await asyncio.to_thread(dovecot.deliver, mailbox, mail(subject="Miel"))
        await service.logged("settled")
        await program.beside("/distribute 1")
        await smtp_server.wait_for(1)


async def test_mail_is_noticed_at_once_where_the_server_tells(program: Program, dovecot: Dovecot) -> None:
    """IMAP IDLE: the next poll would be an hour away."""
    program.file.write_text(program.file.read_text().replace("interval_s = 1", "interval_s = 3600"))
    mailbox = await add_list(program, dovecot)
    async with program.serving() as service:
        await asyncio.to_thread(dovecot.deliver, mailbox, mail())
        await service.logged("received")


@pytest.mark.parametrize("signal", ["SIGTERM", "SIGINT"])
async def test_a_signal_lets_the_transaction_under_way_finish(
    program: Program, dovecot: Dovecot, smtp_server: SmtpServer, signal: str
) -> None:
    """Exit 0, and what the relay took is stored as delivered."""
    import signal as signals

    smtp_server.once["END"].append(HANG)
    mailbox = await add_list(program, dovecot)
    await asyncio.to_thread(dovecot.deliver, mailbox, mail())
    async with program.serving() as service:
        await service.logged("settled")
        await program.beside("/distribute 1")
        await asyncio.wait_for(smtp_server.hanging.wait(), WAIT_S)
        service.process.send_signal(getattr(signals, signal))
        await service.logged("stopping")
        smtp_server.released.set()
        assert await service.stop() == 0

    [row] = await program.beside("/show 1")
    assert row["deliveries"]["delivered"] == 1


async def test_a_relay_that_hangs_does_not_keep_it_from_stopping(
    program: Program, dovecot: Dovecot, smtp_server: SmtpServer
) -> None:
    """The attempt is stored, so nothing is lost by leaving."""
    smtp_server.replies["END"] = HANG
    mailbox = await add_list(program, dovecot)
    await asyncio.to_thread(dovecot.deliver, mailbox, mail())
    async with program.serving() as service:
        await service.logged("settled")
        await program.beside("/distribute 1")
        await asyncio.wait_for(smtp_server.hanging.wait(), WAIT_S)
        assert await service.stop() == 0
    assert "cut short" in {line["event"] for line in service.lines}


async def test_a_disk_that_is_full_loses_nothing_and_needs_nobody(
    program: Program, dovecot: Dovecot, smtp_server: SmtpServer
) -> None:
    """Full while a relay thinks about a mail and another comes: the first leaves once, the other is taken in.

    The process may write no more into its files, which SQLite meets as it meets a full disk.
    """
    mailbox = await add_list(program, dovecot)
    await asyncio.to_thread(dovecot.deliver, mailbox, mail(subject="Miel"))
    smtp_server.once["END"].append(HANG)
    async with program.serving() as service:
        await service.logged("settled")
        await program.beside("/distribute 1")
        await asyncio.wait_for(smtp_server.hanging.wait(), WAIT_S)
        unlimited = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        await asyncio.to_thread(dovecot.deliver, mailbox, mail(subject="Carottes"))
        smtp_server.released.set()
        trouble = await service.logged("outcomes not stored yet")
        await service.logged("failed", part="poll 1")

        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, unlimited)
        await service.logged("recorded")
        await service.logged("settled", 2)
    assert "disk is not full" in trouble["why"]
    assert len(smtp_server.taken) == 1
    [row] = await program.beside("/pending")
    assert row["subject"] == "Carottes"


@BOTH
async def test_a_second_service_on_the_same_data_is_refused(program: Program) -> None:
    async with program.serving():
        code, _, told = await program.run("run")
        assert (code, "is running on these data already" in told) == (1, True)
        code, _, told = await program.run("poll")
        assert (code, "is running on these data already" in told) == (1, True)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_many_processes_deliver_from_one_postgresql(
    program: Program, dovecot: Dovecot, smtp_server: SmtpServer
) -> None:
    """One polls and two send; a pass that would do it all again is refused."""
    mailbox = await add_list(program, dovecot)
    async with (
        program.serving("--only", "poll") as polling,
        program.serving("--only", "deliver") as one,
        program.serving("--only", "deliver") as two,
    ):
        code, _, told = await program.run("poll")
        assert (code, "is running on these data already" in told) == (1, True)
        await asyncio.to_thread(dovecot.deliver, mailbox, mail())
        await polling.logged("settled")
        await program.beside("/distribute 1")
        await program.until("/archives", lambda rows: [row["state"] for row in rows] == ["distributed"])
        sent = [line for service in (one, two) for line in service.lines if line["event"] == "recorded"]
    assert len(sent) <= 1
    assert len(smtp_server.taken) == 1


async def test_a_postgresql_that_is_restarted_needs_no_hand(
    mortal_postgres: Postgres, tmp_path: Path, dovecot: Dovecot, smtp_server: SmtpServer, no_names: int
) -> None:
    """The service says that it lost the database and that it has it back, and goes on with its mail."""
    url = mortal_postgres.url(mortal_postgres.new_database())
    program = installed(tmp_path, smtp_server.port, no_names, url)
    mailbox = await add_list(program, dovecot)
    async with program.serving() as service:
        await asyncio.to_thread(mortal_postgres.stop)
        await asyncio.to_thread(dovecot.deliver, mailbox, mail())
        await service.logged("failed")
        code, _, told = await program.run("do", "/lists")
        assert (code, "see that PostgreSQL runs" in told) == (1, True)
        await asyncio.to_thread(mortal_postgres.start)
        await service.logged("settled")
        await program.beside("/distribute 1")
        await smtp_server.wait_for(1)
        assert await service.stop() == 0


async def test_one_pass_polls_and_sends_and_survives_a_mailbox_in_trouble(
    program: Program, dovecot: Dovecot, smtp_server: SmtpServer
) -> None:
    """``facteur poll``, for cron: a failing mailbox is told and does not change exit 0."""
    mailbox = await add_list(program, dovecot)
    await program.beside("/addlist broken@example.test host=127.0.0.1 port=1 security=none password=x")
    await asyncio.to_thread(dovecot.deliver, mailbox, mail())
    code, _, told = await program.run("poll")
    assert code == 0
    assert "broken@example.test: " in told
    await program.beside("/distribute 1")

    code, _, _ = await program.run("poll")

    assert code == 0
    assert [taken.recipients for taken in smtp_server.taken] == [("anne@example.org",)]


async def test_check_names_each_account_and_fails_if_one_does(program: Program, dovecot: Dovecot) -> None:
    mailbox = await add_list(program, dovecot)

    code, told, _ = await program.run("check")
    assert code == 0, told
    assert len(re.findall(rf"^{re.escape(mailbox.address)}: .*: OK$", told, re.MULTILINE)) == 2

    await program.beside(f'/set {mailbox.address} password="wrong"')
    code, told, _ = await program.run("check")
    assert code == 1
    assert "wrong" not in told


async def test_check_sees_the_lists_mail_to_itself_come_back(
    program: Program, dovecot: Dovecot, smtp_server: SmtpServer
) -> None:
    """Out by the relay, in by the mailbox, taken in by the service, told by the program that waits for it."""
    mailbox = await add_list(program, dovecot)
    stamped = b"Authentication-Results: mx.example.test; dmarc=pass header.from=example.test\r\n"
    smtp_server.on_taken = lambda _, taken: dovecot.deliver(mailbox, stamped + taken.raw)
    async with program.serving() as service:
        code, told, _ = await program.run("check")
        await service.logged("self-test back")
    assert code == 0, told
    assert "A mail from the list to itself: OK" in told
    assert "mx.example.test says: SPF not said, DKIM not said, DMARC pass" in told
    assert f"/set {mailbox.address.partition('@')[0]} auth_host=mx.example.test" in told


async def test_check_tries_the_common_account_before_there_is_a_list(
    program: Program, smtp_server: SmtpServer
) -> None:
    code, told, _ = await program.run("check")
    assert code == 0
    assert f"[smtp]: Outgoing mail by 127.0.0.1:{smtp_server.port}: OK" in told
    assert "There is no list yet" in told

    program.file.write_text(program.file.read_text().replace(str(smtp_server.port), "1"))
    code, told, _ = await program.run("check")
    assert code == 1
    assert "[smtp]: Outgoing mail by 127.0.0.1:1: " in told


async def test_a_file_that_cannot_be_written_is_told_in_a_sentence(
    program: Program, dovecot: Dovecot
) -> None:
    """Also to a script; the archive of a deleted list lies beside the database whatever happens."""
    mailbox = await add_list(program, dovecot)
    await asyncio.to_thread(dovecot.deliver, mailbox, mail(subject="Carottes"))
    assert (await program.run("poll"))[0] == 0
    process = await program.start("do", "/eml 1", "--json", cwd="/proc")
    out, _ = await process.communicate()
    answer = json.loads(out)
    assert (answer["ok"], process.returncode) == (False, 1)
    assert "1.eml cannot be written here" in answer["text"]

    answer = await program.do(f"/dellist {mailbox.address} confirm=yes")
    archive = Path(answer["file"])
    assert archive.parent == program.folder / "data" / "exports"
    assert b"Subject: Carottes" in await asyncio.to_thread(archive.read_bytes)


async def test_a_password_need_not_stand_on_the_command_line(program: Program) -> None:
    line = "/addlist new@example.test host=127.0.0.1 port=1 security=none password=s3cret\n"
    code, told, _ = await program.run("do", "-", given=line)
    assert (code, "new@example.test is a mailing list now" in told) == (0, True)


async def test_json_is_printed_whatever_goes_wrong(program: Program) -> None:
    """A script can rely on one object and on the exit code."""
    for command in ("/nonsense", "/show 99", "/set nowhere x=y", ""):
        answer = await program.do(command)
        assert answer["ok"] is False
        assert (answer["rows"], answer["file"]) == ([], None)
        assert answer["text"]


async def test_a_wrong_configuration_or_command_line_exits_with_2(program: Program) -> None:
    assert (await program.run("frobnicate"))[0] == 2
    assert (await program.run("run", "--only", "nothing"))[0] == 2
    program.file.write_text('organisation = ""\nlangage = "fr"\n')
    code, _, told = await program.run("run")
    assert code == 2
    assert "organisation:" in told
    assert "langage:" in told


async def test_migrating_is_done_by_every_command_and_alone(program: Program) -> None:
    code, _, _ = await program.run("migrate")
    assert code == 0
    data = program.folder / "data"
    assert (data / "facteur.db").stat().st_mode & 0o777 == 0o600
    assert data.stat().st_mode & 0o777 == 0o700
    assert (data / "secret.key").stat().st_mode & 0o777 == 0o600


async def test_no_log_line_has_a_password_or_a_body(program: Program, dovecot: Dovecot) -> None:
    program.file.write_text(program.file.read_text())
    mailbox = await add_list(program, dovecot)
    await program.beside(f'/set {mailbox.address} smtp_password="hunter2-hunter2" smtp_username="someone"')
    await asyncio.to_thread(dovecot.deliver, mailbox, mail(body=b"a very private sentence\r\n"))
    async with program.serving() as service:
        await service.logged("settled")
    logged = str(service.lines)
    assert "hunter2" not in logged
    assert "private sentence" not in logged


@pytest.mark.parametrize(
    ("lang", "step"),
    [
        ("en_GB.UTF-8", "✓ every copy is the list's"),
        ("fr_FR.UTF-8", "✓ chaque copie porte le nom de la liste"),
    ],
)
async def test_the_demonstration_plays_itself(tmp_path: Path, lang: str, step: str) -> None:
    """``facteur demo --auto`` exits 0 only if every step did what it says."""
    program = Program(tmp_path, environment={"LANG": lang})
    code, told, complaints = await program.run("demo", "--auto")

    assert code == 0, told + complaints
    assert complaints == ""
    assert step in told


async def test_a_person_decides_the_demonstration_with_the_keyboard(tmp_path: Path) -> None:
    """Three held posts wait; a number presses a button."""
    program = Program(tmp_path, environment={"LANG": "en_GB.UTF-8"})
    console = await program.start("demo", stdin=asyncio.subprocess.PIPE)
    assert console.stdin
    assert console.stdout

    async def until(words: str) -> str:
        async with asyncio.timeout(WAIT_S):
            while True:
                line = (await console.stdout.readline()).decode()  # type: ignore[union-attr]
                assert line, f"never said: {words}"
                if words in line:
                    return line

    numbers = [re.search(r"\[(\d+)\] ✅ Distribute", await until("✅ Distribute")) for _ in range(3)]
    assert numbers[0]
    console.stdin.write(f"{numbers[0][1]}\n".encode())
    await until("unless undone within")
    console.stdin.write(b"/quit\n")
    await until("Thank you for playing")
    await console.wait()
    assert console.returncode == 0
