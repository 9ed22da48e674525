"""What is compared of an input and its row: one text, made here of the log's line and there of the store's columns.

Of every fact 0: everything that the row takes from the input whatever is decided. That is kind, room, id, sequence
number, times, event, device, service, app and traffic; of a status its session, the declared state and counters; of
other kinds the session or the user where the row's is the input's. Then the personal part, which an operator may have
erased: address, user agent, that user, and of a status what no column holds. Of a dead letter: the reason and the
bytes. Of a consequence: what it copies of its input. What was decided (verdicts, snapshots, leases) is not in the log;
only judging again could compare it. Both sides hash the texts, so one hash stands for a row.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec
from clickhouse_cityhash.cityhash import CityHash64  # type: ignore[import-untyped]

from state_machine.inputs import Input
from storage.frames import FRAME_BYTES_MAX, MalformedLine, partition_of, read_input

city_hash: Final[Callable[[str | bytes], int]] = CityHash64
COUNTER_MAX: Final = (1 << 32) - 1
SESSION_KINDS: Final = ("status", "open", "refresh", "close", "expire", "log_domains")
"""The session of fact 0 is the input's; a kill may name nobody, and the others are about the room."""
USER_KINDS: Final = ("room_create", "room_update", "room_delete", "publish", "unpublish", "register")
"""The user of fact 0 is the input's; elsewhere it is the session's."""


_NUL: Final = ", '\\0', "


def _text(*parts: str) -> str:
    return f"concat({_NUL.join(parts)})" if len(parts) > 1 else parts[0]


def _time(column: str) -> str:
    return f"toString(toUnixTimestamp64Milli({column}))"


_IDENTITY: Final = (
    *("kind", "toString(room_kind)", "room_id", "input_id", "toString(client_seq)"),
    *(_time("occurred_at"), _time("received_at")),
)
_DECLARED: Final = ("state", "toString(connections)", "toString(send_streams)", "toString(recv_streams)")

CORE_PARTS: Final = {
    **dict(
        zip(
            ("kind", "room_kind", "room_id", "input_id", "client_seq", "occurred_at", "received_at"),
            _IDENTITY,
            strict=True,
        )
    ),
    "session_id": f"if(kind IN {SESSION_KINDS}, session_id, '')",
    **{name: name for name in ("event", "device_type", "service", "app")},
    **{name: f"toString({name})" for name in ("bytes_sent", "bytes_recv")},
    "state, counters": f"if(kind = 'status', {_text(*_DECLARED)}, '')",
}
PERSONAL_PARTS: Final = {
    "client_ip": "client_ip",
    "user_agent": "user_agent",
    "user_id": f"if(kind IN {USER_KINDS}, user_id, '')",
    "extra": "if(kind = 'status', extra, '')",
}
"""By the names that a person is told."""

_KEPT_BYTES: Final = "tryBase64Decode(JSONExtractString(extra, 'base64'))"
_CORE_SQL: Final = f"if(fact = 'dead_letter', {_text('fact', 'reason', _KEPT_BYTES)}, {_text(*CORE_PARTS.values())})"
_PERSONAL_SQL: Final = f"if(fact = 'dead_letter', '', {_text(*PERSONAL_PARTS.values())})"
_PLACE_SQL: Final = _text(
    *(f"toString({name})" for name in ("log_partition", "log_offset", "frame_inputs", "log_index"))
)

ROW_HASH: Final = f"cityHash64({_text(_PLACE_SQL, _CORE_SQL, _PERSONAL_SQL)})"
"""Of a fact 0 with its place."""
COPY_HASH: Final = f"cityHash64({_text(*_IDENTITY)})"
"""Of what a consequence copies of its input."""
CORE_HASH: Final = f"if(fact_index = 0, cityHash64({_CORE_SQL}), {COPY_HASH})"
PERSONAL_HASH: Final = f"if(fact_index = 0, cityHash64({_PERSONAL_SQL}), 0)"
IS_ERASED: Final = "user_id = '' AND client_ip = '' AND user_agent = '' AND extra = ''"

_ENCODER: Final = msgspec.json.Encoder()


class Expected(NamedTuple):
    """What the row of an input must say."""

    core: tuple[str, ...]
    """In the order of `CORE_PARTS`; of a dead letter other parts."""
    personal: tuple[str, ...]
    """In the order of `PERSONAL_PARTS`; of a dead letter nothing."""
    copied: str
    """What a consequence says; empty where there can be none."""
    extra: dict[str, Any]
    """Members of a command that its row must keep somewhere in `extra`."""

    @property
    def is_dead_letter(self) -> bool:
        """Whether the line is no input."""
        return not self.personal

    def row_hash(self, place: str) -> int:
        """Return what `ROW_HASH` is of the row at the place (partition, offset, frame's inputs, index)."""
        return hash_of(place, *self.core, "\0".join(self.personal))

    @property
    def core_hash(self) -> int:
        """What `CORE_HASH` is of its fact 0."""
        return hash_of(*self.core)

    @property
    def personal_hash(self) -> int:
        """What `PERSONAL_HASH` is of its fact 0."""
        return hash_of(*self.personal)

    @property
    def copy_hash(self) -> int:
        """What `CORE_HASH` is of its consequences."""
        return hash_of(self.copied)


def expected_of(line: bytes, partition: int, partitions: int) -> Expected:
    """Return what the row of a line of that partition must say."""
    try:
        item = read_input(line)
    except MalformedLine as malformed:
        return _dead_letter(malformed.reason, line)
    if partition_of(item.room_kind, item.room, partitions) != partition:
        return _dead_letter("wrong_partition", line)
    return expected_of_input(item)


def expected_of_input(item: Input) -> Expected:
    """Return what the row of an input that is where it belongs must say."""
    is_status = item.kind == "status"
    times = str(item.occurred_at_ms or item.received_at_ms), str(item.received_at_ms)
    identity = (item.kind, item.room_kind, item.room, item.id, str(item.seq), *times)
    counters = (item.connections, item.send_streams, item.recv_streams)
    core = (
        *identity,
        item.session if item.kind in SESSION_KINDS else "",
        *(item.event, item.device_type, item.service, item.app, str(item.bytes_sent), str(item.bytes_recv)),
        "\0".join((item.state, *(str(min(count, COUNTER_MAX)) for count in counters))) if is_status else "",
    )
    user = item.user if item.kind in USER_KINDS else ""
    extra = extra_text(item.extra) if is_status and item.extra else ""
    personal = (item.client_ip, item.user_agent, user, extra)
    return Expected(core, personal, "\0".join(identity), {} if is_status else item.extra)


def extra_text(extra: dict[str, Any]) -> str:
    """Return how a status' row keeps the members that no column holds."""
    return _ENCODER.encode({"input": extra}).decode()


def keeps(extra: str, members: dict[str, Any]) -> bool:
    """Tell whether the `extra` of a command's row has all members of its input, at the top or under `input`."""
    kept = msgspec.json.decode(extra, type=dict[str, Any]) if extra else {}
    inner = kept.get("input")
    return members.items() <= kept.items() or (isinstance(inner, dict) and members.items() <= inner.items())


def hash_of(*parts: str) -> int:
    """Return the hash of the parts' text."""
    return city_hash("\0".join(parts).encode("utf-8", "surrogateescape"))


def _dead_letter(reason: str, line: bytes) -> Expected:
    kept = line[:FRAME_BYTES_MAX].decode("utf-8", "surrogateescape")
    return Expected(("dead_letter", reason, kept), (), "", {})
