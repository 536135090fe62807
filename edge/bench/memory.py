"""Peak memory of a fresh device process: `seadrift-edge process` on one frame.

The kernel's high-water mark of the process's own pages (VmHWM). Not `ru_maxrss`: that one starts
with what the parent held when it forked.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from edge.bench.scenes import PIXEL_UM, Scene

_GUEST = """
import sys
from pathlib import Path
from edge.cli import main
code = main(sys.argv[1:])
lines = Path("/proc/self/status").read_text().splitlines()
print(code, *(line.split()[1] for line in lines if line.startswith("VmHWM")), file=sys.stderr)
"""


def peak_mb(scene: Scene) -> float:
    """Megabytes (10^6 bytes). Raises RuntimeError where the process fails or is not on Linux."""
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "frame.png"
        Image.fromarray(scene.grey).save(picture, compress_level=1)
        words = ["process", str(picture), "--out", str(Path(folder) / "out"), "--json"]
        words += ["--field", "dark", "--pixel-um", str(PIXEL_UM)]
        done = subprocess.run(
            [sys.executable, "-c", _GUEST, *words], check=False, capture_output=True, text=True
        )
    last = done.stderr.strip().splitlines()[-1:]
    said = last[0].split() if last else []
    if done.returncode or len(said) != 2 or said[0] != "0":
        raise RuntimeError(f"not measured ({(done.stderr or 'no output').strip()[-200:]})")
    return int(said[1]) * 1024 / 1e6
