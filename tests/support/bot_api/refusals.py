"""What the Bot API answers when it refuses: HTTP status, words, and parameters.

The words are those of tdlib/telegram-bot-api (`Client::fail_query_with_error` in Client.cpp: the prefix by
status, then the sentence with a small first letter) or of the error list of tdlib/td that it passes on.
"""

from __future__ import annotations


class Refusal(Exception):
    """An answer with ``ok: false``; see core.telegram.org/bots/api#making-requests."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(f"{code} {description}")
        self.code = code
        self.description = description
        self.parameters = parameters


def bad_request(why: str) -> Refusal:
    return Refusal(400, f"Bad Request: {why}")


def forbidden(why: str) -> Refusal:
    return Refusal(403, f"Forbidden: {why}")


def conflict(why: str) -> Refusal:
    return Refusal(409, f"Conflict: {why}")


def flood(retry_after_s: int) -> Refusal:
    """core.telegram.org/bots/api#responseparameters: `retry_after` in whole seconds."""
    words = f"Too Many Requests: retry after {retry_after_s}"
    return Refusal(429, words, retry_after=retry_after_s)


def upgraded(new_chat_id: int) -> Refusal:
    """core.telegram.org/bots/api#responseparameters: `migrate_to_chat_id`; words of Client.cpp,
    `check_chat_access`.
    """
    return Refusal(
        400,
        "Bad Request: group chat was upgraded to a supergroup chat",
        migrate_to_chat_id=new_chat_id,
    )
