"""Inputs drawn at random: of one room or several, in time or with clocks that jump, as a client or as anybody."""

from hypothesis import strategies as st

from state_machine.families import WIRE_NAMES
from state_machine.inputs import Input
from state_machine.vocabulary import INPUT_KINDS, STATES
from tests.state_machine.builders import LEASE_MS, RULES, T0_MS

KINDS = ["status"] * 8 + ["open"] * 4 + ["refresh", "close", "kill", "expire"] * 2 + [*INPUT_KINDS, "a kind to come"]
EVENTS = [*(names[0] for names in WIRE_NAMES.values()), "sdk.exception.x", ""]
STEPS_MS = [0, 0, 0, 1, 1_000, 20_000, LEASE_MS - 1, LEASE_MS, RULES.closed_memory_ms + 1, 700_000, 5_000_000]
JUMPS_MS = [*STEPS_MS, -1, -1_000, -LEASE_MS, -700_000, 86_400_000, -86_400_000]


def inputs(steps_ms: list[int]) -> st.SearchStrategy[Input]:
    """Return inputs whose received time is a step from the one before."""
    return st.builds(
        Input,
        kind=st.sampled_from(KINDS),
        received_at_ms=st.sampled_from(steps_ms),
        room=st.sampled_from(["r", "r", "q"]),
        session=st.sampled_from(["a", "a", "b", "c", ""]),
        event=st.sampled_from(EVENTS),
        state=st.sampled_from([*STATES, "strange"]),
        connections=st.integers(0, 3) | st.just(1 << 40),
        send_streams=st.integers(0, 2),
        recv_streams=st.integers(0, 2),
        id=st.sampled_from(["", "", "i", "j", "k"]),
        seq=st.sampled_from([0, 0, 1, 2, 5]),
        user=st.sampled_from(["", "u", "v", "w"]),
        implicit=st.booleans(),
        lease_ms=st.sampled_from([0, 0, 0, 30_000, 1_000_000]),
        client_max_size=st.integers(-1, 4),
        replace=st.sampled_from(["", "", "oldest", "a", "b"]),
        max_size=st.integers(0, 3),
        expires_at_ms=st.sampled_from([0, T0_MS + 5_000_000]),
        device_type=st.sampled_from(["", "tv"]),
        extra=st.sampled_from(
            [{}, {"roomName": "Tea"}, {"implicit": True, "lease_ms": "long", "owner": 7}, {"node": "n", "region": 3}]
        ),
    )


def in_turn(steps: list[Input]) -> list[Input]:
    """Return the inputs with their steps in time made into times; none before the year 2001."""
    now_ms = T0_MS
    for item in steps:
        now_ms = max(now_ms + item.received_at_ms, 1_000_000_000_000)
        item.received_at_ms = now_ms
    return steps


logs = st.lists(inputs(STEPS_MS), max_size=30).map(in_turn)
"""Inputs in time."""

jumping_logs = st.lists(inputs(JUMPS_MS), max_size=30).map(in_turn)
"""Inputs of clocks that jump, and of several that differ."""

room_kinds = st.sampled_from(["call", "call", "call", "account", "stream"])
