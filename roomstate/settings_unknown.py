"""Variables that look like settings but are none: most often a slip of the pen, which would otherwise go unnoticed."""

import difflib
import os
from collections.abc import Iterable, Iterator
from typing import Final

from dotenv import dotenv_values

from storage.settings import PREFIX, Settings

_OTHERS: Final = frozenset(
    {"STORE_PASSWORD", "TESTS_NEED_KAFKA", "TESTS_NEED_BROWSER", "TRUTH_EVENINGS", "TRUTH_ROOMS"}
)
"""Of the compose file and of the tests."""
_SETTINGS: Final = frozenset(name.upper() for name in Settings.model_fields)


def unknown_settings() -> list[str]:
    """Return a line about each variable of the environment and of `.env` that is no setting."""
    return list(_told(sorted({*os.environ, *dotenv_values(".env")})))


def _told(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        rest = name.upper().removeprefix(PREFIX)
        if name.upper().startswith(PREFIX) and rest not in _SETTINGS | _OTHERS:
            near = difflib.get_close_matches(rest, _SETTINGS, n=1)
            yield f"{name} is no setting" + (f"; is {PREFIX}{near[0]} meant?" if near else "")
