"""Whether a client takes JSON, by its Accept header: the most specific range that fits decides.

Source: contract 2.1 (the row of 406); RFC 9110, 12.5.1.
"""

from ingest.loop.replies import BADJSON, error

_JSON_RANGES = ("application/json", "application/*", "*/*")
"""From the most specific to the least."""


def accepts_json(accept: bytes) -> bool:
    """Tell whether a header of this value lets the server answer with JSON; without a header anything goes.

    >>> [accepts_json(value) for value in (b"", b"text/html, */*;q=0.1", b"application/json;q=0, */*", b"text/html")]
    [True, True, False, False]
    """
    if not accept.strip():
        return True
    weights = dict(_weighted(part) for part in accept.decode("latin-1").lower().split(","))
    found = next((weights[name] for name in _JSON_RANGES if name in weights), 0.0)
    return found > 0


def require_json_accepted(accept: bytes) -> None:
    """Let a request through whose sender takes JSON.

    Raises: LoopRefusal 406.
    """
    if not accepts_json(accept):
        raise error(406, BADJSON, "Request body should be defined as application/json")


def _weighted(part: str) -> tuple[str, float]:
    media_range, *parameters = (piece.strip() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return media_range, float(value)
            except ValueError:
                return media_range, 0.0
    return media_range, 1.0
