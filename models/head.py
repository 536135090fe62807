"""The head: from what is known of an object to probabilities, and to how far they can be trusted.

Features are the embedding / 256, the four shape values and selected measures (through asinh, since
sizes and sums span decades), standardised. One layer and a softmax follow, or a hidden layer
between them, with a temperature that was fitted on objects the head had not seen. Beside that
stands what else those objects told: from which probability a name can be trusted
(models/thresholds.py), the tree the names stand in (models/taxonomy.py), and how far from its class
an object may lie (models/novelty.py).

A measure further than UNSEEN standard deviations from what the head was fitted on says nothing: it
is taken as average. Another camera's grey levels (another exposure, another stretch) would
otherwise outvote the embedding. The rest is kept within +-CLIP.

Invariants: numpy alone is needed to use it (models/fitting.py needs scikit-learn); the shore refits
a head without touching the network, so a new release differs only here.

Example:
    >>> head = Head.fit(Examples(embedding, shape, measures, labels))   # needs scikit-learn
    >>> head.probabilities(embedding, shape, measures).shape           # (n, classes), float32
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.archive import ArchiveError, pack_arrays, unpack_arrays
from models.examples import Examples
from models.measure_table import MEASURES
from models.novelty import Novelty
from models.preprocess import SHAPE_NAMES
from models.taxonomy import Tree, TreeError
from models.thresholds import TARGET, Decisions, Thresholds, decide

__all__ = ["CLIP", "DEFAULT_COLUMNS", "UNSEEN", "Examples", "Head", "HeadError", "Said"]

CLIP = 6.0
UNSEEN = 4.0
EMBEDDING_UNIT = 256.0
DEFAULT_COLUMNS = tuple(i for i, m in enumerate(MEASURES) if m.kind != "place" and m.tier == "fast")
"""The costly ones gain less than a point (within noise), and an instrument may have them off."""

Float32 = npt.NDArray[np.float32]
UInt16 = npt.NDArray[np.uint16]
Int32 = npt.NDArray[np.int32]

_Fields = dict[str, tuple[type[np.generic], int]]
_FIELDS: _Fields = {
    "columns": (np.int32, 1), "mean": (np.float32, 1), "scale": (np.float32, 1),
    "weights": (np.float32, 2), "bias": (np.float32, 1), "temperature": (np.float64, 0),
}  # fmt: skip
# Optional: a release may have been made before they were known. All of a group, or none.
_GROUPS: dict[str, _Fields] = {
    "hidden": {"hidden_weights": (np.float32, 2), "hidden_bias": (np.float32, 1)},
    "tree": {"parents": (np.int32, 1)},  # and the names "above"
    "thresholds": {
        "least": (np.float32, 1), "lower": (np.float32, 1), "support": (np.int32, 1),
        "target": (np.float64, 0),
    },
    "novelty": {
        "whiten": (np.float32, 2), "centres": (np.float32, 2), "quantiles": (np.float32, 1),
        "doubts": (np.float32, 1), "joint": (np.float32, 1),
    },
}  # fmt: skip


class HeadError(ValueError):
    """The head's file, or what it is asked to compute, does not fit; the text names the field."""


@dataclass(frozen=True, eq=False)
class Said:
    """What a head says of n objects."""

    probabilities: Float32  # [n, classes], rows sum to 1
    unknown: Float32  # [n], 0 to 1: see Head.unknown_by


@dataclass(frozen=True)
class Head:
    classes: tuple[str, ...]
    columns: Int32  # [M]: which measures are used, as indices into MEASURES
    mean: Float32  # [F], F = C + 4 + M
    scale: Float32  # [F]
    weights: Float32  # [F, classes], or [H, classes] after a hidden layer
    bias: Float32  # [classes]
    temperature: float
    hidden_weights: Float32 | None = None  # [F, H]
    hidden_bias: Float32 | None = None  # [H]
    novelty: Novelty | None = None
    above: tuple[str, ...] = ()  # taxa above the classes
    parents: Int32 | None = None  # [classes + above], -1 for a root; None: no tree
    thresholds: Thresholds | None = None

    @property
    def embedding_width(self) -> int:
        return len(self.mean) - len(SHAPE_NAMES) - len(self.columns)

    @property
    def unknown_by(self) -> str:
        """What the unknown score tells: "novelty" (the share of known held-out objects that seem
        less strange, models/novelty.py), or, in a release made before that was known, "indecision"
        (1 - the highest probability)."""
        return "indecision" if self.novelty is None else "novelty"

    @property
    def tree(self) -> Tree:
        if self.parents is None:
            return Tree.of(self.classes)
        return Tree(self.classes, self.above, self.parents)

    def standardised(self, embedding: UInt16, shape: Float32, measures: Float32) -> Float32:
        """float32 [n, F]. Raises HeadError for what is not finite or does not fit."""
        values = features(embedding, shape, measures, self.columns)
        if values.shape[1] != len(self.mean):
            raise HeadError(
                f"embedding of {embedding.shape[1]} values; this head takes {self.embedding_width}"
            )
        return standardise(values, self.mean, self.scale, self.embedding_width)

    def logits(self, embedding: UInt16, shape: Float32, measures: Float32) -> Float32:
        """float32 [n, classes], before the temperature. Raises HeadError for what is not finite."""
        return self._logits(self.standardised(embedding, shape, measures))

    def probabilities(self, embedding: UInt16, shape: Float32, measures: Float32) -> Float32:
        """float32 [n, classes], each row summing to 1.

        embedding: uint16 [n, C]; shape: float32 [n, 4]; measures: float32 [n, K], all of them.
        """
        return softmax(self.logits(embedding, shape, measures), self.temperature)

    def say(self, embedding: UInt16, shape: Float32, measures: Float32) -> Said:
        """Probabilities and unknown score. Raises HeadError as `standardised`."""
        standard = self.standardised(embedding, shape, measures)
        shares = softmax(self._logits(standard), self.temperature)
        if self.novelty is not None:
            return Said(shares, self.novelty.score(standard, shares))
        most = shares.max(axis=1, initial=0)
        return Said(shares, np.clip(1 - most, 0, 1).astype(np.float32))

    def decide(self, probabilities: Float32) -> Decisions:
        """What to call objects, backing off up the tree. probabilities: float32 [n, classes]."""
        return decide(probabilities, self.tree, self.thresholds)

    def _logits(self, standard: Float32) -> Float32:
        values = standard
        if self.hidden_weights is not None and self.hidden_bias is not None:
            values = np.maximum(standard @ self.hidden_weights + self.hidden_bias, 0)
        logits: Float32 = values @ self.weights + self.bias
        return logits

    @classmethod
    def fit(
        cls,
        examples: Examples,
        *,
        columns: Sequence[int] = DEFAULT_COLUMNS,
        strength: float = 0.1,
        balance: float = 0.25,
        validation: Examples | None = None,
        parents: Mapping[str, str] | None = None,
        hidden: int | None = None,
        target: float = TARGET,
        like: Head | None = None,
    ) -> Head:
        """A head for the taxa that occur in `examples`.

        strength: of a linear head, larger trusts the data more. balance: a taxon of n objects
        weighs n^-balance per object (0 = as counted, 1 = every taxon alike). validation: objects
        that tell the temperature, the thresholds (of precision `target`) and the unknown score;
        without it the examples tell them of each other, each by a head that has not seen it.
        parents: taxon -> the one above it. hidden: units of the hidden layer, 0 for a linear head,
        None for what does better on those objects. like: take all that held-out objects tell from
        this head instead, which was judged, and its columns and kind: the way to ship a head that
        learnt from everything.

        Objects that are not finite are set aside, with a warning that names them. Raises HeadError
        with fewer than two taxa.
        """
        from models import fitting

        settings = fitting.Settings(tuple(columns), strength, balance, hidden, target)
        return fitting.fit(examples, settings, validation, parents, like)

    def to_bytes(self) -> bytes:
        arrays = {
            name: np.asarray(getattr(self, name), kind) for name, (kind, _) in _FIELDS.items()
        }
        arrays["classes"] = np.array(self.classes, dtype=np.str_)
        parts: dict[str, object] = {
            "hidden": self,
            "tree": self,
            "thresholds": self.thresholds,
            "novelty": self.novelty,
        }
        for group, fields in _GROUPS.items():
            source = parts[group]
            if source is None or getattr(source, next(iter(fields))) is None:
                continue
            for name, (kind, _) in fields.items():
                arrays[name] = np.asarray(getattr(source, name), kind)
            if group == "tree":
                arrays["above"] = np.array(self.above, dtype=np.str_)
        return pack_arrays(arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> Head:
        """Raises HeadError naming the field. The optional groups may be absent, each as a whole."""
        try:
            arrays = unpack_arrays(data)
        except ArchiveError as error:
            raise HeadError(str(error)) from error
        fields = {**_FIELDS, **_groups(set(arrays))}
        for name, (dtype, ndim) in fields.items():
            array = arrays[name]
            if array.dtype != dtype or array.ndim != ndim or not np.isfinite(array).all():
                raise HeadError(f"{name}: expected finite {np.dtype(dtype)}, {ndim} dimensions")
        for name in {"classes", "above"} & set(arrays):
            if arrays[name].dtype.kind != "U" or arrays[name].ndim != 1:
                raise HeadError(f"{name}: expected a list of names")
        get = arrays.get
        thresholds, novelty = None, None
        if "least" in arrays:
            thresholds = Thresholds(
                float(arrays["target"]), arrays["least"], arrays["lower"], arrays["support"]
            )
        if "whiten" in arrays:
            novelty = Novelty(*(arrays[name] for name in _GROUPS["novelty"]))
        head = cls(
            tuple(arrays["classes"].tolist()), arrays["columns"], arrays["mean"], arrays["scale"],
            arrays["weights"], arrays["bias"], float(arrays["temperature"]),
            get("hidden_weights"), get("hidden_bias"), novelty,
            tuple(arrays["above"].tolist()) if "above" in arrays else (), get("parents"),
            thresholds,
        )  # fmt: skip
        _check(head)
        return head


def _groups(names: set[str]) -> _Fields:
    """The fields of the optional groups that are there. Raises HeadError for half a group."""
    found: _Fields = {}
    expected = {"classes", *_FIELDS}
    for group, fields in _GROUPS.items():
        wanted = {*fields, "above"} if group == "tree" else set(fields)
        if wanted & names:
            found |= fields
            expected |= wanted
    if names != expected:
        raise HeadError(f"fields {sorted(names)}, expected {sorted(expected)}")
    return found


def _check(head: Head) -> None:
    count, classes = len(head.mean), len(head.classes)
    if classes < 2 or len(set(head.classes)) != classes:
        raise HeadError("classes: expected at least two different names")
    into = count
    if head.hidden_weights is not None and head.hidden_bias is not None:
        into = len(head.hidden_bias)
        if head.hidden_weights.shape != (count, into) or not into:
            raise HeadError(f"hidden_weights {head.hidden_weights.shape}: expected {(count, into)}")
    if head.weights.shape != (into, classes) or head.bias.shape != (classes,):
        raise HeadError(f"weights {head.weights.shape}: expected {(into, classes)}")
    if head.scale.shape != (count,) or not (head.scale > 0).all() or head.embedding_width < 1:
        raise HeadError("scale: expected one positive value per feature")
    if len(head.columns) and not (
        0 <= int(head.columns.min()) <= int(head.columns.max()) < len(MEASURES)
    ):
        raise HeadError(f"columns: expected indices below {len(MEASURES)}")
    if head.temperature <= 0:
        raise HeadError("temperature: expected above 0")
    try:
        nodes = len(head.tree.nodes)
    except TreeError as error:
        raise HeadError(f"parents: {error}") from error
    _check_trust(head, count, nodes)


def _check_trust(head: Head, count: int, nodes: int) -> None:
    found, novelty = head.thresholds, head.novelty
    if found is not None:
        if not found.least.shape == found.lower.shape == found.support.shape == (nodes,):
            raise HeadError(f"least: expected {nodes} thresholds, one a taxon")
        if not 0 < found.target < 1 or (found.least <= 0).any() or (found.support < 0).any():
            raise HeadError("target: expected a precision, with thresholds above 0")
    if novelty is not None:
        shapes = (novelty.whiten.shape, novelty.centres.shape)
        if shapes != ((count, count), (len(head.classes), count)):
            raise HeadError(f"whiten, centres {shapes}: do not fit {count} features")
        for name in ("quantiles", "doubts", "joint"):
            rising = getattr(novelty, name)
            if len(rising) < 2 or (np.diff(rising) < 0).any():
                raise HeadError(f"{name}: expected rising values")


def features(
    embedding: UInt16, shape: Float32, measures: Float32, columns: Int32 | Sequence[int]
) -> Float32:
    """float32 [n, C + 4 + M], not yet standardised."""
    if measures.ndim != 2 or measures.shape[1] != len(MEASURES):
        raise HeadError(f"measures {measures.shape}: expected [n, {len(MEASURES)}]")
    if not len(embedding) == len(shape) == len(measures):
        raise HeadError(
            f"{len(embedding)} embeddings, {len(shape)} shapes, {len(measures)} measures"
        )
    chosen = measures[:, np.asarray(columns, np.int64)].astype(np.float32)
    if not np.isfinite(chosen).all():
        row, column = np.argwhere(~np.isfinite(chosen))[0]
        name = MEASURES[int(np.asarray(columns)[column])].name
        raise HeadError(f"object {row}: measure {name} is {chosen[row, column]}, not finite")
    if not np.isfinite(shape).all():
        raise HeadError("shape: values must be finite")
    unit = embedding.astype(np.float32) / np.float32(EMBEDDING_UNIT)
    return np.concatenate([unit, shape.astype(np.float32), np.arcsinh(chosen)], axis=1)


def standardise(values: Float32, mean: Float32, scale: Float32, width: int) -> Float32:
    """float32 [n, F]; width: of the embedding, which comes first, then shape, then measures."""
    standard: Float32 = np.clip((values - mean) / scale, -CLIP, CLIP)
    measures = standard[:, width + len(SHAPE_NAMES) :]
    measures[np.abs(measures) > UNSEEN] = 0
    return standard


def softmax(logits: Float32, temperature: float) -> Float32:
    scaled = logits / np.float32(temperature)
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares: Float32 = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares
