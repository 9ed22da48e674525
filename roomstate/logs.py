"""How a part of Roomstate logs: to stderr, one line an event, with the part's name."""

import logging


def log_as(part: str) -> None:
    """Make this process log as the named part."""
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {part}: %(levelname)s %(message)s", datefmt="%H:%M:%S")
    for chatty in ("httpx", "asyncio", "uvicorn", "aiokafka", "clickhouse_connect"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
