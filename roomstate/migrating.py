"""`roomstate migrate`: connects first, so that a store that does not run is told apart from one that refuses."""

from roomstate.connecting import connected_store
from storage.migrate import migrate
from storage.settings import Settings


async def run_migrate(settings: Settings) -> list[str]:
    """Return the names of the migrations that were applied now.

    Raises: CommandRefused if the embedded store does not run; MigrationError, StoreUnavailable, StoreRefused.
    """
    url = settings.store_engine_url()
    await (await connected_store(settings, url, database="default")).close()
    return await migrate(url, settings.retention_days)
