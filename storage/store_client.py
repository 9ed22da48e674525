"""Opening the connections to a store: clickhouse-connect's asynchronous client with our choices, and what must hold.

A store is refused at once if it is older than what the schema needs, or lets us change nothing that an insert needs.
"""

import asyncio
import logging
import re
import ssl
from base64 import b64encode
from typing import Final

import aiohttp
from clickhouse_connect.driver import create_async_client
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import ClickHouseError

from storage.cluster import Cluster, read_cluster
from storage.store_errors import StoreRefused, translate
from storage.store_url import StoreUrl

DRIVER_ERRORS: Final = (ClickHouseError, aiohttp.ClientError, OSError, TimeoutError)
OLDEST_VERSION: Final = (25, 8)
"""The first long-term release with all that is used: projections that outlive deletes (24.7), CHECK GRANT (24.11)."""

_VERSION = re.compile(r"(\d+)\.(\d+)[.\d]*$")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_CONNECT_S = 5.0
_KEEPALIVE_S = 2.5
"""Shorter than any server's, so that an insert is not sent into a connection that the server is closing."""

# Whatever goes wrong is raised as well and told in one line; its warnings would add a traceback.
logging.getLogger("clickhouse_connect").setLevel(logging.ERROR)


async def open_client(
    address: StoreUrl, database: str, timeout_s: float, connections: int
) -> tuple[AsyncClient, Cluster | None]:
    """Return a client of the database, and what the cluster looks like if the address names one.

    Raises: StoreUnavailable, StoreRefused.
    """
    try:
        async with asyncio.timeout(timeout_s):
            client = await create_async_client(
                host=address.host,
                port=address.port,
                interface=address.scheme,
                username=address.user or None,
                password=address.password,
                database=database,
                ca_cert=address.ca_cert or None,
                verify=address.is_verified,
                compress=address.host not in _LOOPBACK,
                connect_timeout=min(timeout_s, _CONNECT_S),
                send_receive_timeout=timeout_s,
                connector_limit=connections,
                connector_limit_per_host=connections,
                keepalive_timeout=_KEEPALIVE_S,
                tz_mode="aware",
                client_name="roomstate",
            )
    except DRIVER_ERRORS as error:
        if isinstance(error, ClickHouseError) and getattr(error, "code", None) is None:
            # Servers of long ago fail already at what the client asks first, and without saying how.
            _check_version(await _asked_version(address), address.where)
        raise translate(error, address.where, connecting=True) from error
    try:
        _check_version(client.server_version or "", address.where)
        return client, await _joined_cluster(client, address, timeout_s)
    except BaseException:
        await client.close()
        raise


async def _joined_cluster(client: AsyncClient, address: StoreUrl, timeout_s: float) -> Cluster | None:
    """Return the cluster that the address names, its settings given to the client."""
    if not address.cluster:
        return None
    try:
        async with asyncio.timeout(timeout_s):
            cluster = await read_cluster(client, address.cluster)
        for name, value in cluster.settings.items():
            client.set_client_setting(name, value)
    except DRIVER_ERRORS as error:
        raise translate(error, address.where) from error
    return cluster


async def _asked_version(address: StoreUrl) -> str:
    """Return the version that a server names if it is asked for that alone; '' = it names none."""
    tls: ssl.SSLContext | bool = address.is_verified
    if address.ca_cert:
        tls = ssl.create_default_context()
        tls.load_verify_locations(address.ca_cert)
    credentials = b64encode(f"{address.user}:{address.password}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}"} if address.user else {}
    url = f"{address.scheme}://{address.where}/?query=SELECT%20version()"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(_CONNECT_S)) as session,
            session.get(url, headers=headers, ssl=tls) as answer,
        ):
            return (await answer.text()).strip() if answer.ok else ""
    except DRIVER_ERRORS:
        return ""


def _check_version(version: str, where: str) -> None:
    """Refuse a server that says it is too old. Raises: StoreRefused."""
    found = _VERSION.match(version)
    if found is not None and (int(found[1]), int(found[2])) < OLDEST_VERSION:
        oldest = ".".join(map(str, OLDEST_VERSION))
        raise StoreRefused(0, f"the store at {where} is ClickHouse {version}; the oldest that will do is {oldest}")
