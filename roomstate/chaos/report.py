"""What a chaos run prints: one line a round and a table at the end for a person, or one JSON object a line."""

import json
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from roomstate.chaos.round import RoundResult
from roomstate.chaos.witness import Answer

_HEAD: Final = (
    "round  recovered    2xx  other  accepted    stored  pending  verify  lost  doubled  fault\n"
    "-----  ---------  -----  -----  --------  --------  -------  ------  ----  -------  -----"
)


class Report:
    """Says what happens while it happens, and what came of it."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._rounds = 0
        self._answers: Counter[Answer] = Counter()
        self._unpromised: Counter[Answer] = Counter()
        self._wrong: Counter[str] = Counter()
        self._recoveries_s: dict[str, list[float]] = defaultdict(list)

    def begin(self, facts: Mapping[str, Any], left_out: Mapping[str, str]) -> None:
        """Say what is about to happen."""
        if self._as_json:
            _say(json.dumps({"begin": dict(facts), "left_out": dict(left_out)}))
            return
        _say(", ".join(f"{name} {value}" for name, value in facts.items()))
        for why in sorted(set(left_out.values())):
            _say(f"left out, {why}: {', '.join(name for name, reason in left_out.items() if reason == why)}")
        _say(_HEAD)

    def add(self, result: RoundResult) -> None:
        """Say what came of a round."""
        findings = result.findings
        self._rounds += 1
        self._answers.update(result.answers)
        self._unpromised += findings.unpromised
        self._wrong += Counter(lost=len(findings.lost), doubled=len(findings.doubled), broken=len(findings.broken))
        for fault in result.faults:
            self._recoveries_s[fault].append(result.recovery_s)
        if self._as_json:
            _say(json.dumps(result.as_json()))
            return
        _say(_line_of(result))
        for wrong in findings.lines():
            _say(f"       {wrong}")

    def end(self, kept: str) -> None:
        """Say what came of all rounds; `kept` names the folder if it was kept."""
        if self._as_json:
            totals = {answer.value: self._answers[answer] for answer in Answer}
            unpromised = {answer.value: number for answer, number in self._unpromised.items()}
            wrong = {name: self._wrong[name] for name in ("lost", "doubled", "broken")}
            end = {"rounds": self._rounds, "inputs": totals, "stored_unpromised": unpromised, **wrong, "kept": kept}
            _say(json.dumps({"end": end}))
            return
        self._print_faults()
        for line in self._sentences(kept):
            _say(line)

    def _print_faults(self) -> None:
        table = Table("fault", header_style="")
        for name in ("rounds", "recovered (median)", "longest"):
            table.add_column(name, justify="right")
        for fault, times_s in sorted(self._recoveries_s.items()):
            table.add_row(fault, str(len(times_s)), f"{statistics.median(times_s):.1f} s", f"{max(times_s):.1f} s")
        Console(width=None if sys.stdout.isatty() else 100, highlight=False).print(table)

    def _sentences(self, kept: str) -> list[str]:
        answers, wrong = self._answers, self._wrong
        lines = [
            f"{self._rounds} rounds, {answers.total()} inputs sent: {answers[Answer.ACCEPTED]} answered 2xx",
            *(
                f"  {answers[answer]} {words}, {self._unpromised[answer]} of them stored all the same"
                for answer, words in _WORDS.items()
                if answers[answer]
            ),
            f"lost {wrong['lost']}, doubled {wrong['doubled']}, other promises broken {wrong['broken']}",
        ]
        return [*lines, f"kept for a look: {kept}"] if kept else lines


_WORDS: Final = {
    Answer.REFUSED: "refused, or no connection",
    Answer.NOT_TAKEN: "answered 503: not taken",
    Answer.UNDECIDED: "answered 503 or alike, which leaves it open",
    Answer.UNKNOWN: "without an answer",
}


def _line_of(result: RoundResult) -> str:
    account, findings = result.account, result.findings
    accepted = result.answers.get(Answer.ACCEPTED, 0)
    other = sum(result.answers.values()) - accepted
    figures = f"{account.accepted:>8}  {account.stored:>8}  {account.pending:>7}" if account else f"{'?':>27}"
    verified = "equal" if result.verified else "NOT"
    ended = f" ({', '.join(result.ended)} ended by itself)" if result.ended else ""
    return (
        f"{result.number:>5}  {result.recovery_s:>7.1f} s  {accepted:>5}  {other:>5}  {figures}  {verified:>6}"
        f"  {len(findings.lost):>4}  {len(findings.doubled):>7}  {' + '.join(result.faults)}{ended}"
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
