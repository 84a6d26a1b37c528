"""The mails of other projects are there, as many as tests count on: an empty corpus would prove nothing."""

from tests.support import corpora


def test_every_corpus_is_complete() -> None:
    assert len(corpora.flufl_bounce()) == 117
    assert len(corpora.mailman()) == 13
    assert len(corpora.cpython()) == 48


def test_its_mails_are_mails() -> None:
    """Each as it is in the package, not as text."""
    assert b"\nFrom: " in corpora.flufl_bounce()["postfix_01"]
    assert b"message/rfc822" in corpora.mailman()["handlers/tests/data/msg_rfc822"]
    assert b"\nSubject: " in corpora.cpython()["msg_01"]
