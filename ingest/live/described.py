"""The panels for the OpenAPI description."""

from typing import Any, Final

_TEXT: Final = {"type": "string"}
_PANEL: Final = {"name": _TEXT, "meaning": _TEXT}

SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "PanelList": {
        "type": "object",
        "required": ["panels"],
        "properties": {
            "panels": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["name", "meaning", "parameters"],
                    "properties": {**_PANEL, "parameters": {"type": "array", "items": _TEXT}},
                },
            }
        },
    },
    "PanelAnswer": {
        "type": "object",
        "required": ["name", "meaning", "parameters", "columns", "rows"],
        "properties": {
            **_PANEL,
            "parameters": {"type": "object"},
            "columns": {"type": "array", "items": _TEXT},
            "rows": {"type": "array", "items": {"type": "array", "items": {}}},
        },
    },
}
SECURITY_SCHEMES: Final[dict[str, dict[str, Any]]] = {}
