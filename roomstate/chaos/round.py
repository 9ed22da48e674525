"""One round: load, faults, repair, recovery, and then the comparison of everything with everything."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from roomstate.chaos.faults import Fault
from roomstate.chaos.instance import Instance
from roomstate.chaos.judging import Findings, judge
from roomstate.chaos.load import Load
from roomstate.chaos.native_inputs import SEATS
from roomstate.chaos.rejudging import Rejudging
from roomstate.chaos.stored import most_inside, numbers_out_of_order, settled_digest, stored_since, turns_not_taken
from roomstate.chaos.witness import Answer, Witness
from roomstate.verification.result import Verification
from roomstate.verification.verify import verify
from storage.accounting import Accounting, read_accounting
from storage.event_log import LogUnavailable
from storage.store import Store, StoreError

_BEFORE_S: Final = 0.5
"""Load without a fault, so that there is something to break."""
_STAGGER_S: Final = 0.6
"""A second fault begins at most so much later than the first."""
_RECOVERY_S: Final = 90.0
_DRAINED_S: Final = 60.0
_POLL_S: Final = 0.05
_STILL_S: Final = 0.2


@dataclass(slots=True)
class RoundResult:
    """What happened in one round."""

    number: int
    faults: tuple[str, ...]
    recovery_s: float = 0.0
    """From the end of the repair until every ingest process got a decision again."""
    answers: dict[Answer, int] = field(default_factory=dict)
    ended: tuple[str, ...] = ()
    """Parts that ended by themselves, and were started again."""
    account: Accounting | None = None
    """Of the whole run so far; None = it could not be read."""
    verified: bool = False
    findings: Findings = field(default_factory=Findings)

    @property
    def is_well(self) -> bool:
        """Whether nothing was lost, doubled or otherwise not as promised."""
        return self.findings.is_well and self.verified

    def as_json(self) -> dict[str, Any]:
        """Return the round as members of a JSON object."""
        account, findings = self.account, self.findings
        return {
            "round": self.number,
            "faults": list(self.faults),
            "ended_by_themselves": list(self.ended),
            "recovery_s": round(self.recovery_s, 2),
            "inputs": {answer.value: self.answers.get(answer, 0) for answer in Answer},
            "stored_unpromised": {answer.value: number for answer, number in findings.unpromised.items()},
            "accepted": account.accepted if account else None,
            "stored": account.stored if account else None,
            "pending": account.pending if account else None,
            "balanced": account.balanced if account else None,
            "verified": self.verified,
            "lost": len(findings.lost),
            "doubled": len(findings.doubled),
            "broken": len(findings.broken),
            "wrong": findings.lines(),
        }


class Rounds:
    """Plays one round after the other on one instance, and remembers what the earlier ones left in the store."""

    def __init__(self, instance: Instance, load: Load, witness: Witness) -> None:
        self._instance = instance
        self._load = load
        self._witness = witness
        self._rejudging = Rejudging(instance.log, instance.settings)
        self._ends = [0] * instance.log.partitions
        self._settled = (0, 0)

    async def play(self, number: int, faults: Sequence[Fault], random: Random) -> RoundResult:
        """Play one round and return what came of it."""
        result = RoundResult(number, tuple(fault.name for fault in faults))
        self._load.begin_round(number)
        ended = {part: part.ended_by_itself for part in self._instance.parts}
        async with self._load.running():
            await asyncio.sleep(_BEFORE_S)
            await self._break(faults, random)
            repaired_s = time.monotonic()
            trouble = await self._load.until_answered(_RECOVERY_S)
            result.recovery_s = time.monotonic() - repaired_s
        if trouble:
            result.findings.broken.append(f"no recovery: {trouble}")
        result.answers = dict(self._witness.counts())
        result.ended = tuple(part.name for part, times in ended.items() if part.ended_by_itself > times)
        try:
            async with await self._instance.connected_store() as store:
                await self._compare(store, result)
        except (StoreError, LogUnavailable) as error:
            result.findings.broken.append(f"could not be compared: {error}")
        return result

    async def _break(self, faults: Sequence[Fault], random: Random) -> None:
        async def one(fault: Fault, begins_s: float, own: Random) -> None:
            await asyncio.sleep(begins_s)
            await fault.act(self._instance, own)

        async with asyncio.TaskGroup() as group:
            for index, fault in enumerate(faults):
                begins_s = random.uniform(0, _STAGGER_S) if index else 0.0
                group.create_task(one(fault, begins_s, Random(random.getrandbits(64))))

    async def _compare(self, store: Store, result: RoundResult) -> None:
        """Compare what the witness knows with the store, then log with store, then the store with what it was."""
        findings = result.findings
        result.account = account = await self._settled_account(store)
        if account.pending:
            findings.broken.append(f"{account.pending} inputs are still pending after {_DRAINED_S:.0f} s")
        judged = judge(self._witness.posts, await stored_since(store, self._ends))
        findings.lost += judged.lost
        findings.doubled += judged.doubled
        findings.broken += judged.broken
        findings.unpromised = judged.unpromised
        for partition in account.partitions:
            findings.lost += [
                f"partition {partition.partition}: offsets {gap} miss inputs" for gap in partition.missing
            ]
            findings.doubled += [f"partition {partition.partition}: offsets {gap}" for gap in partition.doubled]
        findings.doubled += await turns_not_taken(store)
        findings.broken += await numbers_out_of_order(store)
        inside = await most_inside(store, self._load.crowded_room)
        if inside > SEATS:
            findings.broken.append(f"{inside} sessions at once in {self._load.crowded_room}, which has {SEATS} seats")
        verification = await self._verified(store)
        result.verified = verification.is_equal and account.balanced
        if not verification.is_equal:
            findings.broken += [f"verify: {line}" for line in verification.lines()]
        await self._compare_earlier(store, findings)
        self._ends = [partition.log_end_offset for partition in account.partitions]
        findings.broken += await self._rejudging.differences(store, self._ends)
        self._settled = await settled_digest(store, self._ends)

    async def _verified(self, store: Store) -> Verification:
        """Return what `verify` finds; while an expiry that a processor wrote meanwhile is pending, it looks again."""
        deadline_s = time.monotonic() + _DRAINED_S
        while True:
            found = await verify(self._instance.log, store)
            is_pending = "pending" in found.totals
            if found.is_equal or not is_pending or time.monotonic() > deadline_s:
                return found
            await asyncio.sleep(_STILL_S)

    async def _compare_earlier(self, store: Store, findings: Findings) -> None:
        """Look whether the facts of earlier rounds are what they were; name those that are not."""
        found = await settled_digest(store, self._ends)
        if found != self._settled:
            findings.broken.append(f"facts of earlier rounds changed: {self._settled[0]} then, {found[0]} now")
            judged = judge({post.mark: post for post in self._witness.earlier()}, await stored_since(store, []))
            findings.lost += judged.lost
            findings.doubled += judged.doubled

    async def _settled_account(self, store: Store) -> Accounting:
        """Return the account once nothing is pending and nothing comes any more, or as it is when the patience ends."""
        deadline_s = time.monotonic() + _DRAINED_S
        before: Accounting | None = None
        while True:
            account = await read_accounting(store, self._instance.log)
            is_still = before is not None and before.accepted == account.accepted
            if (is_still and not account.pending) or time.monotonic() > deadline_s:
                return account
            before = account
            await asyncio.sleep(_POLL_S if account.pending else _STILL_S)
