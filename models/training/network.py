"""The network in plain PyTorch: `h[table] @ W`, batch normalisation over sites, ReLU.

Per level one 2x2 stride-2 product (4x4 for the stem) and as many submanifold 3x3 products as the
settings say (Graham, Engelcke, van der Maaten 2018), then mean and largest value over an object's
sites and a linear layer. It is the float twin of models/network.py, which it becomes by folding
the normalisation and quantizing.

Example:
    >>> SparseNetwork(PRESETS["device"], taxa=24)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.network import taps_of
from models.preprocess import CHANNELS, SHAPE_NAMES
from models.sites import Tables
from models.training.products import product

POOLING = "mean+max"  # models/network.py


@dataclass(frozen=True)
class NetworkSettings:
    widths: tuple[int, ...] = (8, 16, 32, 56)  # channels of each level
    near: tuple[int, ...] = (0, 0, 1, 1)  # 3x3 products of each level
    dropout: float = 0.1  # on the embedding, in training

    @property
    def levels(self) -> int:
        return len(self.widths)

    @property
    def layers(self) -> tuple[tuple[str, int, int], ...]:
        """(table, level from 1, channels out) of each product, in order."""
        return tuple(
            (table, level, width)
            for level, (width, near) in enumerate(zip(self.widths, self.near, strict=True), 1)
            for table in ("children", *["near"] * near)
        )


PRESETS = {
    "device": NetworkSettings(),
    "shore": NetworkSettings((32, 64, 96, 128), (1, 1, 2, 2), dropout=0.2),
}


@dataclass(frozen=True)
class Batch:
    """Site tables as tensors; N0 .. NL sites, n objects."""

    x0: Tensor  # float32 [1 + N0, 2], 0 .. 1
    children: tuple[Tensor, ...]  # int32 [Nl, 16 or 4]
    near: tuple[Tensor, ...]  # int32 [Nl, 9]
    owner: Tensor  # int64 [NL]: which object a site of the last level belongs to
    sites: Tensor  # float32 [n, 1]: sites of each object at the last level
    shape: Tensor  # float32 [n, 4]


def to_batch(tables: Tables, shape: npt.NDArray[np.float32]) -> Batch:
    sites = torch.from_numpy(tables.object_sites.astype(np.int64))
    return Batch(
        torch.from_numpy(tables.x0).float() / 255,
        tuple(torch.from_numpy(table) for table in tables.children),
        tuple(torch.from_numpy(table) for table in tables.near),
        torch.repeat_interleave(torch.arange(len(sites)), sites),
        sites.float()[:, None],
        torch.from_numpy(shape),
    )


class SparseNetwork(nn.Module):  # type: ignore[misc]  # torch is untyped to mypy (pyproject)
    def __init__(self, settings: NetworkSettings, taxa: int) -> None:
        super().__init__()
        self.settings = settings
        self.weights = nn.ParameterList()
        self.norms = nn.ModuleList()
        channels = CHANNELS
        for table, level, width in settings.layers:
            rows = taps_of(table, level) * channels
            self.weights.append(torch.randn(rows, width) * (2 / rows) ** 0.5)  # He et al. 2015
            self.norms.append(nn.BatchNorm1d(width))
            channels = width
        self.dropout = nn.Dropout(settings.dropout)
        self.linear = nn.Linear(2 * channels + len(SHAPE_NAMES), taxa)

    def embed(self, batch: Batch) -> Tensor:
        """float32 [n, 2 C]: each object's mean, then its largest value, over its last sites."""
        h = batch.x0  # [1 + N, C_in], row 0 is the zero site
        for (kind, level, _), weights, norm in zip(
            self.settings.layers, self.weights, self.norms, strict=True
        ):
            table = (batch.children if kind == "children" else batch.near)[level - 1]
            y = functional.relu(norm(product(kind, h, table, weights)))  # [N, C_out]
            h = functional.pad(y, (0, 0, 1, 0))  # [1 + N, C_out]
        blank = torch.zeros(len(batch.sites), y.shape[1])
        mean = blank.index_add(0, batch.owner, y) / batch.sites
        owner = batch.owner[:, None].expand_as(y)
        largest = blank.scatter_reduce(0, owner, y, "amax")  # y >= 0, so 0 hides nothing
        return torch.cat([mean, largest], dim=1)

    def forward(self, batch: Batch) -> Tensor:
        """Logits, float32 [n, taxa]."""
        return self.linear(torch.cat([self.dropout(self.embed(batch)), batch.shape], dim=1))
