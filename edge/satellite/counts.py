"""What one frame adds to a dive: objects per taxon and size class, at the frame's depth.

An object counts as the taxon that the release decides for it with its thresholds, backing off up
the tree where the likeliest class is not sure enough, and as "other" where nothing is. A release
without thresholds counts its likeliest class.

Example:
    >>> count(result, classifier)
    {(12, 3): 4, (0, 2): 1}
"""

from collections import Counter
from collections.abc import Mapping

from edge.pipeline import Classifies, FrameResult, Objects
from models.classifier import Classifier
from wire.summary import OTHER, size_class

Counts = Mapping[tuple[int, int], int]
"""(taxon, size class) -> objects; taxon 0 is "other", t > 0 node t - 1 of the release's tree."""


def count(result: FrameResult, classifier: Classifies | None) -> Counts:
    """The frame's objects, counted. Without a classifier all are "other"."""
    objects = result.objects
    sizes = [size_class(float(item.region.esd_um)) for item in objects]
    taxa = [OTHER] * len(objects)
    if isinstance(classifier, Classifier) and isinstance(objects, Objects) and len(objects):
        taxa = _taxa(objects, classifier)
    return Counter(zip(taxa, sizes, strict=True))


def _taxa(objects: Objects, classifier: Classifier) -> list[int]:
    """The taxon of each object, [n]."""
    said = objects.prediction
    if said is None:
        return [OTHER] * len(objects)
    found = classifier.decide(said.probabilities, getattr(said, "unknown", None))
    sure = found.sure if classifier.thresholds is not None else [True] * len(objects)
    return [int(node) + 1 if ok else OTHER for node, ok in zip(found.node, sure, strict=True)]
