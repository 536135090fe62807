"""The compiled C library, if there is one: `LIBRARY`, or None and the `REASON`.

Why optional: Seadrift installs on machines without a C compiler; numpy then does the same work,
slower, with identical results. The library is plain C behind ctypes, so it needs no Python headers
and no rebuild per Python version.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

VERSION = 1
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
            version = int(library.seadrift_sites_version())
        except (OSError, AttributeError) as error:
            reasons.append(f"{path.name}: {error}")
            continue
        if version == VERSION:
            return library, ""
        reasons.append(f"{path.name}: version {version}, expected {VERSION}; reinstall seadrift")
    return None, "; ".join(reasons)


LIBRARY, REASON = _open(Path(__file__).parent)

if __name__ == "__main__":
    print(f"seadrift: {'C library loaded' if LIBRARY else 'numpy fallback: ' + REASON}")
