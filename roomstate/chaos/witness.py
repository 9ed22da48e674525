"""The independent witness: what the client sent, under which mark, and what it was told.

Every input carries a mark of its own that the store keeps: its user agent or, where the contract stores none, a name
that only this input has. The witness knows nothing else of the pipeline: neither log nor accounting.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

MARK_PREFIX: Final = "chaos/"
_REPLY_CHARACTERS_MAX: Final = 160


class Answer(StrEnum):
    """What the client was told about an input, and so how often the store must have it."""

    ACCEPTED = "accepted"
    """2xx, or a refusal that only a decision can give: exactly once."""
    REFUSED = "refused"
    """Any other 4xx, or no connection was made: never."""
    NOT_TAKEN = "not taken"
    """503 that says, or can only mean, that the log does not have it and never will: never."""
    UNDECIDED = "undecided"
    """503 that leaves it open, or a refusal of which the client can't tell who gave it: at most once."""
    UNKNOWN = "unknown"
    """The connection broke or the patience ended: at most once."""


class Told(NamedTuple):
    """A decision as the client heard it; None = the reply does not say."""

    facts: tuple[str, ...]
    """It is one of these."""
    reason: str | None = None
    session: str | None = None
    place: tuple[int, int, int] | None = None
    """(partition, offset, index)."""
    input_id: str | None = None


@dataclass(slots=True)
class Post:
    """One input that was sent."""

    mark: str
    kind: str
    answer: Answer = Answer.UNKNOWN
    told: Told | None = None
    reply: str = ""
    """In short, for people."""

    def answered(self, answer: Answer, reply: str, told: Told | None = None) -> None:
        """Note what came back."""
        self.answer, self.reply, self.told = answer, reply[:_REPLY_CHARACTERS_MAX], told

    def __str__(self) -> str:
        """Name it to a person."""
        return f"{self.mark} ({self.kind}, {self.answer}: {self.reply or 'nothing came back'})"


class Witness:
    """Keeps the posts of one round in memory, and those of earlier rounds in a file, for whoever looks into a loss."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._path.touch()
        self.posts: dict[str, Post] = {}
        """Of this round, by mark."""
        self.totals: Counter[Answer] = Counter()
        """Of the rounds before."""
        self._round = 0
        self._number = 0

    def begin_round(self, number: int) -> None:
        """Put the posts of the round before aside."""
        with self._path.open("a") as file:
            for post in self.posts.values():
                file.write(json.dumps([post.mark, post.kind, post.answer, post.reply]) + "\n")
        self.totals += self.counts()
        self.posts = {}
        self._round, self._number = number, 0

    def post(self, kind: str, mark: str = "") -> Post:
        """Return a new post, about to be sent; until an answer is noted it is unknown whether it was taken."""
        self._number += 1
        post = Post(mark or f"{MARK_PREFIX}{self._round}/{self._number}", kind)
        self.posts[post.mark] = post
        return post

    def rename(self, post: Post, mark: str) -> None:
        """Give a post the mark that only its answer told."""
        del self.posts[post.mark]
        post.mark = mark
        self.posts[mark] = post

    def counts(self) -> Counter[Answer]:
        """Return how many posts of this round were answered how."""
        return Counter(post.answer for post in self.posts.values())

    def earlier(self) -> Iterator[Post]:
        """Yield the posts of earlier rounds."""
        with self._path.open() as file:
            for line in file:
                mark, kind, answer, reply = json.loads(line)
                yield Post(mark, kind, Answer(answer), None, reply)
