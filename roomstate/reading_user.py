"""The store's URL for reading: of the embedded store the `analyst`, who can't change anything."""

from storage.settings import Settings


def reading_url(settings: Settings) -> str:
    """Return the URL; of any other store it is the one that was set, with whatever its user may do."""
    if settings.store_url is None:
        return f"http://analyst@127.0.0.1:{settings.store_port}/roomstate"
    return settings.store_engine_url()
