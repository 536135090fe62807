"""Hold the simulator against real frames, and write what comes out into docs/simulator.md.

Usage, from the root of the repository::

    SEADRIFT_DATA=../shared/data python -m edge.simulator.compare --docs docs

It measures both in one run, draws docs/images/simulator-*.png and replaces the table between the
marks of docs/simulator.md. Only simulated pictures are drawn; of the real ones only curves. Needs
the ``bench`` extra (matplotlib).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge.simulator import SimSettings, Simulator, preset
from edge.simulator.curves import (
    NOISE_EDGES,
    SIZE_EDGES_PX,
    Curves,
    curves,
    histogram_distance,
    quantile,
    size_distance,
)
from edge.simulator.real import DARKFIELD, FLOWCAM, read_greys

BEGIN, END = "<!-- compare: begin -->\n", "<!-- compare: end -->\n"
FRAMES = (25, 70, 110)  # of the simulated cast

Row = tuple[str, float, float, str]
"""Name, real value, simulated value, format."""


def simulate(settings: SimSettings) -> Curves:
    """The curves of a few frames of a simulated instrument."""
    simulator = Simulator(settings)
    return curves(simulator.frame(index).frame.grey for index in FRAMES)


def table(real: Curves, ours: Curves) -> list[Row]:
    """Single figures taken from the curves."""
    rows: list[Row] = []
    for share, name in ((0.05, "5 %"), (0.5, "50 %"), (0.95, "95 %"), (0.99, "99 %")):
        values = (quantile(real.histogram, share), quantile(ours.histogram, share))
        rows.append((f"grey level, {name} of pixels below", *values, "d"))
    rows.append(("background, corners over middle", real.corner_ratio, ours.corner_ratio, ".2f"))
    shares = (100 * real.foreground, 100 * ours.foreground)
    rows.append(("foreground, % of pixels", *shares, ".1f"))
    for share, name in ((0.25, "25 %"), (0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %")):
        values = (quantile(real.signal, share), quantile(ours.signal, share))
        rows.append((f"foreground signal, {name} below", *values, "d"))
    for esd in (4, 8, 16, 32, 64):
        pair = [float(np.interp(esd, SIZE_EDGES_PX, one.sizes)) for one in (real, ours)]
        rows.append((f"regions per Mpx with ESD of {esd} px or more", pair[0], pair[1], ".1f"))
    for level in (17, 39, 111):
        at = int(np.digitize(level, NOISE_EDGES)) - 1
        name = f"finest detail at grey {NOISE_EDGES[at]} to {NOISE_EDGES[at + 1]}, 90 % quantile"
        rows.append((name, float(real.noise_p90[at]), float(ours.noise_p90[at]), ".1f"))
    for at, name in ((4, "1/200"), (14, "1/32"), (22, "1/7"), (27, "1/2")):
        pair = [float(one.spectrum[at]) for one in (real, ours)]
        rows.append((f"power at about {name} cycle per px, dB", pair[0], pair[1], ".0f"))
    return rows


def bright_noise(data: Path) -> Row:
    """Sensor noise in a bright field: FlowCam's calibration pictures against the preset."""
    real = read_greys(data / FLOWCAM, "cal_image", ".tif")
    level = float(np.median(real[0]))
    settings = preset(
        "brightfield", width=1280, height=960, density=0.0, specks=0.0, background_grey=level
    )
    water = Simulator(settings).frame(0).frame.grey
    ours = float(_step_noise(water[None]))
    return (
        f"noise at grey {level:.0f} in a bright field",
        _step_noise(np.stack(real)),
        ours,
        ".2f",
    )


def _step_noise(greys: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> float:
    """Deviation of one pixel from the differences of neighbours, which knows no shading."""
    steps = np.diff(greys.astype(np.int16), axis=-1)
    return float(steps[np.abs(steps) < 12].std() / np.sqrt(2))


def markdown(rows: Sequence[Row], real: Curves, ours: Curves) -> str:
    """The table of docs/simulator.md."""
    lines = ["| figure | real | simulated |", "|---|---:|---:|"]
    lines += [f"| {name} | {a:{style}} | {b:{style}} |" for name, a, b, style in rows]
    lines.append("")
    lines.append(
        f"Grey histograms differ in {100 * histogram_distance(real, ours):.0f} % of pixels;"
        f" the cumulative distributions of ESD by at most {100 * size_distance(real, ours):.0f} %."
    )
    return "\n".join(lines) + "\n"


def replace_table(page: str, block: str) -> str:
    """The page with what lies between its marks replaced; raises ValueError without marks."""
    before, mark, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise ValueError(f"docs/simulator.md: expected the marks {BEGIN!r} and {END!r}")
    return f"{before}{mark}\n{block}\n{end}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, draw. 3: the real frames are not there."""
    parser = argparse.ArgumentParser(prog="python -m edge.simulator.compare", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--docs", type=Path, help="folder of simulator.md; without it, only print")
    args = parser.parse_args(arguments)
    data = Path(os.environ.get("SEADRIFT_DATA", "../shared/data"))
    if not (data / DARKFIELD).is_file():
        print(f"compare: SEADRIFT_DATA: no {DARKFIELD} in {data}", file=sys.stderr)
        return 3
    real = curves(read_greys(data / DARKFIELD)[::2])
    ours, raw = simulate(preset("coastal")), simulate(preset("coastal", jpeg_quality=0))
    block = markdown([*table(real, ours), bright_noise(data)], real, ours)
    print(block)
    if args.docs is not None:
        from edge.simulator import figures

        figures.draw(args.docs / "images", real, ours, raw)
        page = args.docs / "simulator.md"
        page.write_text(replace_table(page.read_text("utf-8"), block), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
