"""Connecting to the store of the settings, with a hint where the embedded one is not running."""

from roomstate.refusals import CommandRefused
from storage.settings import Settings
from storage.store import Store, StoreUnavailable


async def connected_store(settings: Settings, url: str, database: str | None = None) -> Store:
    """Return the store at the URL; `database` overrides the URL's.

    Raises: CommandRefused if the embedded store does not run; StoreUnavailable, StoreRefused of any other.
    """
    try:
        return await Store.connect(url, database)
    except StoreUnavailable as error:
        if settings.store_url is not None:
            raise
        raise CommandRefused(
            f"no store answers on port {settings.store_port}; start it with `roomstate up` or `roomstate store`,"
            " or name its port with --store-port"
        ) from error
