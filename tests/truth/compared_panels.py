"""Every panel of a store beside its recount."""

from collections.abc import Iterable
from random import Random

import pytest

from storage.clock import now_ms
from storage.panels import FILTERS, panel_names, read_panel
from storage.store import Store
from tests.truth.asked_store import asked
from tests.truth.compared_views import comparable
from tests.truth.panels import RECOUNTED
from tests.truth.question import Question, narrowed
from tests.truth.questions_asked import exact_question
from tests.truth.recount import Recount
from tests.truth.views_of_stays import Row


async def check_panels(store: Store, recount: Recount, asking: Iterable[Question], chance: Random) -> None:
    """Every panel answers as recounted, whatever it is asked."""
    questions = list(asking)
    for name in panel_names():
        asked_already = set()
        for question in [*questions, exact_question(recount, name, chance, now_ms())]:
            values = repr(_parameters(name, question))
            if values not in asked_already:
                await check_panel(store, recount, name, question)
            asked_already.add(values)


async def check_panel(store: Store, recount: Recount, name: str, asking: Question) -> None:
    """A panel's answer is the recount's, row by row and in order; a filter that it does not have changes nothing.

    Where the answer changed while it was asked for, because it depends on the time, it is asked for again.
    """
    panel = read_panel(name)
    asking = narrowed(asking, {each: "" for each in FILTERS if each not in panel.parameters})
    while True:
        before = now_ms()
        found = [comparable(row) for row in await asked(store, panel.sql, _parameters(name, asking))]
        after = now_ms()
        wanted = _recounted(recount, name, asking, before)
        _let_grow(found, wanted, after - before)
        wrong = _difference(found, wanted)
        if not wrong:
            return
        assert _without_growth(wanted) != _without_growth(_recounted(recount, name, asking, after)), (
            f"{name} of {asking}: {wrong}"
        )


def _recounted(recount: Recount, name: str, asking: Question, now: int) -> list[Row]:
    return [comparable(row) for row in RECOUNTED[name](recount, narrowed(asking, {"now": now}))]


def _let_grow(found: list[Row], wanted: list[Row], by_ms: int) -> None:
    """Take a time that goes on as what it was when the store was asked."""
    for row, recounted in zip(found, wanted, strict=False):
        if "stuck_ms" in recounted and 0 <= row["stuck_ms"] - recounted["stuck_ms"] <= by_ms:
            row["stuck_ms"] = recounted["stuck_ms"]


def _without_growth(rows: list[Row]) -> list[Row]:
    return [{name: value for name, value in row.items() if name != "stuck_ms"} for row in rows]


def _difference(found: list[Row], wanted: list[Row]) -> str:
    """Return what is wrong first; '' = nothing."""
    if len(found) != len(wanted):
        return f"{len(found)} rows answered, {len(wanted)} recounted"
    for number, (row, recounted) in enumerate(zip(found, wanted, strict=True)):
        wrong = {
            name: (row.get(name), recounted.get(name)) for name in row | recounted if _differ(row, recounted, name)
        }
        if wrong:
            return f"row {number}, (answered, recounted): {wrong}"
    return ""


def _differ(row: Row, recounted: Row, name: str) -> bool:
    found, wanted = row.get(name, "missing"), recounted.get(name, "missing")
    return bool(found != wanted and found != pytest.approx(wanted, abs=1e-9))


def _parameters(name: str, asking: Question) -> Row:
    """Return the values of what a panel wants to know."""
    every = {
        "from": f"{asking.start / 1000:.3f}",
        "to": f"{asking.end / 1000:.3f}",
        "at": f"{asking.at / 1000:.3f}",
        "step_s": asking.step_s,
        "room_kind": asking.room_kind,
        "room": asking.room,
        "user_agent": asking.user_agent,
        "session": asking.session,
        "limit": asking.limit,
    }
    return read_panel(name).values(every)
