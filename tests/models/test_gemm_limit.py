"""The yardstick of the native runtime: the same products, without the gathering."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from models import gemm_limit, native
from models.gemm_limit import gemm_limit_ms
from models.network import Network
from models.runtimes import MissingRuntimeError


def test_each_engine_and_the_best_of_them(draw_network: Callable[..., Network]) -> None:
    network = draw_network((8, 16), 1, (1, 0))
    found = gemm_limit_ms(network, (900, 300, 90), turns=2)
    engines = set(found) - {"limit"}
    assert engines == {"onnx_s8", "onnx_u8", *(("native",) if native.LIBRARY else ())}
    assert 0 < found["limit"] <= min(found[name] for name in engines)
    assert gemm_limit_ms(network, (0, 0, 0), turns=2) == {"limit": 0}


@pytest.mark.skipif(native.LIBRARY is None, reason=native.REASON or "loaded")
def test_the_native_product_is_the_layers(draw_network: Callable[..., Network]) -> None:
    """Rows of all shapes of layers, more than one chunk of them: the very sums are checked."""
    for layer in draw_network((8, 16, 56), 2, (1, 1, 1)).layers:
        rows = np.random.default_rng(3).integers(0, 256, (77, layer.weights.shape[0]))
        sums = rows @ layer.weights.astype(np.int64) + layer.bias
        wanted = np.clip(np.rint(sums.astype(np.float32) * layer.multiplier), 0, 255)
        found = gemm_limit._native(layer, rows.astype(np.uint8))()
        np.testing.assert_array_equal(found, wanted.astype(np.uint8))


def test_without_any_engine_it_says_so(
    draw_network: Callable[..., Network], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gemm_limit, "_engines", lambda layer, rows: {})
    with pytest.raises(MissingRuntimeError, match="neither"):
        gemm_limit_ms(draw_network((8,), 1, (0,)), (9, 3), turns=1)
