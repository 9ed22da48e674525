"""How a part of Roomstate logs: to stderr, one line an event, with the part's name."""

import logging
import os
from typing import Final

VARIABLE: Final = "ROOMSTATE_PART"
"""Set in the environment of a child to what its parent calls it."""


def log_as(part: str) -> None:
    """Make this process log as the named part, or as its parent calls it."""
    part = os.environ.pop(VARIABLE, part)
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {part}: %(levelname)s %(message)s", datefmt="%H:%M:%S")
    for chatty in ("httpx", "asyncio", "uvicorn", "aiokafka", "clickhouse_connect"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
