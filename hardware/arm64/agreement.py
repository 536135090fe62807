"""Runs inside the emulated AArch64 system: the integers of every runtime, for the caller to judge.

    agreement.py BUNDLE OBJECTS.npz OUT.npz

OBJECTS.npz: boxes, starts, masks, signals (models/crops.py). OUT.npz: `shape`, and for each runtime
`features.NAME` (uint8 [NL, C]), of the native one for each path, and its `embedding`; `failed.NAME`
is the text of what went wrong. Nothing is compared here: the other machine knows what to expect.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from models import native
from models.batch import batch_crops
from models.bundle import Bundle
from models.crops import Crops
from models.runtimes import load
from models.runtimes.native import NativeRuntime, paths


def main(bundle_path: str, objects_path: str, out_path: str) -> int:
    bundle = Bundle.load(bundle_path)
    with np.load(objects_path) as arrays:
        crops = Crops(*(arrays[name] for name in ("boxes", "starts", "masks", "signals")))
    out: dict[str, npt.NDArray[np.generic]] = {"machine": np.array(platform.machine())}
    print(f"{platform.machine()}, C library: {native.REASON or 'loaded'}", flush=True)
    batch = batch_crops(crops, bundle.network.levels)
    out["shape"] = batch.shape
    engines: dict[str, Callable[[], npt.NDArray[np.uint8]]] = {}
    if native.LIBRARY is not None:
        for path in paths():
            engines[f"native.{path}"] = lambda path=path: NativeRuntime(bundle.network, path).run(  # type: ignore[misc]  # a default argument binds the name
                batch.tables
            )
        out["embedding"] = NativeRuntime(bundle.network).embed_crops(crops)[0]
    for name in ("onnx", "litert"):
        engines[name] = lambda name=name: load(name, bundle.network, bundle.graphs).run(  # type: ignore[misc]  # likewise
            batch.tables
        )
    for name, run in engines.items():
        try:
            out[f"features.{name}"] = run()
            print(f"{name}: {len(crops)} objects", flush=True)
        except Exception as error:  # reported by name; the other runtimes still have their turn
            out[f"failed.{name}"] = np.array(f"{type(error).__name__}: {error}")
            print(f"{name}: {error}", flush=True)
        np.savez(out_path, **out)  # type: ignore[arg-type]  # numpy's stub asks for Any
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
