"""The table's pictures: confusion, reliability, F1 against support. Needs matplotlib.

Small PNGs of few colours, the same bytes from the same figures with the same matplotlib.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from models.evaluation import Evaluation

COLOURS = 96
INK, SOFT, BLUE = "#1c2b36", "#8a98a3", "#14628c"
NAMED_MOST = 40
"""With more taxa than this only the outlying ones are named in the scatter."""


def confusion(evaluation: Evaluation, title: str) -> bytes:
    """Row-normalised: of the objects of each taxon, the share called so. PNG."""
    taxa = [i for i, t in enumerate(evaluation.taxa) if t.support]
    names = [evaluation.taxa[i].taxon for i in taxa]
    counts = evaluation.confusion[np.ix_(taxa, taxa)].astype(np.float64)
    support = np.array([evaluation.taxa[i].support for i in taxa])
    shares = counts / support[:, None]
    n = len(taxa)
    side = max(5.6, 3.2 + min(0.28 * n, 10.5))  # the title needs so much
    figure, axes = _figure(side, side * 0.94)
    image = axes.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    size = 8 if n <= NAMED_MOST else 5.2
    axes.set_xticks(range(n), names, rotation=90, fontsize=size)
    labels = [f"{name} ({s})" for name, s in zip(names, support, strict=True)]
    axes.set_yticks(range(n), labels, fontsize=size)
    axes.tick_params(length=0)
    if n <= NAMED_MOST:
        for y, x in np.argwhere(shares >= 0.05).tolist():
            colour = "white" if shares[y, x] > 0.4 else INK
            text = f"{100 * shares[y, x]:.0f}"
            axes.text(x, y, text, ha="center", va="center", fontsize=6.5, color=colour)
    bar = figure.colorbar(image, ax=axes, fraction=0.03, pad=0.02)
    ticks = [0, 0.05, 0.25, 0.5, 1]
    bar.set_ticks([t**0.5 for t in ticks], labels=[f"{100 * t:.0f} %" for t in ticks])
    words = f"{title}\nrows: what it is (held-out objects); columns: what it was called"
    axes.set_title(words, color=INK, fontsize=10)
    return _png(figure, dpi=110 if n <= NAMED_MOST else 95)


def reliability(bins: Sequence[tuple[float, float, int]], title: str) -> bytes:
    """What was promised against what held, and how many objects each point stands for. PNG."""
    figure, axes = _figure(4.2, 4.2)
    axes.plot([0, 1], [0, 1], color=SOFT, linewidth=1, linestyle="--")
    total = sum(n for _, _, n in bins)
    sizes = [10 + 350 * n / total for _, _, n in bins]
    x, y = [c for c, _, _ in bins], [a for _, a, _ in bins]
    axes.plot(x, y, color=BLUE, linewidth=1)
    axes.scatter(x, y, s=sizes, color=BLUE, alpha=0.55, linewidths=0, clip_on=False)
    axes.set_xlim(0, 1.03)
    axes.set_ylim(0, 1.03)
    axes.set_xlabel("mean probability of what it was called", color=INK)
    axes.set_ylabel("share called right", color=INK)
    axes.set_title(title, color=INK, fontsize=10)
    axes.text(0.97, 0.05, "area: objects", ha="right", color=SOFT, fontsize=8)
    return _png(figure, dpi=100)


def per_taxon(evaluation: Evaluation, title: str) -> bytes:
    """F1 of each taxon against its held-out objects. PNG."""
    taxa = [t for t in evaluation.taxa if t.support]
    figure, axes = _figure(7.5, 4.6)
    support = np.array([t.support for t in taxa], np.float64)
    f1 = np.array([t.f1 or 0.0 for t in taxa])
    axes.scatter(support, f1, s=22, color=BLUE, alpha=0.75, linewidths=0)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.set_xlim(0.8 * min(support.min(), 10.0), 1.6 * max(support.max(), 100.0))
    axes.xaxis.set_minor_formatter("")
    axes.set_ylim(-0.03, 1.05)
    axes.set_xlabel("held-out objects", color=INK)
    axes.set_ylabel("F1", color=INK)
    axes.set_title(title, color=INK, fontsize=10)
    for i in _worth_naming(support, f1):
        axes.annotate(
            taxa[i].taxon,
            (support[i], f1[i]),
            xytext=(4, 3),
            textcoords="offset points",
            fontsize=6.5,
            color=INK,
        )
    return _png(figure, dpi=100)


def _worth_naming(support: Any, f1: Any) -> list[int]:
    """All of a few taxa; of many, those that are worst or best for how common they are. Names that
    would lie on each other are left out."""
    common = np.log(support) - np.log(support).mean()
    slope = float(common @ f1) / max(float(common @ common), 1e-9)
    expected = f1.mean() + slope * common
    order = np.argsort(-np.abs(f1 - expected), kind="stable")
    wanted = order if len(f1) <= NAMED_MOST else order[:24]
    kept: list[int] = []
    apart = 0.13 if len(f1) <= NAMED_MOST else 0.22  # of the width: many taxa have long names
    apart *= max(np.log(support.max() / support.min()), 1.0)
    for i in wanted.tolist():
        near = [
            k
            for k in kept
            if abs(f1[i] - f1[k]) < 0.035 and abs(np.log(support[i] / support[k])) < apart
        ]
        if not near:
            kept.append(i)
    return kept


def _figure(width: float, height: float) -> tuple[Any, Any]:
    backend: Any = importlib.import_module("matplotlib.backends.backend_agg")
    figure_module: Any = importlib.import_module("matplotlib.figure")
    figure = figure_module.Figure(figsize=(width, height), layout="constrained")
    backend.FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(SOFT)
    axes.tick_params(colors=INK, labelsize=8)
    return figure, axes


def _png(figure: Any, dpi: int) -> bytes:
    from PIL import Image

    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=dpi, metadata={"Software": None})
    with Image.open(drawn) as picture:
        picture.convert("RGB").quantize(COLOURS).save(small, "PNG", optimize=True)
    return small.getvalue()
