"""Lines read all at once: each gives what it gives alone, whatever its neighbours are."""

import pytest

from state_machine.inputs import Input
from storage.frames import INPUT_BYTES_MAX, UINT64_MAX, MalformedLine, decode_input, encode_input, read_inputs

SOUND = [
    b'{"received_at_ms":5}',
    b' {"received_at_ms":5, "room":"r", "extra":{"a":[1]}} ',
    encode_input(Input(kind="open", received_at_ms=7, room_kind="account", lease_ms=1, bytes_sent=UINT64_MAX >> 1)),
]
ODD = [
    *(b"", b"{", b"[]", b"null", b"\xff", b"[" * 5000),
    b'{"received_at_ms":5}{"received_at_ms":5}',
    b'{"kind":"nope","received_at_ms":5}',
    b'{"room_kind":"nope","received_at_ms":5}',
    *(b"{}", b'{"received_at_ms":0}', b'{"received_at_ms":9000000000000}', b'{"received_at_ms":5.0}'),
    *(b'{"received_at_ms":5,"%s":-1}' % name for name in (b"seq", b"connections", b"lease_ms", b"bytes_recv")),
    b'{"received_at_ms":5,"seq":%d}' % UINT64_MAX,
    b'{"received_at_ms":5,"bytes_sent":%d}' % (UINT64_MAX + 1),
    b'{"received_at_ms":5,"connections":%d}' % (1 << 80),
    b'{"received_at_ms":5,"room":"%s"}' % (b"a" * INPUT_BYTES_MAX),
]


def alone(line: bytes) -> dict[str, object]:
    """Return what the line says by itself, or why it says nothing."""
    try:
        item = decode_input(line)
    except MalformedLine as malformed:
        return {"reason": malformed.reason}
    return {name: getattr(item, name) for name in Input.__slots__}


def among_others(line: bytes) -> dict[str, object]:
    """Return the same of the line between sound ones, which are read along."""
    *before, found, _ = read_inputs([*SOUND, line, SOUND[0]])
    assert [item.received_at_ms for item in before if not isinstance(item, MalformedLine)] == [5, 5, 7]
    if isinstance(found, MalformedLine):
        return {"reason": found.reason}
    return {name: getattr(found, name) for name in Input.__slots__}


@pytest.mark.parametrize("line", [*SOUND, *ODD], ids=range(len(SOUND) + len(ODD)))
def test_a_line_gives_the_same_alone_and_among_others(line: bytes) -> None:
    assert among_others(line) == alone(line)


def test_no_lines_give_nothing() -> None:
    assert read_inputs([]) == []
