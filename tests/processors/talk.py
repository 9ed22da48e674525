"""Inputs as clients send them, for tests that care for what becomes of many."""

from state_machine.inputs import Input
from tests.processors.builders import command, status


def some_talk(begin: int, received_at_ms: int, rooms: int = 12) -> list[Input]:
    """Return a few inputs of each room: joins, statuses, an answer that somebody waits for."""
    items = []
    for number in range(rooms):
        room = f"room {number}"
        items += [
            command("open", room, f"{begin}", received_at_ms=received_at_ms, id=f"{room}/{begin}"),
            status(room, f"{begin}", received_at_ms=received_at_ms),
            status(room, "other", received_at_ms=received_at_ms + 1, id=f"{begin}", connections=begin),
        ]
    return items
