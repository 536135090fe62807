"""The compiled C library, if there is one: `LIBRARY`, or None and the `REASON`.

It builds the site tables (edge/native/sites.h) and computes the network (edge/native/network.h).
Why optional: Seadrift installs on machines without a C compiler; numpy and the other runtimes then
do the same work, slower, with identical results. The library is plain C behind ctypes, so it needs
no Python headers and no rebuild per Python version.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

SITES_VERSION = 1
NETWORK_VERSION = 1
_SUFFIXES = (".so", ".dylib", ".dll")


def _open(folder: Path) -> tuple[ctypes.CDLL | None, str]:
    if os.environ.get("SEADRIFT_NATIVE", "") == "off":
        return None, "switched off by SEADRIFT_NATIVE=off"
    candidates = sorted(p for s in _SUFFIXES for p in folder.glob(f"_native*{s}"))
    if not candidates:
        return None, f"no _native library in {folder} (installed without a C compiler)"
    reasons = []
    for path in candidates:
        try:
            library = ctypes.CDLL(str(path))
            versions = _versions(library)
        except (OSError, AttributeError) as error:
            reasons.append(f"{path.name}: {error}")
            continue
        if versions == (SITES_VERSION, NETWORK_VERSION):
            return library, ""
        expected = f"{SITES_VERSION}.{NETWORK_VERSION}"
        found = ".".join(map(str, versions))
        reasons.append(f"{path.name}: version {found}, expected {expected}; reinstall seadrift")
    return None, "; ".join(reasons)


def _versions(library: ctypes.CDLL) -> tuple[int, int]:
    """Of the site tables and of the network; 0 where a library is too old to know."""
    network = getattr(library, "seadrift_network_version", None)
    return int(library.seadrift_sites_version()), int(network()) if network else 0


LIBRARY, REASON = _open(Path(__file__).parent)

if __name__ == "__main__":
    print(f"seadrift: {'C library loaded' if LIBRARY else 'numpy fallback: ' + REASON}")
