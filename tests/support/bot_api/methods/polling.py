"""getMe, getUpdates, webhooks (never called here, only in the way), close and logOut."""

from __future__ import annotations

from typing import Any

from tests.support.bot_api.calls import Call, method
from tests.support.bot_api.refusals import conflict


@method("getMe")
async def get_me(call: Call) -> dict[str, Any]:
    """core.telegram.org/bots/api#getme."""
    return call.network.bot | {
        "can_join_groups": True,
        "can_read_all_group_messages": not call.network.privacy,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


@method("getUpdates")
async def get_updates(call: Call) -> list[dict[str, Any]]:
    """core.telegram.org/bots/api#getupdates."""
    updates = call.network.updates
    if "allowed_updates" in call.parameters:
        updates.allowed = call.json("allowed_updates", [])
    call.network.changed()
    try:
        return await updates.get(call.number("offset"), call.number("limit", 100), call.number("timeout"))
    finally:
        call.network.changed()


@method("setWebhook")
async def set_webhook(call: Call) -> bool:
    """core.telegram.org/bots/api#setwebhook; an empty URL removes it."""
    updates = call.network.updates
    updates.webhook = call.text("url")
    if updates.webhook:
        updates.end_poll(conflict("terminated by setWebhook request"))
    _drop_pending(call)
    return True


@method("deleteWebhook")
async def delete_webhook(call: Call) -> bool:
    """core.telegram.org/bots/api#deletewebhook."""
    call.network.updates.webhook = ""
    _drop_pending(call)
    return True


@method("getWebhookInfo")
async def get_webhook_info(call: Call) -> dict[str, Any]:
    """core.telegram.org/bots/api#webhookinfo."""
    updates = call.network.updates
    return {
        "url": updates.webhook,
        "has_custom_certificate": False,
        "pending_update_count": len(updates.waiting),
    }


@method("close")
@method("logOut")
async def leave(call: Call) -> bool:
    """core.telegram.org/bots/api#close, #logout: without the ten minutes of silence afterwards."""
    return True


def _drop_pending(call: Call) -> None:
    if call.flag("drop_pending_updates"):
        call.network.updates.waiting = []
