"""The five operations on media play sessions, each one command to the account's owner in the log, or one read.

Decided here, where the contract is silent: an account that is not the token's own is a 404, as is a session of one;
`data` is always a list; POST and a PUT that opens answer 201; PATCH changes nothing but the time, whatever its body
says; DELETE of a session that others ended is a 404. Source: contract 1.4 to 1.6; decisions 8.2 to 8.5.
"""

import asyncio
from typing import Any, Final, NamedTuple

from starlette.requests import Request

from ingest.commands import new_id
from ingest.edge import Edge
from ingest.lines import Line
from ingest.playback.bearer import BearerTokens
from ingest.playback.limit import ended_by_others, limit_reached
from ingest.playback.members import Said, read_said
from ingest.playback.replies import (
    PlaybackRefusal,
    Reply,
    bad_request,
    error,
    not_found,
    occurrence_of,
)
from storage.clock import now_ms
from storage.decisions import Decision
from storage.playing import Playing, is_playing_elsewhere, playing_sessions
from storage.store import StoreError

SESSION_CHARACTERS_MAX: Final = 200
_NOTHING: Final = Said("", "", "")


class Asked(NamedTuple):
    """A request of somebody who may ask."""

    request: Request
    account: str
    session: str
    """Empty: none is named."""
    received_at_ms: int


class PlaySessions:
    """Opens, keeps, ends and lists the playback sessions of the account that a token stands for."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._tokens = BearerTokens(edge.settings)
        self._asking: dict[str, asyncio.Task[list[Playing]]] = {}

    async def index(self, request: Request) -> Reply:
        """Return what the account plays.

        Raises: PlaybackRefusal, StoreError.
        """
        asked = self._asked(request)
        return _data(await playing_sessions(self._edge.store, asked.account))

    async def create(self, request: Request) -> Reply:
        """Open a session under a new id.

        Raises: PlaybackRefusal, Unanswered.
        """
        asked = self._asked(request)
        said = await _read_said(request)
        return await self._opened(asked._replace(session=new_id()), said)

    async def upsert(self, request: Request) -> Reply:
        """Open a session under the client's id, or keep it alive.

        Raises: PlaybackRefusal, Unanswered, StoreError.
        """
        asked = self._asked(request)
        if not 0 < len(asked.session) <= SESSION_CHARACTERS_MAX:
            raise bad_request(f"A session's id has 1 to {SESSION_CHARACTERS_MAX} characters.")
        said = await _read_said(request)
        playing = await playing_sessions(self._edge.store, asked.account)
        if all(each.session != asked.session for each in playing) and await is_playing_elsewhere(
            self._edge.store, asked.account, asked.session
        ):
            raise not_found()
        return await self._opened(asked, said)

    async def keep_alive(self, request: Request) -> Reply:
        """Renew the session's lease.

        Raises: PlaybackRefusal, Unanswered, StoreError.
        """
        asked = self._asked(request)
        await _read_said(request)
        decision = await self._decided("refresh", asked)
        if decision.fact != "session_refreshed":
            raise self._gone(decision)
        return _data([await self._kept(asked, decision, _NOTHING)])

    async def delete(self, request: Request) -> Reply:
        """End the session because its client stopped.

        Raises: PlaybackRefusal, Unanswered.
        """
        asked = self._asked(request)
        decision = await self._decided("close", asked)
        if decision.fact != "session_closed":
            raise not_found(self._occurrence(decision))
        return Reply(204)

    def _asked(self, request: Request) -> Asked:
        received_at_ms = now_ms()
        account = self._tokens.user_of(request.headers.get("authorization", ""))
        names = request.path_params
        if names.get("user_id", account) != account:
            raise not_found()
        return Asked(request, account, names.get("session_id", "").strip(), received_at_ms)

    async def _opened(self, asked: Asked, said: Said) -> Reply:
        line = self._line("open", asked, said)
        line.device_type, line.service = said.device_type, said.service
        line.replace = asked.request.query_params.get("replace", "").strip()
        decision = await self._edge.commands.ask(line)
        match decision.fact:
            case "session_opened":
                return _data([_new(line, decision)], 201)
            case "session_refreshed":
                return _data([await self._kept(asked, decision, said)])
        raise await self._refused(asked, said, decision)

    async def _refused(self, asked: Asked, said: Said, decision: Decision) -> PlaybackRefusal:
        occurrence = self._occurrence(decision)
        match decision.reason:
            case "playback_limit":
                playing = await self._known_to_play(asked.account)
                return limit_reached(occurrence, said.device_type, decision.conflicts, playing)
            case "other_device_type":
                text = "The session is one of another device type."
                return error(409, "conflict", "Conflict", text, occurrence)
        return self._gone(decision)

    def _gone(self, decision: Decision) -> PlaybackRefusal:
        occurrence = self._occurrence(decision)
        if "barred_until_ms" in decision.extra:
            return ended_by_others(occurrence, decision.reason)
        return not_found(occurrence)

    async def _known_to_play(self, account: str) -> list[Playing]:
        """Return what the account plays; nothing while the store is away: the refusal is decided all the same.

        A crowd that is refused together asks once, so what one of them is told may be a moment older than the refusal.
        """
        asking = self._asking.get(account)
        if asking is None:
            asking = self._asking[account] = asyncio.create_task(playing_sessions(self._edge.store, account))
            asking.add_done_callback(lambda _: self._asking.pop(account, None))
        try:
            return await asyncio.shield(asking)
        except StoreError:
            return []

    async def _kept(self, asked: Asked, decision: Decision, said: Said) -> Playing:
        playing = await playing_sessions(self._edge.store, asked.account)
        line = self._line("refresh", asked, said)
        return next((each for each in playing if each.session == asked.session), _new(line, decision))

    async def _decided(self, kind: str, asked: Asked) -> Decision:
        if not 0 < len(asked.session) <= SESSION_CHARACTERS_MAX:
            raise not_found()
        return await self._edge.commands.ask(self._line(kind, asked, _NOTHING))

    def _line(self, kind: str, asked: Asked, said: Said) -> Line:
        client = asked.request.client
        return Line(
            kind=kind,
            received_at_ms=asked.received_at_ms,
            room_kind="account",
            room=asked.account,
            session=asked.session,
            user=asked.account,
            id=new_id(),
            implicit=False,
            reason="left" if kind == "close" else "",
            client_ip=self._edge.keep_address(client.host if client else ""),
            user_agent=said.user_agent or asked.request.headers.get("user-agent", ""),
        )

    def _occurrence(self, decision: Decision) -> int:
        return occurrence_of(decision, self._edge.partitions)


async def _read_said(request: Request) -> Said:
    return await read_said(request.headers.get("content-encoding", "").encode("latin-1"), request.receive)


def _new(line: Line, decision: Decision) -> Playing:
    return Playing(
        session=line.session,
        device_type=line.device_type,
        service=line.service,
        client_ip=line.client_ip,
        user_agent=line.user_agent,
        started_at_ms=decision.opened_at_ms,
        updated_at_ms=decision.at_ms,
    )


def _data(playing: list[Playing], status: int = 200) -> Reply:
    return Reply(status, {"data": [_resource(each) for each in playing]})


def _resource(playing: Playing) -> dict[str, Any]:
    attributes = {
        "service": playing.service,
        "ip4_address": playing.client_ip if "." in playing.client_ip else "",
        "device_type": playing.device_type,
        "user_agent": playing.user_agent,
        "play_started_timestamp": playing.started_at_ms // 1000,
        "last_updated_timestamp": playing.updated_at_ms // 1000,
    }
    return {"type": "MediaPlaySession", "id": playing.session, "attributes": attributes}
