"""What POST /v1/inputs takes: JSON to lines of the log, each input judged on its own.

Members that nothing here knows travel in `extra`; one that looks like a misspelt name is hinted at, see `hints`. A
status needs a room, a session, an event and a state; counters that are left out are 0; of one that no column holds,
`extra` keeps what was sent. `register` is refused: users come from POST /registration, which seals their keys.
Source: interfaces, Native HTTP; design section 3.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from ingest.lines import Line, encode_line
from ingest.streams.publishing import KINDS, publication_trouble
from state_machine.statuses import COUNTER_MAX
from state_machine.vocabulary import INPUT_KINDS, ROOM_KINDS
from storage.frames import INPUT_BYTES_MAX, TIME_MS_MAX, partition_of

INPUTS_MAX: Final = 10_000
BODY_BYTES_MAX: Final = 8 * 1024 * 1024
NDJSON_TYPES: Final = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}
)
JSON_TYPES: Final = frozenset({"application/json", "text/json"})

_INT64_MAX: Final = (1 << 63) - 1
_ID_CHARACTERS_MAX: Final = 200
_NAME_CHARACTERS_MAX: Final = 1000

_Count = Annotated[int, Meta(ge=0)]
_TimeMs = Annotated[int, Meta(ge=0, lt=TIME_MS_MAX)]
_Length = Annotated[int, Meta(ge=0, lt=TIME_MS_MAX)]
_Size = Annotated[int, Meta(ge=0, le=_INT64_MAX)]
_Name = Annotated[str, Meta(max_length=_NAME_CHARACTERS_MAX)]
_Id = Annotated[str, Meta(max_length=_ID_CHARACTERS_MAX)]


class NativeInput(msgspec.Struct, kw_only=True):
    """One input as its sender writes it; the meaning of each member stands in `state_machine.inputs.Input`."""

    kind: str = "status"
    room_kind: str = "call"
    room: Annotated[str, Meta(min_length=1, max_length=_NAME_CHARACTERS_MAX)]
    session: _Name = ""
    event: str | None = None
    state: str | None = None
    connections: _Count = 0
    send_streams: _Count = 0
    recv_streams: _Count = 0
    id: _Id = ""
    seq: _Size = 0
    occurred_at_ms: _TimeMs = 0
    user: _Name = ""
    implicit: bool = True
    reason: _Name = ""
    lease_ms: _Length = 0
    client_max_size: _Size = 0
    replace: _Name = ""
    max_size: _Size = 0
    expires_at_ms: _TimeMs = 0
    device_type: _Name = ""
    app: _Name = ""
    service: _Name = ""
    client_ip: _Name = ""
    user_agent: str = ""
    bytes_sent: _Size = 0
    bytes_recv: _Size = 0
    extra: dict[str, Any] = {}


class Refused(ValueError):
    """One input is not taken; the text says why."""


OTHER_SPELLINGS: Final = {"sendStreams": "send_streams", "recvStreams": "recv_streams"}
KNOWN_MEMBERS: Final = frozenset(NativeInput.__struct_fields__)
_KINDS: Final = frozenset(INPUT_KINDS) - {"register"}
_SESSION_KINDS: Final = frozenset({"status", "open", "refresh", "close"})
_COUNTERS: Final = ("connections", "send_streams", "recv_streams")
_ANY: Final = msgspec.json.Decoder()


def decoded_inputs(body: bytes, media_type: str) -> list[Any]:
    """Return the body's inputs, not yet looked at; a line of NDJSON that does not parse stands there as `Refused`.

    Raises: Refused if the body as a whole is no JSON.
    """
    if media_type in NDJSON_TYPES:
        return list(_decoded_lines(body))
    value = _parsed(body)
    return value if isinstance(value, list) else [value]


def native_line(value: Any, received_at_ms: int) -> Line:
    """Return the line of one input.

    Raises: Refused.
    """
    if isinstance(value, Refused):
        raise value
    if not isinstance(value, dict):
        raise Refused("an input is a JSON object")
    item = _converted(value)
    if item.kind not in _KINDS:
        raise Refused(f"kind: {item.kind[:80]!r} is none of {', '.join(sorted(_KINDS))}")
    if item.room_kind not in ROOM_KINDS:
        raise Refused(f"room_kind: {item.room_kind[:80]!r} is none of {', '.join(ROOM_KINDS)}")
    if not item.session and item.kind in _SESSION_KINDS:
        raise Refused(f"session: a {item.kind} needs one")
    if item.kind == "status":
        for name in ("event", "state"):
            if getattr(item, name) is None:
                raise Refused(f"{name}: a status needs one")
    line = _line_of(item, received_at_ms)
    if item.kind in KINDS and (why := publication_trouble(line)):
        raise Refused(why)
    return line


def encoded(line: Line, partitions: int) -> tuple[int, bytes]:
    """Return the line's partition and bytes.

    Raises: Refused if it is larger than an input may be.
    """
    data = encode_line(line)
    if len(data) > INPUT_BYTES_MAX:
        raise Refused(f"the input has {len(data)} bytes, at most {INPUT_BYTES_MAX} are taken")
    return partition_of(line.room_kind, line.room, partitions), data


def _converted(value: dict[str, Any]) -> NativeInput:
    members: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    unknown: dict[str, Any] = {}
    for name, member in value.items():
        known = OTHER_SPELLINGS.get(name, name)
        if known not in KNOWN_MEMBERS:
            unknown[name] = member
        elif known in members:
            raise Refused(f"{spelled[known]}: given twice, also as {name}")
        else:
            members[known], spelled[known] = member, name
    try:
        item = msgspec.convert(members, NativeInput)
    except msgspec.ValidationError as error:
        raise Refused(_told(str(error), spelled)) from None
    beyond = {name: members[name] for name in _COUNTERS if getattr(item, name) > COUNTER_MAX}
    if unknown or beyond:
        item.extra = {**item.extra, **unknown, **beyond}
    return item


def _line_of(item: NativeInput, received_at_ms: int) -> Line:
    return Line(
        kind=item.kind,
        received_at_ms=received_at_ms,
        room_kind=item.room_kind,
        room=item.room,
        session=item.session,
        event=item.event or "",
        state=item.state or "",
        connections=min(item.connections, COUNTER_MAX),
        send_streams=min(item.send_streams, COUNTER_MAX),
        recv_streams=min(item.recv_streams, COUNTER_MAX),
        id=item.id,
        seq=item.seq,
        occurred_at_ms=item.occurred_at_ms,
        user=item.user,
        implicit=item.implicit,
        reason=item.reason,
        lease_ms=item.lease_ms,
        client_max_size=item.client_max_size,
        replace=item.replace,
        max_size=item.max_size,
        expires_at_ms=item.expires_at_ms,
        device_type=item.device_type,
        app=item.app,
        service=item.service,
        client_ip=item.client_ip,
        user_agent=item.user_agent,
        bytes_sent=item.bytes_sent,
        bytes_recv=item.bytes_recv,
        extra=item.extra,
    )


def _decoded_lines(body: bytes) -> Iterator[Any]:
    for line in body.split(b"\n"):
        if line.strip():
            try:
                yield _parsed(line)
            except Refused as refusal:
                yield refusal


def _parsed(data: bytes) -> Any:
    try:
        return _ANY.decode(data)
    except RecursionError:
        raise Refused("not JSON that can be read: nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refused(f"not JSON that can be read: {error}") from None


def _told(text: str, spelled: Mapping[str, str]) -> str:
    """Return msgspec's message with the member first, as its sender spelled it: `connections: Expected …`."""
    what, _, where = text.partition(" - at `$.")
    name = where.rstrip("`")
    return f"{spelled.get(name, name)}: {what}" if where else what
