"""The compiled C library, if there is one: `LIBRARY`, or None and the `REASON`.

It measures objects (edge/native/measures.h), prepares them (prepare.h), builds the site tables
(sites.h) and computes the network (network.h).
Why optional: Seadrift installs on machines without a C compiler; numpy and the other runtimes then
do the same work, slower, with identical results. The library is plain C behind ctypes, so it needs
no Python headers and no rebuild per Python version.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

PARTS = ("sites", "network", "prepare", "measures", "batch")
VERSIONS = (2, 2, 1, 2, 1)  # of each part
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
        if versions == VERSIONS:
            return library, ""
        expected, found = ".".join(map(str, VERSIONS)), ".".join(map(str, versions))
        reasons.append(f"{path.name}: version {found}, expected {expected}; reinstall seadrift")
    return None, "; ".join(reasons)


def _versions(library: ctypes.CDLL) -> tuple[int, ...]:
    """Of each part; 0 where the library is too old to have it."""
    functions = (getattr(library, f"seadrift_{part}_version", None) for part in PARTS)
    return tuple(int(function()) if function else 0 for function in functions)


LIBRARY, REASON = _open(Path(__file__).parent)

if __name__ == "__main__":
    print(f"seadrift: {'C library loaded' if LIBRARY else 'numpy fallback: ' + REASON}")
