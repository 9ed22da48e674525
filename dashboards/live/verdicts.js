// Verdicts in a few sorts, as colours tell them apart; the rules themselves come with the facts.

const SORTS = {
  diagram: "diagram",
  exceptional: "exceptional",
  implied: "implied",
  restart: "restart",
  teardown: "restart",
  violation: "violation",
};

// Steady updates and notices move nobody and are fine; late, repeated and too late ones are not counted in.
export const sortOf = (verdict) =>
  SORTS[verdict] ?? (verdict === "steady" || verdict === "notice" || verdict === "" ? "steady" : "ignored");

export const SORT_WORDS = {
  diagram: ["Along the diagram", "an edge of the diagram, and the counters moved as the event says"],
  exceptional: ["Exceptional", "a connection went away in the middle of a call"],
  implied: ["Implied", "no edge of the diagram, but state and counters agree: an update was never sent"],
  restart: ["Restart or teardown", "the client began again, or gave everything up at once"],
  violation: ["Violation", "the update contradicts the protocol or itself"],
  steady: ["Steady or notice", "the state stays"],
  ignored: ["Late, repeated or after the end", "stored, but it moves nobody"],
};

export const REASONS = {
  unknown_state: "unknown state",
  counter_jump: "counters jumped",
  state_disagrees: "state disagrees",
};
