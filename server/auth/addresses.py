"""Whom an address counts as: limits count what one person can have, not what one machine shows.

An IPv6 user is given 2^64 addresses, so those count as one.

Example:
    >>> counted_as("2001:db8:1:2:3:4:5:6"), counted_as("10.0.0.7")
    ('2001:db8:1:2::/64', '10.0.0.7')
"""

import ipaddress
from functools import lru_cache


@lru_cache(maxsize=4096)
def counted_as(address: str) -> str:
    """The key of an address in limits and in what an account knows."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
