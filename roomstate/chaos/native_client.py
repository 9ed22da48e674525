"""A client of POST /v1/inputs: batches and single inputs, waited for or not, right and wrong, repeated under one id."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import httpx

from roomstate.chaos.native_inputs import SEATS, NativeRooms
from roomstate.chaos.sending import Sender
from roomstate.chaos.witness import Answer, Post, Told, Witness

_BATCH_MAX: Final = 20
_LARGE_BATCH: Final = 250
_LARGE_SHARE: Final = 0.02
_INVALID_SHARE: Final = 0.03
_TRIES_MAX: Final = 40
_PAUSE_S: Final = 0.15

_LEFT_OPEN: Final = ("the decision did not come in time", "the log did not say in time")
"""In the 503 of inputs that may be in the log, or may still come into it."""

Item = tuple[Any, Post]


@dataclass(frozen=True, slots=True)
class _Manner:
    """How inputs are posted."""

    headers: Mapping[str, str] = field(default_factory=dict)
    waits: bool = False
    as_lines: bool = False


_AT_ONCE: Final = _Manner()
_AS_LINES: Final = _Manner(as_lines=True)
_WAITING: Final = _Manner(waits=True)


class NativeClient:
    """One client; acts once when asked to."""

    def __init__(
        self, sender: Sender, witness: Witness, random: Random, api_token: str, *, never_waits: bool = False
    ) -> None:
        """Shape: one that `never_waits` for a decision goes on posting while there are none."""
        self._sender = sender
        self._witness = witness
        self._random = random
        self._headers = {"Authorization": f"Bearer {api_token}"}
        self._never_waits = never_waits
        self._inside: list[str] = []
        self._has_room = False
        self.rooms = NativeRooms(random, 0)

    def begin_era(self, rooms: NativeRooms) -> None:
        """Go on in other rooms."""
        self.rooms, self._inside, self._has_room = rooms, [], False

    async def act(self) -> None:
        """Do one thing."""
        asking = 0 if self._never_waits else 25
        deeds = {
            self._post_batch: 35,
            self._post_key: 10,
            self._post_wrong: 5,
            self._ask: asking,
            self._come_or_go: asking,
        }
        (deed,) = self._random.choices(tuple(deeds), tuple(deeds.values()))
        await deed()

    async def probe(self, url: str) -> bool:
        """Return whether a status posted there is decided: log, processor and store work together again."""
        item = self._item(self.rooms.drawn_status())
        return await self._post([item], url, _WAITING) == httpx.codes.OK

    async def _post_batch(self) -> None:
        is_large = self._random.random() < _LARGE_SHARE
        number = _LARGE_BATCH if is_large else self._random.randint(1, _BATCH_MAX)
        items = [self._drawn_item() for _ in range(number)]
        await self._post(items, self._sender.url(), self._random.choice((_AT_ONCE, _AS_LINES)))

    async def _ask(self) -> None:
        """Post a few inputs of any kind and wait for their decisions; an id that was left undecided is sent again."""
        bodies = [self.rooms.drawn() for _ in range(self._random.choice((1, 1, 1, 3)))]
        for body in bodies:
            body["id"] = f"id-{self._random.getrandbits(64):016x}"
        for _ in range(self._random.choice((1, 3))):
            items = [self._item(body) for body in bodies]
            if await self._post(items, self._sender.url(), _WAITING) == httpx.codes.OK:
                return
            await asyncio.sleep(_PAUSE_S)

    async def _post_key(self) -> None:
        """Post one input under an Idempotency-Key, often twice."""
        body, key = self.rooms.drawn(), f"key-{self._random.getrandbits(64):016x}"
        for _ in range(self._random.choice((1, 2))):
            await self._post([self._item(body)], self._sender.url(), _Manner({"Idempotency-Key": key}))

    async def _post_wrong(self) -> None:
        """Post what is refused as a whole."""
        item = self._item(self.rooms.drawn_status())
        headers = self._random.choice(({"Authorization": "Bearer nobody"}, {"Content-Type": "text/plain"}))
        await self._post([item], self._sender.url(), _Manner(headers))

    async def _come_or_go(self) -> None:
        """Take or give up a seat in the crowded room; until there is an answer, ask again under the same id."""
        about: dict[str, Any] = {"room": self.rooms.crowded_room, "id": f"seat-{self._random.getrandbits(64):016x}"}
        if not self._has_room:
            self._has_room = await self._ask_until_told({**about, "kind": "room_create", "max_size": SEATS}) is not None
        elif self._inside and self._random.random() < 0.4:
            session = self._inside.pop(self._random.randrange(len(self._inside)))
            await self._ask_until_told({**about, "kind": "close", "session": session})
        else:
            told = await self._ask_until_told({**about, "kind": "open", "session": f"s-{about['id']}"})
            if told is not None and told.facts == ("session_opened",):
                self._inside.append(f"s-{about['id']}")

    async def _ask_until_told(self, body: dict[str, Any]) -> Told | None:
        for _ in range(_TRIES_MAX):
            item = self._item(body)
            code = await self._post([item], self._sender.url(), _WAITING)
            if item[1].told is not None or code in range(400, 500):
                return item[1].told
            await asyncio.sleep(_PAUSE_S)
        return None

    def _drawn_item(self) -> Item:
        if self._random.random() < _INVALID_SHARE:
            return self._item(self.rooms.drawn_invalid())
        return self._item(self.rooms.drawn())

    def _item(self, body: Any) -> Item:
        if not isinstance(body, dict):
            return body, self._witness.post("nothing")
        post = self._witness.post(body["kind"])
        return {**body, "user_agent": post.mark}, post

    async def _post(self, items: Sequence[Item], url: str, manner: "_Manner") -> int:
        """Send the inputs and note what came back; return the code, 0 without a reply."""
        bodies = [json.dumps(body) for body, _ in items]
        posts = [post for _, post in items]
        content_type = "application/x-ndjson" if manner.as_lines else "application/json"
        request = self._sender.http.build_request(
            "POST",
            f"{url}/v1/inputs",
            params={"wait": "decision"} if manner.waits else {},
            headers={"Content-Type": content_type, **self._headers, **manner.headers},
            content="\n".join(bodies) if manner.as_lines else f"[{','.join(bodies)}]",
        )
        reply = await self._sender.sent(request, posts)
        if reply is None:
            return 0
        note_reply(posts, reply)
        return reply.status_code


def note_reply(posts: Sequence[Post], reply: httpx.Response) -> None:
    """Note on each post what the reply says about it."""
    code, text = reply.status_code, f"{reply.status_code} {reply.text[:200]}"
    if code in (httpx.codes.OK, httpx.codes.UNPROCESSABLE_ENTITY):
        said = reply.json()
        refused = {item["index"]: item["error"] for item in said.get("refused", ())}
        decisions = iter(said.get("decisions", ()))
        for index, post in enumerate(posts):
            if index in refused or code != httpx.codes.OK:
                post.answered(Answer.REFUSED, refused.get(index, text))
            else:
                post.answered(Answer.ACCEPTED, str(code), _told(next(decisions, None)))
        return
    for post in posts:
        post.answered(_refusal(reply), text)


def _refusal(reply: httpx.Response) -> Answer:
    """Return what a reply means that took nothing: only two texts leave open whether the log has the inputs."""
    if reply.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
        return Answer.REFUSED
    is_open = reply.status_code != httpx.codes.SERVICE_UNAVAILABLE or any(text in reply.text for text in _LEFT_OPEN)
    return Answer.UNDECIDED if is_open else Answer.NOT_TAKEN


def _told(decision: dict[str, Any] | None) -> Told | None:
    if decision is None:
        return None
    partition, offset, index, _ = decision["place"]
    return Told(
        (decision["fact"],),
        decision.get("reason", ""),
        decision.get("session", ""),
        (partition, offset, index),
        decision.get("id", ""),
    )
