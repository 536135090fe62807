"""The network's two products with their gradients, as gathers: what makes training quick on a CPU.

Left to PyTorch, the gradient of a gather is a scatter-add, one row after the other. But a sparse
network's tables can be read backwards:

- 3x3 (`near`): site j is neighbour k of site i exactly when i is neighbour 8 - k of j. So the
  gradient is the same product with the taps in reverse order and each tap's weights transposed.
- 2x2 (`children`): a site has one parent, so the gradients of all children are written once each.
- 4x4 (the stem's `children`): its input is pixels, which need no gradient.

Invariant: values and gradients are those of `h[table].flatten(1) @ weights` (a test holds them).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

NEAR_TAPS = 9


class _Near(torch.autograd.Function):  # type: ignore[misc]  # torch is untyped to mypy (pyproject)
    @staticmethod
    def forward(context: Any, h: Tensor, table: Tensor, weights: Tensor) -> Tensor:
        gathered = _gather(h, table)  # [N, 9 C_in]
        context.save_for_backward(gathered, table, weights)
        return gathered @ weights  # [N, C_out]

    @staticmethod
    def backward(context: Any, change: Tensor) -> tuple[Tensor, None, Tensor]:
        gathered, table, weights = context.saved_tensors
        channels = gathered.shape[1] // NEAR_TAPS
        back = weights.view(NEAR_TAPS, channels, -1).transpose(1, 2).reshape(-1, channels)
        to_sites = _gather(_with_zero_site(change), table.flip(1)) @ back  # [N, C_in]
        return _with_zero_site(to_sites), None, gathered.t() @ change


class _Children(torch.autograd.Function):  # type: ignore[misc]  # as above
    @staticmethod
    def forward(context: Any, h: Tensor, table: Tensor, weights: Tensor) -> Tensor:
        gathered = _gather(h, table)  # [N, 4 C_in]; the stem: [N, 16 C_in]
        context.save_for_backward(gathered, table, weights)
        context.sites = len(h)
        return gathered @ weights

    @staticmethod
    def backward(context: Any, change: Tensor) -> tuple[Tensor | None, None, Tensor]:
        gathered, table, weights = context.saved_tensors
        to_weights = gathered.t() @ change
        if not context.needs_input_grad[0]:
            return None, None, to_weights
        channels = gathered.shape[1] // table.shape[1]
        to_children = (change @ weights.t()).view(-1, channels)  # [N * 4, C_in]
        to_sites = torch.empty(context.sites, channels)
        to_sites.index_copy_(0, table.reshape(-1).long(), to_children)
        to_sites[0] = 0  # where all missing children wrote
        return to_sites, None, to_weights


def product(kind: str, h: Tensor, table: Tensor, weights: Tensor) -> Tensor:
    """float32 [N, C_out] of h float32 [1 + M, C_in], table int32 [N, taps], kind "near" or
    "children"."""
    result: Tensor = (_Near if kind == "near" else _Children).apply(h, table, weights)
    return result


def _gather(h: Tensor, table: Tensor) -> Tensor:
    return h.index_select(0, table.reshape(-1)).view(len(table), -1)


def _with_zero_site(rows: Tensor) -> Tensor:
    return functional.pad(rows, (0, 0, 1, 0))
