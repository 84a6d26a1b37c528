"""The methods of the API; importing a module enters its methods into `bot_api.calls.METHODS`."""

from tests.support.bot_api.methods import about, editing, menus, polling, sending, topics

__all__ = ["about", "editing", "menus", "polling", "sending", "topics"]
