"""Holds what the witness was told against what the store has. Pure.

Lost and doubled speak for themselves. Broken is any other promise that was not kept: an input that was refused and is
there all the same, a decision that reads otherwise in the store, a row that nobody sent.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from roomstate.chaos.stored import Stored
from roomstate.chaos.witness import Answer, Post

_ONCE: Final = frozenset({Answer.ACCEPTED})
_NEVER: Final = frozenset({Answer.REFUSED, Answer.NOT_TAKEN})
_NAMED_MAX: Final = 20
"""More of one kind are counted, not named."""


@dataclass(slots=True)
class Findings:
    """What is wrong, named; and what nobody was promised but is there."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    unpromised: Counter[Answer] = field(default_factory=Counter)
    """Inputs that are stored although their sender was not told so, by what it was told."""

    @property
    def is_well(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.doubled or self.broken)

    def lines(self) -> list[str]:
        """Return one line for each thing that is wrong, but not for more than a person reads."""
        return [f"{name}: {thing}" for name in ("lost", "doubled", "broken") for thing in _first(getattr(self, name))]


def judge(posts: Mapping[str, Post], rows: Sequence[Stored]) -> Findings:
    """Compare one round's posts with the answers stored since it began."""
    findings = Findings()
    by_mark: dict[str, list[Stored]] = defaultdict(list)
    for row in rows:
        by_mark[row.mark].append(row)
    strangers = [row for mark, found in by_mark.items() if mark not in posts for row in found]
    for post in posts.values():
        _judge_presence(post, by_mark.get(post.mark, []), findings)
    _judge_strangers(strangers, posts.values(), findings)
    by_place = {row.place: row for row in rows}
    by_id: dict[str, list[Stored]] = defaultdict(list)
    for row in rows:
        by_id[row.input_id].append(row)
    for post in posts.values():
        if post.answer is Answer.ACCEPTED and post.told is not None and len(by_mark.get(post.mark, [])) == 1:
            why = _difference(post, by_mark[post.mark][0], by_place, by_id)
            if why:
                findings.broken.append(f"{post} was decided otherwise: {why}")
    return findings


def _judge_presence(post: Post, found: Sequence[Stored], findings: Findings) -> None:
    if len(found) > 1:
        findings.doubled.append(f"{post} at {', '.join(map(str, found))}")
    elif post.answer in _ONCE and not found:
        findings.lost.append(str(post))
    elif found and post.answer in _NEVER:
        findings.broken.append(f"{post} is stored all the same, at {found[0]}")
    elif found and post.answer not in _ONCE:
        findings.unpromised[post.answer] += 1
    if post.reply.startswith("500"):
        findings.broken.append(f"{post} met an internal error")


def _judge_strangers(strangers: Iterable[Stored], posts: Iterable[Post], findings: Findings) -> None:
    """Judge what no post has the mark of.

    Expiries are the processors' own; users are ours as long as registrations are left that got no answer.
    """
    unheard = Counter(
        post.answer for post in posts if post.kind == "register" and post.answer in (Answer.UNKNOWN, Answer.UNDECIDED)
    )
    for row in strangers:
        if row.kind == "expire" and not row.user_agent:
            continue
        if row.kind == "register" and unheard.total():
            answer = next(unheard.elements())
            unheard[answer] -= 1
            findings.unpromised[answer] += 1
        else:
            findings.broken.append(f"{row.mark or 'something without a mark'} was not sent in this round: {row}")


def _difference(
    post: Post,
    row: Stored,
    by_place: Mapping[tuple[int, int, int], Stored],
    by_id: Mapping[str, Sequence[Stored]],
) -> str:
    """Return how the store contradicts what the client was told, or nothing."""
    told = post.told
    if told is None:
        return ""
    said = f"{'/'.join(told.facts)} {told.reason or ''} {told.session or ''}".strip()
    # An id that was sent before is answered as it was then; and either of two may answer for both.
    answers = [row]
    if told.input_id:
        answers = list(by_id[told.input_id])
        at = by_place.get(told.place) if told.place else None
        if at is None or at.input_id != told.input_id:
            return f"{said} at {told.place}, where the store has {at or 'nothing'}"
    for answer in answers:
        is_reason_same = told.reason is None or told.reason == answer.reason
        is_session_same = told.session is None or told.session == answer.session_id
        if answer.fact in told.facts and is_reason_same and is_session_same:
            return ""
    return f"{said}, but the store says {', '.join(map(str, answers))}"


def _first(things: Sequence[str]) -> Iterable[str]:
    yield from things[:_NAMED_MAX]
    if len(things) > _NAMED_MAX:
        yield f"and {len(things) - _NAMED_MAX} more"
