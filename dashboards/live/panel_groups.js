// Which panels stand together, and how the ones over time are drawn. The panels themselves come from the server.

export const GROUPS = {
  rooms: {
    title: "Rooms and sessions",
    panels: ["states_over_time", "concurrency", "joins_over_time", "sessions_live", "rooms_live", "calls", "stuck_sessions", "rooms"],
  },
  quality: {
    title: "Call quality",
    panels: ["join_success_over_time", "join_success", "time_to_first_media_over_time", "time_to_first_media", "funnel", "failure_reasons_over_time", "failure_reasons", "talk_time", "one_way_media", "reconnects"],
  },
  protocol: {
    title: "Protocol health",
    panels: ["verdicts_over_time", "verdicts", "violations_by_reason", "violations_by_event", "violations_by_user_agent", "offenders", "violations", "transitions", "user_agents", "rule_versions"],
  },
  playback: {
    title: "Playback and streams",
    panels: ["playback_limits_denied", "zombies_reaped", "playback_live", "streams_live", "subscribers"],
  },
  pipeline: {
    title: "Pipeline",
    panels: ["freshness_over_time", "lag", "inputs_over_time", "dead_letters_over_time", "freshness", "accounting", "accounting_by_partition", "restarts", "dead_letters"],
  },
};

// Stacked: their sum means something.
export const STACKED = { states_over_time: "area", verdicts_over_time: "bars", failure_reasons_over_time: "bars", joins_over_time: "bars", inputs_over_time: "bars", dead_letters_over_time: "bars", playback_limits_denied: "bars", zombies_reaped: "bars" };

// Only sessions of calls have states: without a chosen kind these are asked of calls.
export const OF_CALLS = new Set(["states_over_time"]);

// Of many series at once these are left to the table.
export const CROWDED = 6;
export const LEFT_OUT = /_p75_ms$|_p99_ms$/;
