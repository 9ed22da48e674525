"""What is kept of client addresses, as ROOMSTATE_CLIENT_IP says: all, the network, nothing."""

import ipaddress
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Literal

Keep = Literal["full", "truncated", "none"]
_PREFIX_LENGTH = {4: 24, 6: 48}


def address_keeper(keep: Keep) -> Callable[[str], str]:
    """Return the function from an address to what is kept of it; results are remembered."""
    return lru_cache(maxsize=65_536)(partial(_kept, keep=keep))


def _kept(address: str, keep: Keep) -> str:
    if keep == "none" or not address:
        return ""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    if keep == "full":
        return str(parsed)
    network = ipaddress.ip_network(f"{parsed}/{_PREFIX_LENGTH[parsed.version]}", strict=False)
    return str(network.network_address)
