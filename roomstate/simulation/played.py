"""What a simulation sent and what was answered."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Played:
    """The counts."""

    scenes: Counter[str] = field(default_factory=Counter)
    """Begun, by kind of room."""
    accepted: Counter[str] = field(default_factory=Counter)
    """Inputs answered 2xx, by kind."""
    refused: Counter[str] = field(default_factory=Counter)
    """Inputs that ingest did not take, by what it said."""
    turned_away: Counter[str] = field(default_factory=Counter)
    """Openings that were decided against, and stays that were found ended, by reason."""
    retries: int = 0
    """Inputs that were sent again."""
    given_up: int = 0
    """Inputs without an answer when the patience ended."""

    def lines(self) -> list[str]:
        """Return the sums as sentences."""
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(self.accepted.items()))
        return [
            f"{self.scenes['call']} calls: {self.accepted.total()} inputs accepted ({kinds or 'none'}),"
            f" {self.refused.total()} refused, {self.retries} sent again, {self.given_up} without an answer",
            *self._beside(),
            *(f"refused {number} times: {why}" for why, number in self.refused.most_common(5)),
            *(f"turned away {number} times: {why}" for why, number in self.turned_away.most_common(5)),
        ]

    def _beside(self) -> list[str]:
        accounts, streams = self.scenes["account"], self.scenes["stream"]
        return (
            [f"among them those of {accounts} accounts that play and {streams} streams"] if accounts + streams else []
        )
