"""All dashboards, and the text of the files that they are committed as."""

import json
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.grafana import call_quality, pipeline, playback_and_streams, protocol_health, rooms_now, stories
from dashboards.grafana.alerts import provisioned_yaml
from dashboards.grafana.boards import Board, built

FOLDER: Final = Path(__file__).resolve().parent

NOT_SHOWN: Final[dict[str, str]] = {}
"""Questions that no dashboard asks, and why."""


def boards() -> list[Board]:
    """Return all dashboards."""
    return [
        rooms_now.board(),
        call_quality.board(),
        protocol_health.board(),
        playback_and_streams.board(),
        pipeline.board(),
        stories.room(),
        stories.session(),
    ]


def dashboard_files() -> dict[Path, str]:
    """Return each dashboard's file and its text."""
    return {FOLDER / "dashboards" / f"{board.uid.removeprefix('roomstate-')}.json": _json(board) for board in boards()}


def alert_files() -> dict[Path, str]:
    """Return the alert rules' file and its text."""
    return {FOLDER / "provisioning" / "alerting" / "roomstate.yaml": provisioned_yaml()}


def _json(board: Board) -> str:
    plain = json.loads(json.dumps(built(board), cls=JSONEncoder))
    for link in plain["links"]:
        # The SDK puts them into a menu, where nobody looks for the other dashboards.
        del link["placement"]
    return json.dumps(plain, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
