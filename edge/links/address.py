"""Where a shore may be: https anywhere, plain http on this machine only, unless a person insists.

Requests are signed, so plain http cannot be forged; but it can be read, positions and pictures
included, and the claim token travels in it.

Example:
    >>> check_url("http://127.0.0.1:8765", insecure=False)
    'http://127.0.0.1:8765'
"""

import ipaddress
from urllib.parse import urlsplit

from edge.tables import ConfigError


def check_url(url: str, *, insecure: bool) -> str:
    """The url without a trailing slash. Raises ConfigError naming what to change."""
    parts = urlsplit(url)
    try:
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"[shore] url: {url}: {error}") from error
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigError(f"[shore] url: expected https://HOST or http://HOST:PORT, got '{url}'")
    if parts.query or parts.fragment or parts.username:
        raise ConfigError(f"[shore] url: expected scheme, host and path alone, got '{url}'")
    if parts.scheme == "http" and not is_loopback(host) and not insecure:
        raise ConfigError(
            f"[shore] url: {url} is plain http to another machine: records and the claim could be"
            " read on the way; use https, or set [shore] insecure = true on a private network"
        )
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
