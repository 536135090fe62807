"""A release from people's own images: class folders of any instrument, without a project or torch.

The base bundle's network stays as it is and gives every image its embedding; a new head is fitted
on that and the measures. It is judged on images that it never saw: the later ones where the names
tell the time, else a fifth drawn at random, and the card says which. The head that ships is then
fitted on all of them.

Example:
    >>> done = train_folder(images, bundle, name="Bay", seed=0, created="2026-05-04T10:20:30Z")
    >>> done.evaluation.accuracy, len(done.data)
    (0.93, 402133)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.bundle import Bundle, with_head
from models.card import make_card
from models.classifier import Classifier
from models.decode import UnreadableError, decode
from models.evaluation import Evaluation, evaluate
from models.head import Examples, Head
from models.labelled import ImageSetError, LabelledImages
from models.measures import MEASURES, measure_many
from models.preprocess import SHAPE_NAMES, Float32, UInt8, prepare
from models.splitting import split_at_random, split_by_time, time_of
from models.vignettes import Vignette, cut_out
from server.learning.train import one_thread

CLASS_LEAST = 5
"""A class takes part with this many images."""
TIMED_SHARE = 0.9
"""With the time in so many of the names the split is by time; the other images are left out."""
TEST_LEAST = 0.05
"""By time, at least this share must be held out; else the split is random."""
BATCH = 128

Progress = Callable[[int, int], None]
Refused = Callable[[str, str], None]


@dataclass(frozen=True)
class FolderTrained:
    """What came of it; `data` is the bundle."""

    data: bytes
    card: dict[str, Any]
    evaluation: Evaluation
    n_train: int
    n_test: int
    split: str  # "time" or "random"
    left_out: dict[str, int]  # classes with too few images -> how many
    set_aside: list[tuple[str, str]]  # image, reason
    ignored: dict[str, int]  # reason -> files


@dataclass(frozen=True)
class _Split:
    learn: npt.NDArray[np.bool_]
    choose: npt.NDArray[np.bool_]  # for the temperature
    test: npt.NDArray[np.bool_]
    by: str
    words: str


def train_folder(
    images: LabelledImages,
    base: Bundle,
    *,
    name: str,
    seed: int,
    created: str,
    progress: Progress,
    refused: Refused,
) -> FolderTrained:
    """Read, learn, judge, bundle. Raises ImageSetError with fewer than two classes to learn."""
    chosen, left_out = enough(images.labels)
    set_aside: list[tuple[str, str]] = []

    def refuse(image: str, reason: str) -> None:
        set_aside.append((image, reason))
        refused(image, reason)

    wanted = [(images.names[i], images.labels[i]) for i in chosen]
    names, examples = _examples(images, wanted, base, progress, refuse)
    kept, fewer = enough(examples.labels)  # bad images may leave a class with too few
    left_out = {**left_out, **fewer}
    examples, names = examples.subset(np.array(kept, np.int64)), [names[i] for i in kept]
    split, untimed = _split(names, examples.labels, seed)
    if untimed.any():
        names = [n for n, out in zip(names, untimed, strict=True) if not out]
        examples = examples.subset(~untimed)
    evaluation, head = _fit(examples, split)
    reasons = Counter(images.ignored)
    reasons["set aside, unreadable or blank"] = len(set_aside)
    reasons["without a time in the name"] = int(untimed.sum())
    reasons.update({f"class {label}: too few": n for label, n in left_out.items()})
    card = _card(name, images.path.name, evaluation, examples, split, base, left_out, reasons)
    data = with_head(base, head, head.classes, card, name, created=created)
    test = int(split.test.sum())
    return FolderTrained(
        data, card, evaluation, len(names) - test, test, split.by, left_out, set_aside,
        dict(images.ignored),
    )  # fmt: skip


def enough(labels: Sequence[str]) -> tuple[list[int], dict[str, int]]:
    """Indices of what is in a class of CLASS_LEAST images, and the other classes with their counts.

    Raises ImageSetError if fewer than two classes are left.
    """
    counts = Counter(labels)
    few = {label: n for label, n in sorted(counts.items()) if n < CLASS_LEAST}
    if len(counts) - len(few) < 2:
        there = ", ".join(f"{label} ({n})" for label, n in sorted(counts.items())[:10]) or "none"
        raise ImageSetError(
            f"training needs at least two classes with {CLASS_LEAST} readable images each; "
            f"there are {len(counts)} in all: {there}"
        )
    return [i for i, label in enumerate(labels) if label not in few], few


def _examples(
    images: LabelledImages,
    wanted: Sequence[tuple[str, str]],
    base: Bundle,
    progress: Progress,
    refuse: Refused,
) -> tuple[list[str], Examples]:
    """The images that can be used, in order, and what is known of each."""
    classifier = Classifier(base)
    names: list[str] = []
    labels: list[str] = []
    embeddings, shapes, measures = [], [], []
    for start in range(0, len(wanted), BATCH):
        batch = list(_vignettes(images, wanted[start : start + BATCH], refuse))
        values = measure_many([(v.grey, v.mask, 0, 0, v.field) for _, _, v in batch])
        finite = [_finite(n, row, refuse) for (n, _, _), row in zip(batch, values, strict=True)]
        usable = [item for item, ok in zip(batch, finite, strict=True) if ok]
        prepared = [prepare(v.signal, v.mask) for _, _, v in usable]
        names += [n for n, _, _ in usable]
        labels += [label for _, label, _ in usable]
        embeddings.append(classifier.embed(prepared))
        shapes += [p.shape for p in prepared]
        measures.append(values[np.array(finite, np.bool_)])
        progress(min(start + BATCH, len(wanted)), len(wanted))
    shape = np.array(shapes, np.float32).reshape(-1, len(SHAPE_NAMES))
    return names, Examples(np.concatenate(embeddings), shape, np.concatenate(measures), labels)


def _vignettes(
    images: LabelledImages, wanted: Sequence[tuple[str, str]], refuse: Refused
) -> Iterator[tuple[str, str, Vignette]]:
    for name, label in wanted:
        try:
            grey: UInt8 = decode(images.read(name))
            yield name, label, cut_out(grey)
        except (UnreadableError, ValueError) as error:
            refuse(name, str(error))


def _finite(name: str, values: Float32, refuse: Refused) -> bool:
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        refuse(name, f"measure {MEASURES[int(bad[0])].name} is {values[bad[0]]}, not finite")
    return not len(bad)


def _split(
    names: Sequence[str], labels: Sequence[str], seed: int
) -> tuple[_Split, npt.NDArray[np.bool_]]:
    """What is held out, and which images cannot take part: bool [n], a time missing among times."""
    times = [time_of(name) for name in names]
    untimed = np.array([time is None for time in times], np.bool_)
    if np.count_nonzero(~untimed) >= TIMED_SHARE * len(names):
        part = split_by_time(np.array([t for t in times if t is not None], np.int64))
        timed = np.asarray(labels, dtype=np.str_)[~untimed]
        learnt = np.unique(timed[part == 0])
        if (part == 2).mean() >= TEST_LEAST and len(learnt) >= 2:
            words = (
                "By time, as the names tell it: of each deployment (images without a gap of a "
                "week) the last fifth is held out, cut in a gap of at least an hour."
            )
            return _Split(part == 0, part == 1, part == 2, "time", words), untimed
    test = split_at_random(labels, seed)
    words = (
        f"At random, a fifth of each class (seed {seed}), for want of times in the names. Images "
        "of one animal or one sample may be on both sides, so the figures flatter: on a new "
        "sample expect less."
    )
    none = np.zeros(len(names), np.bool_)
    return _Split(~test, none, test, "random", words), none


def _fit(examples: Examples, split: _Split) -> tuple[Evaluation, Head]:
    """Figures on the held-out images; the head fitted on all, trusted as far as the judged one."""
    held_out = examples.subset(split.test)
    choose = examples.subset(split.choose) if split.choose.any() else None
    with one_thread():
        judged = Head.fit(examples.subset(split.learn), validation=choose)
        final = Head.fit(examples, like=judged)
    found = judged.probabilities(held_out.embedding, held_out.shape, held_out.measures)
    figures = evaluate(held_out.labels, found, judged.classes)
    return figures, final


def _card(
    name: str,
    source: str,
    evaluation: Evaluation,
    examples: Examples,
    split: _Split,
    base: Bundle,
    left_out: dict[str, int],
    reasons: Counter[str],
) -> dict[str, Any]:
    """The card; reasons: why files had no part, each with their number."""
    test = int(split.test.sum())
    learnt = int(split.learn.sum())
    temperature = int(split.choose.sum())
    apart = f"{temperature} for the temperature, " if temperature else ""
    limits = [
        "The figures are of a head fitted without the held-out images; the head in this release "
        "was then fitted with them too.",
        "The network was trained on another instrument's images; only the head is new.",
        "Precision and recall of a class with few held-out images are uncertain; see its support.",
    ]
    if left_out:
        limits.append(f"Does not know: {', '.join(left_out)} (fewer than {CLASS_LEAST} images).")
    details: dict[str, Any] = {"base": {"release": base.release_id, "name": base.name}}
    if +reasons:
        details["files left out"] = dict(+reasons)
    return make_card(
        name,
        evaluation,
        trained_on=dict(sorted(Counter(examples.labels).items())),
        description="A head for these images on the base release's network.",
        data=f"{source}: {learnt} images to learn from, {apart}{test} held out for the "
        "figures above.",
        split=split.words,
        limits=limits,
        details=details,
    )
