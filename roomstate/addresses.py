"""Where the parts answer, as seen from this machine."""

from typing import Final

from storage.settings import Settings

_LOOPBACK_OF: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def api_url(settings: Settings) -> str:
    """Return where ingest answers."""
    host = _LOOPBACK_OF.get(settings.host, settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def reading_store_url(settings: Settings) -> str:
    """Return the store's URL for reading: of the embedded store that of the `analyst`, who can't change anything.

    Of any other store it is the one that was set, with whatever its user may do.
    """
    if settings.store_url is None:
        return f"http://analyst@127.0.0.1:{settings.store_port}/roomstate"
    return settings.store_engine_url()
