"""Every mistake of a configuration is told at once, in words that help, without a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.loading import ConfigurationError, load

SECRET = "correct-horse-battery"


def written(folder: Path, text: str) -> Path:
    file = folder / "facteur.toml"
    file.write_text(text)
    return file


def mistakes(file: Path) -> dict[str, str]:
    """What is wrong, by key."""
    with pytest.raises(ConfigurationError) as caught:
        load(file)
    return {found.key: found.template.format(**found.values) for found in caught.value.mistakes}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a test sets."""
    import os

    for name in [name for name in os.environ if name.startswith("FACTEUR_")]:
        monkeypatch.delenv(name)


def test_an_empty_file_is_a_configuration(tmp_path: Path) -> None:
    settings = load(written(tmp_path, ""))

    assert settings.data_dir == tmp_path / "data"
    assert settings.poll.interval_s == 300
    assert settings.archive.keep_days == 90


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    """Also several in one section, an unknown key, an unknown section and a secret's missing file."""
    file = written(
        tmp_path,
        f"""
        organisation = ""
        langage = "fr"
        timezone = "Mars/Base"
        admins = ["anne"]
        database_url = "mysql://u:{SECRET}@host/name"
        [poll]
        interval_s = "often"
        [smtp]
        port = 99999
        password_file = "/nowhere/at/all"
        hots = "ssl0.ovh.net"
        redirect_to = " "
        security = "tls"
        [reminders]
        at = ["25:00"]
        [telegramm]
        token = "{SECRET}"
        """,
    )

    told = mistakes(file)

    assert told == {
        "organisation": "must not be empty",
        "langage": "there is no such key",
        "timezone": "must be a time zone such as Europe/Paris",
        "admins": 'must be ids such as "telegram:123456789" (see /whoami)',
        "database_url": "must be empty or postgres://user:password@host/name",
        "poll.interval_s": "must be a whole number",
        "smtp.port": "must be 65535 or less",
        "smtp.password_file": "the file /nowhere/at/all cannot be read (No such file or directory)",
        "smtp.security": "must be one of 'ssl', 'starttls', 'none'",
        "smtp.hots": "there is no such key",
        "smtp.redirect_to": "must be empty or one address",
        "reminders.at": 'must be hours such as "09:00"',
        "telegramm": "there is no such key",
    }


def test_no_error_shows_a_secret(tmp_path: Path) -> None:
    file = written(tmp_path, f'[smtp]\npassword = ["{SECRET}"]\n[telegram]\ntoken = {{ x = "{SECRET}" }}\n')

    with pytest.raises(ConfigurationError) as caught:
        load(file)

    assert {"smtp.password", "telegram.token"} == {found.key for found in caught.value.mistakes}
    assert SECRET not in f"{caught.value!r} {caught.value.mistakes}"


@pytest.mark.parametrize("password", [f"a/{SECRET}", f"{SECRET}#", f"{SECRET}?b", f"[{SECRET}"])
def test_a_password_that_breaks_the_url_is_told(tmp_path: Path, password: str) -> None:
    """Without it."""
    file = written(tmp_path, f'database_url = "postgres://facteur:{password}@db.example.org/facteur"\n')

    with pytest.raises(ConfigurationError) as caught:
        load(file)

    assert [found.key for found in caught.value.mistakes] == ["database_url"]
    assert SECRET not in f"{caught.value!r} {caught.value.mistakes}"


def test_settings_do_not_show_their_secrets(tmp_path: Path) -> None:
    settings = load(written(tmp_path, f'[smtp]\npassword = "{SECRET}"\n'))

    assert settings.smtp.password.get_secret_value() == SECRET
    assert SECRET not in repr(settings)


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{SECRET}\n")

    settings = load(written(tmp_path, f'[smtp]\npassword_file = "{tmp_path}/password"\n'))

    assert settings.smtp.password.get_secret_value() == SECRET


def test_the_path_of_a_secret_starts_from_the_file_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the command is given: cron starts it in another folder."""
    (tmp_path / "password").write_text(f"{SECRET}\n")
    file = written(tmp_path, '[smtp]\npassword_file = "password"\n')
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    assert load(file).smtp.password.get_secret_value() == SECRET


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "password").write_text(SECRET)
    monkeypatch.setenv("FACTEUR_ORGANISATION", "AMAP d'ailleurs")
    monkeypatch.setenv("FACTEUR_SMTP__PORT", "2525")
    monkeypatch.setenv("FACTEUR_SMTP__FROM", "robot@amap.example")
    monkeypatch.setenv("FACTEUR_SMTP__PASSWORD_FILE", f"{tmp_path}/password")
    monkeypatch.setenv("FACTEUR_ADMINS", "telegram:1, matrix:@anne:example.org")
    monkeypatch.setenv("FACTEUR_REMINDERS__AT", "07:30,19:00")

    settings = load(written(tmp_path, 'organisation = "AMAP"\n[smtp]\nhost = "h"\nport = 25\n'))

    assert settings.organisation == "AMAP d'ailleurs"
    assert (settings.smtp.host, settings.smtp.port, settings.smtp.from_) == ("h", 2525, "robot@amap.example")
    assert settings.smtp.password.get_secret_value() == SECRET
    assert settings.admins == ["telegram:1", "matrix:@anne:example.org"]
    assert settings.reminders.at == ["07:30", "19:00"]


def test_unknown_names_in_the_environment_are_mistakes_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACTEUR_SMTP__POTR", "25")
    monkeypatch.setenv("FACTEUR_ORGANIZATION", "x")
    monkeypatch.setenv("FACTEUR_SECRET_KEY", "not a key of the file")

    told = mistakes(written(tmp_path, ""))

    assert told == {
        "smtp.potr": "there is no such key",
        "FACTEUR_ORGANIZATION": "there is no such key",
    }


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"organisation = \n", "is not TOML"),
        (b"organisation = '\xe9'\n", "not UTF-8"),
        (None, "there is no such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_mistake(
    tmp_path: Path, content: bytes | None, expected: str
) -> None:
    file = tmp_path / "facteur.toml"
    if content is not None:
        file.write_bytes(content)

    [told] = mistakes(file).values()

    assert expected in told


def test_every_key_is_documented(tmp_path: Path) -> None:
    """docs/configuration.md names every key, and the example file is one that loads."""
    from config.settings import Settings

    page = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text()
    example = Path(__file__).parents[3] / "facteur.example.toml"

    for name, field in Settings.model_fields.items():
        kinds = (field.annotation, *getattr(field.annotation, "__args__", ()))
        section = next((kind for kind in kinds if hasattr(kind, "model_fields")), None)
        inner = section.model_fields.items() if section else ()
        for key in [f"{name}.{found.alias or key}" for key, found in inner] or [name]:
            assert key.removesuffix("_file") in page, key
    assert load(example).smtp.host == "ssl0.ovh.net"
