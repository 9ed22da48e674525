"""The recount of every panel, by the name of its query: a closed list."""

from collections.abc import Callable
from types import ModuleType

from tests.truth import panels_of_calls, panels_of_now, panels_of_pipeline, panels_of_protocol
from tests.truth.question import Question, Row
from tests.truth.recount import Recount

_NAMES = {
    panels_of_now: "rooms_live sessions_live states_now rooms_table room_sessions stuck_sessions playback_live "
    "subscribers streams_live room_as_of",
    panels_of_calls: "calls joins_over_time join_success join_success_over_time time_to_first_media "
    "time_to_first_media_over_time talk_time one_way_media reconnects failure_reasons failure_reasons_over_time "
    "funnel user_agents",
    panels_of_protocol: "verdicts verdicts_over_time violations_by_reason violations_by_event "
    "violations_by_user_agent offenders violations transitions room_story session_story rooms",
    panels_of_pipeline: "inputs_over_time freshness freshness_over_time lag accounting accounting_by_partition "
    "dead_letters dead_letters_over_time restarts rule_versions playback_limits_denied zombies_reaped "
    "states_over_time concurrency",
}


def _of(module: ModuleType, name: str) -> Callable[[Recount, Question], list[Row]]:
    recounted: Callable[[Recount, Question], list[Row]] = getattr(module, name)
    return recounted


RECOUNTED = {name: _of(module, name) for module, names in _NAMES.items() for name in names.split()}
