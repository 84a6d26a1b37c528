from __future__ import annotations

from bot.core.sections import Section, keys_of
from bot.core.settings import ListSettings


def test_every_setting_is_in_one_section() -> None:
    keys = [key for section in Section for key in keys_of(section)]
    assert keys == list(ListSettings.model_fields)
