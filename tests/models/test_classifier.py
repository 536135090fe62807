"""The classifier: regions in, probabilities out; batches do not matter; numpy alone is enough."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models import classifier as module
from models import factory, native
from models.bundle import Bundle
from models.classifier import Classifier
from models.measure_table import INDEX, MEASURES
from models.runtimes import native as kernel


@pytest.fixture(scope="module")
def regions(draw_regions: Callable[..., list]) -> list:
    return draw_regions(30, 5)


RUNTIMES = ("litert", "onnx", "reference", *(("native",) if native.LIBRARY else ()))
FORBIDDEN = (
    *("torch", "onnx", "onnxruntime", "ai_edge_litert", "tflite_runtime", "flatbuffers"),
    *("sklearn", "scipy", "cv2", "PIL"),
)


def measures_for(regions: list) -> np.ndarray:
    return np.zeros((len(regions), len(MEASURES)), np.float32)


def test_what_a_prediction_holds(factory_bundle: Bundle, regions: list) -> None:
    classifier = Classifier(factory_bundle)
    found = classifier.classify(
        [s for s, _ in regions], [m for _, m in regions], measures_for(regions)
    )
    width = factory_bundle.network.embedding_width
    assert (found.embedding.shape, found.embedding.dtype) == ((30, width), np.uint16)
    assert (found.shape.shape, found.shape.dtype) == ((30, 4), np.float32)
    assert found.probabilities.shape == (30, len(classifier.classes))
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-5)
    assert classifier.release_id == factory_bundle.release_id
    assert classifier.runtime_name == ("native" if kernel.quick() else "litert")


def test_no_objects(factory_bundle: Bundle) -> None:
    found = Classifier(factory_bundle).classify([], [], measures_for([]))
    assert len(found.embedding) == len(found.shape) == len(found.probabilities) == 0


def test_batches_and_runtimes_do_not_matter(
    factory_bundle: Bundle, regions: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals, masks = [s for s, _ in regions], [m for _, m in regions]
    expected = Classifier(factory_bundle).classify(signals, masks, measures_for(regions))
    for cells in (1, 3000):
        monkeypatch.setattr(module, "MAX_BATCH_CELLS", cells)
        for runtime in RUNTIMES:
            found = Classifier(factory_bundle, runtime).classify(
                signals, masks, measures_for(regions)
            )
            np.testing.assert_array_equal(found.embedding, expected.embedding)
            np.testing.assert_array_equal(found.shape, expected.shape)
            np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-6)


def test_without_the_c_library_nothing_changes(
    factory_bundle: Bundle, regions: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals, masks = [s for s, _ in regions], [m for _, m in regions]
    expected = Classifier(factory_bundle).classify(signals, masks, measures_for(regions))
    monkeypatch.setattr(native, "LIBRARY", None)
    found = Classifier(factory_bundle).classify(signals, masks, measures_for(regions))
    np.testing.assert_array_equal(found.embedding, expected.embedding)


def test_bad_objects_are_named(factory_bundle: Bundle, regions: list) -> None:
    classifier = Classifier(factory_bundle)
    signals, masks = [s for s, _ in regions], [m for _, m in regions]
    measures = measures_for(regions)
    measures[3, INDEX["area"]] = np.nan
    with pytest.raises(ValueError, match="object 3: measure area"):
        classifier.classify(signals, masks, measures)
    masks[2] = np.zeros_like(masks[2])
    with pytest.raises(ValueError, match="object 2: the mask is empty"):
        classifier.classify(signals, masks, measures_for(regions))


def test_numpy_alone_is_enough() -> None:
    """In a fresh interpreter with every other library forbidden, it still classifies."""
    program = f"""
import sys
class Forbid:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {FORBIDDEN!r}:
            raise ImportError(f"{{name}} is not installed")
sys.meta_path.insert(0, Forbid())
import numpy as np
from models.bundle import Bundle
from models.classifier import Classifier
from models.measure_table import MEASURES
classifier = Classifier(Bundle.load({str(factory.path())!r}))
mask = np.ones((9, 12), bool)
found = classifier.classify([mask * np.uint8(90)], [mask], np.zeros((1, len(MEASURES)), np.float32))
print(classifier.runtime_name, found.probabilities.shape[0])
"""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=root, check=False
    )
    assert done.stdout.split() == ["native" if native.LIBRARY else "reference", "1"], done.stderr


@pytest.mark.data
def test_it_tells_real_objects_apart(factory_bundle: Bundle, spc_zip: Path) -> None:
    """Not the held-out figures (the card has those): that the whole path, file to taxon, works."""
    from models.class_map import SPC_CLASSES, ClassMap
    from models.decode import decode
    from models.labelled import open_labelled
    from models.measures import measure_many
    from models.vignettes import cut_out

    taxon_of = ClassMap.load(SPC_CLASSES).taxon_of
    seen, truth = [], []
    with open_labelled(spc_zip) as images:
        for folder in ("Copepod", "Filament", "Blob", "Neocalanus"):
            names = [n for n in images.names if n.startswith(f"{folder}/")]
            for name in names[:: len(names) // 25]:
                seen.append(cut_out(decode(images.read(name))))
                truth.append(taxon_of[folder])
    signals, masks = [v.signal for v in seen], [v.mask for v in seen]
    measures = measure_many([(v.grey, v.mask, 0, 0, v.field) for v in seen])
    classifier = Classifier(factory_bundle)
    best = classifier.classify(signals, masks, measures).probabilities.argmax(axis=1)
    right = [classifier.classes[i] == taxon for i, taxon in zip(best, truth, strict=True)]
    assert np.mean(right) > 0.5  # of 24 taxa
