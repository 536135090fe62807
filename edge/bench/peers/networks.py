"""Dense networks on the same number of objects. Cutting and resizing to squares is not counted."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from edge.bench.peers.graphs import Graph
from models.figures import best_ms
from models.network import Network

DENSE_SIDE = 64
MOBILE_SIDE = 96
_BATCH = 100  # more at once only costs memory

# Howard et al. 2019, table 2: kernel, expansion, channels out, squeeze and excite, stride.
_MOBILE_V3_SMALL = (
    (3, 16, 16, True, 2), (3, 72, 24, False, 2), (3, 88, 24, False, 1), (5, 96, 40, True, 2),
    (5, 240, 40, True, 1), (5, 240, 40, True, 1), (5, 120, 48, True, 1), (5, 144, 48, True, 1),
    (5, 288, 96, True, 2), (5, 576, 96, True, 1), (5, 576, 96, True, 1),
)  # fmt: skip


def dense(network: Network) -> Any:
    """Our network's layers on whole squares: the same kernels, strides and widths."""
    graph = Graph(network.layers[0].channels_in)
    name = "x"
    for layer in network.layers:
        size, stride = round(layer.taps**0.5), 1 if layer.table == "near" else 2
        name = graph.convolution(name, layer.channels_out, size, stride)
    return graph.session(graph.mean(name), DENSE_SIDE)


def mobile(classes: int) -> Any:
    """MobileNetV3-small, all integers.

    Its hard swish is a saturation here and its hard sigmoid another, both free, and biases and
    weights are random: the time is at most that of the real one.
    """
    graph = Graph(3)
    name = graph.convolution("x", 16, 3, 2)
    for kernel, wide, width, squeeze, stride in _MOBILE_V3_SMALL:
        name = _bottleneck(graph, name, kernel, wide, width, squeeze=squeeze, stride=stride)
    name = graph.mean(graph.convolution(name, 576, 1))
    return graph.session(
        graph.convolution(graph.convolution(name, 1024, 1), classes, 1), MOBILE_SIDE
    )


def _bottleneck(
    graph: Graph, name: str, kernel: int, wide: int, width: int, *, squeeze: bool, stride: int
) -> str:
    inner = graph.convolution(name, wide, 1) if wide != graph.channels(name) else name
    inner = graph.convolution(inner, wide, kernel, stride, depthwise=True)
    if squeeze:
        small = graph.convolution(graph.mean(inner), -(-wide // 32) * 8, 1)
        inner = graph.multiply(inner, graph.convolution(small, wide, 1))
    outer = graph.convolution(inner, width, 1)
    same = stride == 1 and width == graph.channels(name)
    return graph.add(outer, name) if same else outer


def network_ms(session: Any, side: int, objects: int, turns: int) -> float:
    """Milliseconds for so many objects, in batches; whole batches cost alike."""
    whole, rest = divmod(objects, _BATCH)
    batches = [(_BATCH, whole), (rest, 1)]
    return sum(times * _batch_ms(session, side, n, turns) for n, times in batches if n * times > 0)


def _batch_ms(session: Any, side: int, objects: int, turns: int) -> float:
    channels = session.get_inputs()[0].shape[1]
    random = np.random.default_rng(2)
    x = random.integers(0, 256, (objects, channels, side, side)).astype(np.uint8)
    return best_ms(partial(session.run, None, {"x": x}), turns)
