"""Fixtures for every test: the real servers and stores of tests/support."""

pytest_plugins = [
    "tests.support.clock",
    "tests.support.dovecot",
    "tests.support.smtp_server",
    "tests.support.stores",
    "tests.support.world",
]
