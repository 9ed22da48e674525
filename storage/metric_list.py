"""Every metric there is, of every part: the one list; a metric that is not here cannot be made.

`roomstate metrics` prints it, docs/prometheus.md is that page. What begins an entry: whose /metrics, name, unit.
"""

from typing import Final

from state_machine.vocabulary import FACTS, ROOM_KINDS, VERDICTS
from storage import metric_labels as labels
from storage.metric_kinds import (
    COUNTS,
    FRESH_S,
    INSERT_S,
    SHORT_S,
    SIZES_BYTES,
    CounterMetric,
    GaugeMetric,
    HistogramMetric,
    Label,
    Metric,
)

BUILD_INFO: Final = GaugeMetric(
    *("every part", "roomstate_build_info", "1"),
    "Always 1; its labels say what runs: whose process, the program's version, the version of the judging rules.",
    (
        Label("part", ("ingest", "processor", "store")),
        Label("version", (), "the program's version"),
        Label("rule_version", (), "the rules' version"),
    ),
)

INGEST_START: Final = GaugeMetric(
    *("ingest", "roomstate_ingest_start_time_seconds", "epoch seconds"),
    "When the youngest of the processes behind this port began; it changes when one is started again.",
)
INGEST_PROCESSES: Final = GaugeMetric(
    "ingest", "roomstate_ingest_processes", "processes", "Processes that serve behind this port."
)
INPUTS_ACCEPTED: Final = CounterMetric(
    "ingest", "roomstate_ingest_inputs_accepted_total", "inputs", "Inputs made durable in the log."
)
INPUTS_NOT_WRITTEN: Final = CounterMetric(
    *("ingest", "roomstate_ingest_inputs_not_written_total", "inputs"),
    "Inputs that the log did not take in time; each was answered 503 and is not in the log.",
)
INPUTS_IN_DOUBT: Final = CounterMetric(
    *("ingest", "roomstate_ingest_inputs_in_doubt_total", "inputs"),
    "Inputs of which the log did not say in time whether it took them; each was answered 503.",
)
NATIVE_ACCEPTED: Final = CounterMetric(
    *("ingest", "roomstate_ingest_native_inputs_accepted_total", "inputs"),
    "Inputs of POST /v1/inputs made durable in the log.",
)
NATIVE_REFUSED: Final = CounterMetric(
    *("ingest", "roomstate_ingest_native_inputs_refused_total", "inputs"),
    "Inputs of POST /v1/inputs that were refused as malformed.",
)
LOOP_REPLIES: Final = CounterMetric(
    *("ingest", "roomstate_ingest_loop_replies_total", "requests"),
    "Replies to Loop room actions (POST /rooms/TOKEN: join, refresh, leave, status), by HTTP status.",
    (Label("status", (*(str(status) for status in labels.LOOP_STATUSES), "other")),),
)
REPLIES: Final = CounterMetric(
    *("ingest", "roomstate_ingest_replies_total", "requests"),
    "Replies to every other request, by surface and class of HTTP status.",
    (Label("family", labels.FAMILIES), Label("status", labels.STATUS_CLASSES)),
)
QUEUE_REFUSALS: Final = CounterMetric(
    *("ingest", "roomstate_ingest_queue_refusals_total", "requests"),
    "Requests answered 503 at once: the log is away, or too much waits for it.",
)
QUEUE_INPUTS: Final = GaugeMetric(
    "ingest", "roomstate_ingest_queue_inputs", "inputs", "Inputs waiting for their durability."
)
QUEUE_BYTES: Final = GaugeMetric(
    "ingest", "roomstate_ingest_queue_bytes", "bytes", "Bytes waiting for their durability."
)
DURABLE_WAIT: Final = HistogramMetric(
    *("ingest", "roomstate_ingest_durable_wait_seconds", "seconds"),
    "Of each write to the log: how long its first input waited, from being taken until it was durable or given up.",
    buckets=SHORT_S,
)
APPEND: Final = HistogramMetric(
    "ingest", "roomstate_ingest_append_seconds", "seconds", "Time of one write to the log.", buckets=SHORT_S
)
BATCH_INPUTS: Final = HistogramMetric(
    "ingest", "roomstate_ingest_batch_inputs", "inputs", "Inputs of one write to the log.", buckets=COUNTS
)
FRAME_BYTES: Final = HistogramMetric(
    "ingest", "roomstate_ingest_frame_bytes", "bytes", "Sizes of the frames written.", buckets=SIZES_BYTES
)
LOG_IS_AWAY: Final = GaugeMetric(
    *("ingest", "roomstate_ingest_log_is_away", "processes"),
    "Processes that found the log away and answer 503 at once.",
)
LOG_GATE: Final = GaugeMetric(
    *("ingest", "roomstate_ingest_log_gate", "processes"),
    "Processes by how far their gate to the log is open; ajar: the next write is a trial, trying: it is on its way.",
    (Label("state", labels.GATE_STATES),),
)
DECISION_WAIT: Final = HistogramMetric(
    *("ingest", "roomstate_ingest_decision_wait_seconds", "seconds"),
    "How long commands waited for their decision, being made durable included; without those that gave up.",
    buckets=SHORT_S,
)
DECISIONS_READ: Final = CounterMetric(
    "ingest", "roomstate_ingest_decisions_read_total", "decisions", "Decisions read from the log."
)
DECISIONS_LATE: Final = CounterMetric(
    *("ingest", "roomstate_ingest_decisions_late_total", "requests"),
    "Commands answered 503 because their decision did not come in time.",
)
DIRECTORY_SESSIONS: Final = GaugeMetric(
    *("ingest", "roomstate_ingest_directory_sessions", "sessions"),
    "Live sessions of calls known without asking the store, in the process that knows most.",
)
DIRECTORY_ROOMS: Final = GaugeMetric(
    *("ingest", "roomstate_ingest_directory_rooms", "rooms"),
    "Calls known without asking the store, in the process that knows most.",
)
DIRECTORY_LOOKUPS: Final = CounterMetric(
    "ingest", "roomstate_ingest_directory_lookups_total", "questions", "Questions of the directory to the store."
)
INGEST_STORE_ERRORS: Final = CounterMetric(
    *("ingest", "roomstate_ingest_store_errors_total", "questions"),
    "Questions to the store that failed: out of reach, refused by it, not answered in time, too many waiting here.",
    (Label("reason", labels.STORE_TROUBLES),),
)
REACHABLE: Final = GaugeMetric(
    *("ingest", "roomstate_reachable", "0 or 1"),
    "Whether this part can be reached from ingest.",
    (Label("part", ("log", "store", "processor")),),
)
LOG_END: Final = GaugeMetric(
    "ingest", "roomstate_log_end_offset", "offset", "Offset that the next frame will get.", (labels.PARTITION,)
)
STORED_OFFSET: Final = GaugeMetric(
    "ingest", "roomstate_stored_offset", "offset", "Highest offset in the store; -1: none.", (labels.PARTITION,)
)
INPUTS: Final = GaugeMetric(
    *("ingest", "roomstate_inputs", "inputs"),
    "Inputs of all partitions: accepted = stored + dead_lettered + pending, which is estimated if long.",
    (Label("place", labels.PLACES),),
)
LAG_FRAMES: Final = GaugeMetric(
    "ingest", "roomstate_lag_frames", "frames", "Frames that are not in the store yet.", (labels.PARTITION,)
)
LAG_INPUTS: Final = GaugeMetric(
    *("ingest", "roomstate_lag_inputs", "inputs"),
    "Inputs that are not in the store yet (accepted - stored); estimated if many.",
    (labels.PARTITION,),
)
LAG_SECONDS: Final = GaugeMetric(
    "ingest",
    "roomstate_lag_seconds",
    "seconds",
    "Age of the oldest frame that is not in the store yet.",
    (labels.PARTITION,),
)

PROCESSOR_START: Final = GaugeMetric(
    "processor", "roomstate_processor_start_time_seconds", "epoch seconds", "When this worker began."
)
ROWS_STORED: Final = CounterMetric(
    "processor", "roomstate_processor_rows_stored_total", "rows", "Rows that the store took from this worker."
)
FACTS_STORED: Final = CounterMetric(
    *("processor", "roomstate_processor_facts_total", "facts"),
    "The same rows by what they tell; a dead letter has no kind of room.",
    (Label("room_kind", (*ROOM_KINDS, "none")), Label("fact", FACTS)),
)
VERDICTS_STORED: Final = CounterMetric(
    "processor", "roomstate_processor_verdicts_total", "facts", "Judged statuses.", (Label("verdict", VERDICTS),)
)
LEASES_EXPIRED: Final = CounterMetric(
    *("processor", "roomstate_processor_leases_expired_total", "sessions"),
    "Sessions closed because their lease had ended.",
    (labels.ROOM_KIND,),
)
LIVE_SESSIONS: Final = GaugeMetric(
    *("processor", "roomstate_processor_live_sessions", "sessions"),
    "Sessions open in the partitions that this worker holds, as stored.",
    (labels.ROOM_KIND,),
)
INSERT: Final = HistogramMetric(
    *("processor", "roomstate_processor_insert_seconds", "seconds"),
    "Time of one insert, its retries included.",
    buckets=INSERT_S,
)
INSERT_ROWS: Final = HistogramMetric(
    "processor", "roomstate_processor_insert_rows", "rows", "Rows of one insert.", buckets=COUNTS
)
FRESHNESS: Final = HistogramMetric(
    *("processor", "roomstate_processor_freshness_seconds", "seconds"),
    "Age of each input when its rows were in the store: received by ingest to inserted.",
    buckets=FRESH_S,
)
INSERTS_REFUSED: Final = CounterMetric(
    *("processor", "roomstate_processor_inserts_refused_total", "inserts"),
    "Inserts that the fence refused: another worker had the partition.",
)
INSERTS_UNCERTAIN: Final = CounterMetric(
    *("processor", "roomstate_processor_inserts_uncertain_total", "inserts"),
    "Inserts of unknown outcome; the partitions were taken over again.",
)
ATTEMPTS_FAILED: Final = CounterMetric(
    *("processor", "roomstate_processor_attempts_failed_total", "errors"),
    "Attempts on log or store that failed and were made again after a pause.",
    (Label("part", ("log", "store")),),
)
DECISIONS_PUBLISHED: Final = CounterMetric(
    "processor", "roomstate_processor_decisions_published_total", "decisions", "Decisions published."
)
TAKEOVERS: Final = CounterMetric(
    *("processor", "roomstate_processor_takeovers_total", "partitions"),
    "Partitions that this worker took over, also again from itself.",
)
TAKEOVER: Final = HistogramMetric(
    "processor", "roomstate_processor_takeover_seconds", "seconds", "Time of one takeover.", buckets=FRESH_S
)
PARTITIONS: Final = GaugeMetric(
    "processor", "roomstate_processor_partitions", "partitions", "Partitions that this worker holds."
)
STANDING_STILL: Final = GaugeMetric(
    *("processor", "roomstate_processor_partitions_standing_still", "partitions"),
    "Partitions that this worker can't go on with; its log says why.",
)
ROOMS: Final = GaugeMetric("processor", "roomstate_processor_rooms", "rooms", "Rooms that this worker has in memory.")

STORE_START: Final = GaugeMetric(
    "store", "roomstate_store_start_time_seconds", "epoch seconds", "When the embedded store began."
)
STORE_STATEMENTS: Final = CounterMetric(
    *("store", "roomstate_store_statements_total", "statements"),
    "Statements that the embedded store carried out, also those that failed.",
    (Label("user", labels.USERS), Label("statement", labels.STATEMENTS)),
)
STORE_ERRORS: Final = CounterMetric(
    "store", "roomstate_store_errors_total", "requests", "Requests that the embedded store answered with an error."
)
STORE_SECONDS: Final = HistogramMetric(
    *("store", "roomstate_store_statement_seconds", "seconds"),
    "Time of one statement, from its text being read to its answer being taken.",
    (Label("statement", labels.STATEMENTS),),
    buckets=INSERT_S,
)
STORE_SPOOLED: Final = CounterMetric(
    "store", "roomstate_store_spooled_bytes_total", "bytes", "Data of inserts, as they came unpacked."
)
STORE_LANE: Final = GaugeMetric(
    *("store", "roomstate_store_lane_statements", "statements"),
    "Statements that run or wait in each lane: inserts, our reads, analysts' reads, the store's own.",
    (Label("lane", labels.LANES),),
)

METRICS: Final = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""All of them, in the order above."""
