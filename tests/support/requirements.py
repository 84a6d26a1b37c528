"""What becomes of a test whose server is not installed here."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing_server(reason: str) -> NoReturn:
    """Skip the test, saying what to install; fail where servers are required (continuous integration)."""
    if os.environ.get("REQUIRE_SERVERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
