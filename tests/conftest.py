"""Fixtures for every test: the real servers and stores of tests/support."""

import os

import hypothesis
import pytest

# the same examples at every run, however slow the machine is
hypothesis.settings.register_profile(
    "facteur",
    derandomize=True,
    deadline=None,
    suppress_health_check=[
        hypothesis.HealthCheck.too_slow,
        hypothesis.HealthCheck.function_scoped_fixture,  # an example may find what others left behind
    ],
)
hypothesis.settings.load_profile("facteur")

pytest_plugins = [
    "tests.support.clock",
    "tests.support.ports",
    "tests.support.dovecot",
    "tests.support.names",
    "tests.support.postgres",
    "tests.support.smtp_server",
    "tests.support.stores",
    "tests.support.synapse",
    "tests.support.matrix_people",
    "tests.support.matrix_bot",
    "tests.support.telegram",
    "tests.support.world",
    "tests.support.hosts",
    "tests.support.matrix_house",
]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where every server is required, a skipped test is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("REQUIRE_SERVERS") == "1" and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
