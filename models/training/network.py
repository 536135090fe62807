"""The network in plain PyTorch: `h[table] @ W`, batch normalisation over sites, ReLU.

Widths 8/16/32/48; per level one 2x2 stride-2 product (4x4 for the stem) and one submanifold 3x3
product (Graham, Engelcke, van der Maaten 2018), then the mean over an object's sites and a linear
layer. It is the float twin of models/network.py, which it becomes by folding the normalisation and
quantizing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.network import taps_of
from models.preprocess import CHANNELS, SHAPE_NAMES
from models.sites import LEVELS, Tables


@dataclass(frozen=True)
class NetworkSettings:
    widths: tuple[int, int, int, int] = (8, 16, 32, 48)
    dropout: float = 0.1  # on the embedding, in training


@dataclass(frozen=True)
class Batch:
    """Site tables as tensors; N0 .. N4 sites, n objects."""

    x0: Tensor  # float32 [1 + N0, 2], 0 .. 1
    tables: dict[str, Tensor]  # int64: children1 [N1, 16], near1 [N1, 9], ...
    owner: Tensor  # int64 [N4]: which object a site of the last level belongs to
    sites: Tensor  # float32 [n, 1]: sites of each object at the last level
    shape: Tensor  # float32 [n, 4]


def to_batch(tables: Tables, shape: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Batch:
    named = {}
    for level, (children, near) in enumerate(zip(tables.children, tables.near, strict=True), 1):
        named[f"children{level}"] = torch.from_numpy(children.astype(np.int64))
        named[f"near{level}"] = torch.from_numpy(near.astype(np.int64))
    sites = torch.from_numpy(tables.object_sites.astype(np.int64))
    return Batch(
        torch.from_numpy(tables.x0).float() / 255,
        named,
        torch.repeat_interleave(torch.arange(len(sites)), sites),
        sites.float()[:, None],
        torch.from_numpy(shape),
    )


class SparseNetwork(nn.Module):  # type: ignore[misc]  # torch is untyped to mypy (pyproject)
    def __init__(self, settings: NetworkSettings, taxa: int) -> None:
        super().__init__()
        self.weights = nn.ParameterDict()
        self.norms = nn.ModuleDict()
        channels = CHANNELS
        for level, width in enumerate(settings.widths, 1):
            for table in ("children", "near"):
                rows = taps_of(table, level) * channels
                init = torch.randn(rows, width) * (2 / rows) ** 0.5  # He et al. 2015
                self.weights[f"{table}{level}"] = nn.Parameter(init)
                self.norms[f"{table}{level}"] = nn.BatchNorm1d(width)
                channels = width
        self.dropout = nn.Dropout(settings.dropout)
        self.linear = nn.Linear(channels + len(SHAPE_NAMES), taxa)

    def embed(self, batch: Batch) -> Tensor:
        """float32 [n, C]: each object's mean over its sites of the last level."""
        h = batch.x0  # [1 + N, C_in], row 0 is the zero site
        for level in range(1, LEVELS + 1):
            for table in ("children", "near"):
                name = f"{table}{level}"
                gathered = functional.embedding(batch.tables[name], h)  # [N, taps, C_in]
                product = gathered.flatten(1) @ self.weights[name]  # [N, C_out]
                y = functional.relu(self.norms[name](product))
                h = functional.pad(y, (0, 0, 1, 0))  # [1 + N, C_out]
        total = torch.zeros(len(batch.sites), y.shape[1]).index_add_(0, batch.owner, y)
        return total / batch.sites

    def forward(self, batch: Batch) -> Tensor:
        """Logits, float32 [n, taxa]."""
        return self.linear(torch.cat([self.dropout(self.embed(batch)), batch.shape], dim=1))
