"""The pictures of docs/simulator.md: simulated frames, and the curves of real ones beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge.frames import Grey
from edge.simulator.curves import NOISE_EDGES, SIZE_EDGES_PX, Curves
from edge.simulator.settings import SimSettings, preset
from edge.simulator.simulator import Simulator
from edge.simulator.taxa import TAXA

_REAL, _OURS, _RAW = "#d95f02", "#1b6ca8", "#7a9e7e"
_CELL_PX, _PER_TAXON = 112, 9


def draw(folder: Path, real: Curves, ours: Curves, raw: Curves) -> None:
    """Write every simulator-*.png into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    compare(folder / "simulator-compare.png", real, ours, raw)
    for name, index in (("darkfield", 22), ("brightfield", 22)):
        grey = Simulator(preset(name, density=60.0)).frame(index).frame.grey
        _write(folder / f"simulator-{name}.png", _half(grey))
    _write(folder / "simulator-taxa.png", taxa())


def _half(grey: Grey) -> Grey:
    height, width = grey.shape
    small = cv2.resize(grey, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _write(path: Path, picture: Grey) -> None:
    if not cv2.imwrite(str(path), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9]):
        raise OSError(f"cannot write {path}")


def taxa() -> Grey:
    """A sheet: one taxon a row, individuals of frames full of it, uint8 [H, W]."""
    rows = []
    for taxon in TAXA:
        crops = _individuals(taxon)
        label = np.zeros((_CELL_PX, 190), np.uint8)
        font, at = cv2.FONT_HERSHEY_SIMPLEX, (8, _CELL_PX // 2 + 5)
        cv2.putText(label, taxon, at, font, 0.6, (230,), 1, cv2.LINE_AA)
        rows.append(np.hstack([label, *crops]))
    return np.vstack(rows)


def _individuals(taxon: str) -> list[Grey]:
    """Vignettes of one taxon, each scaled to fit its cell and brightened alike."""
    settings: SimSettings = preset(
        "darkfield", taxa={taxon: 1.0}, density=30.0, specks=0.0, touching=0.0, seed=11
    )
    simulator = Simulator(settings)
    crops: list[Grey] = []
    index = 0
    while len(crops) < _PER_TAXON:
        shot = simulator.frame(index)
        index += 1
        for true in shot.truth:
            if true.border or true.area_px < 40 or true.defocus_px > 2.5:
                continue
            if len(crops) < _PER_TAXON:
                height, width = true.mask.shape
                box = shot.frame.grey[true.by : true.by + height, true.bx : true.bx + width]
                crops.append(_fitted(np.where(true.mask, box, 0).astype(np.uint8)))
    return crops


def _fitted(crop: Grey) -> Grey:
    room = _CELL_PX - 10
    scale = min(room / max(crop.shape), 3.0)
    size = (max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = cv2.convertScaleAbs(cv2.resize(crop, size, interpolation=method), alpha=1.5)
    cell = np.zeros((_CELL_PX, _CELL_PX), np.uint8)
    y, x = (_CELL_PX - size[1]) // 2, (_CELL_PX - size[0]) // 2
    cell[y : y + size[1], x : x + size[0]] = scaled
    return cell


def compare(path: Path, real: Curves, ours: Curves, raw: Curves) -> None:
    """A simulated frame, and four curves of simulated and real frames."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure = plt.figure(figsize=(15, 7.2), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1.0, 1.05))
    picture = left.subplots()
    grey = Simulator(preset("coastal")).frame(25).frame.grey
    picture.imshow(_half(grey), cmap="gray", vmin=0, vmax=170)
    picture.set_title("simulated, preset “coastal” (real frames are shown as curves only)")
    picture.axis("off")
    panels = right.subplots(2, 2)
    for curve, colour, name in ((real, _REAL, "real"), (ours, _OURS, "simulated")):
        _histogram(panels[0, 0], curve, colour, name)
        _detail(panels[0, 1], curve, colour, name)
        panels[1, 0].loglog(SIZE_EDGES_PX, curve.sizes + 1e-3, color=colour, label=name)
        panels[1, 1].plot(_frequencies(curve), curve.spectrum, color=colour, label=name)
    _detail(panels[0, 1], raw, _RAW, "simulated, before the codec")
    _label(panels[0, 0], "grey levels", "grey level", "share of pixels")
    _label(panels[0, 1], "finest detail, 90 % quantile", "local brightness", "grey levels")
    _label(panels[1, 0], "sizes at one threshold", "ESD, px", "regions per Mpx, this size or more")
    _label(panels[1, 1], "power spectrum", "cycles per px", "dB")
    panels[1, 0].set_ylim(0.05, 1000)
    panels[1, 1].set_xscale("log")
    figure.savefig(path, dpi=80)
    plt.close(figure)


def _histogram(axes: Any, curve: Curves, colour: str, name: str) -> None:
    axes.semilogy(np.arange(256), curve.histogram + 1e-7, color=colour, label=name, linewidth=1)
    axes.set_ylim(1e-6, 1)


def _detail(axes: Any, curve: Curves, colour: str, name: str) -> None:
    middle = np.sqrt(NOISE_EDGES[:-1] * NOISE_EDGES[1:])
    axes.loglog(middle, curve.noise_p90, "o-", color=colour, label=name, markersize=3)


def _frequencies(curve: Curves) -> Any:
    edges = np.geomspace(1 / 512, 0.5, len(curve.spectrum) + 1)
    return np.sqrt(edges[:-1] * edges[1:])


def _label(axes: Any, title: str, x: str, y: str) -> None:
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.legend(fontsize=8)
    axes.grid(alpha=0.25)
