"""A run of frames from a source to a folder of results: what ``seadrift-edge process`` does.

Invariant: every picture of the source ends in exactly one of two places, a row of ``summary.json``
or the quarantine; an error of one frame never stops the next; the EcoTaxa zip has its final name
only when it is whole.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edge.agent.version import software_version
from edge.ecotaxa import EcotaxaArchive, Metadata, Run
from edge.ecotaxa.archive import file_stem
from edge.files import write_atomic
from edge.frames import BadFrame
from edge.pipeline import Classifies, FrameResult, Pipeline
from edge.png import encode
from edge.segment import SegmentSettings
from edge.sources import FileSource, quarantine


@dataclass(frozen=True)
class Release:
    """A release at work: its name and its classifier."""

    name: str
    classifier: Classifies


@dataclass(frozen=True)
class Progress:
    """What to call as frames are done (number, total, result) or found bad."""

    done: Callable[[int, int, FrameResult], None]
    bad: Callable[[BadFrame], None]


@dataclass
class Summary:
    """What came of a run; ``frames`` and ``bad`` have one entry a frame."""

    sample: str
    release_id: str
    pixel_um: float
    pixel_is_assumed: bool
    ignored: int
    frames: list[dict[str, Any]] = field(default_factory=list)
    bad: list[dict[str, str]] = field(default_factory=list)
    objects: int = 0
    specks: int = 0
    dropped: int = 0
    archive: str = ""
    overlays: str = ""

    def add(self, result: FrameResult) -> None:
        """Count a frame."""
        found = result.segmentation
        self.objects += len(result.objects)
        self.specks += found.specks
        self.dropped += found.dropped
        self.frames.append(
            {
                "name": result.frame.name,
                "index": result.frame.index,
                "objects": len(result.objects),
                "specks": found.specks,
                "faint": found.faint,
                "refused": found.refused,
                "dropped": found.dropped,
                "split": found.split,
                "field": found.field,
                "brightness": round(found.brightness, 2),
                "drift": round(found.drift, 2),
                "noise": round(found.noise, 2),
                "low": round(found.low, 2),
                "high": round(found.high, 2),
                "message": found.message,
                "ms": {name: round(ms, 2) for name, ms in result.ms.items()},
            }
        )

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def process_frames(
    source: FileSource,
    out: Path,
    settings: SegmentSettings,
    metadata: Metadata,
    release: Release | None,
    pixel_is_known: bool,
    progress: Progress,
) -> Summary:
    """Process every frame of a source into the folder ``out``, which is made if need be.

    Raises MetadataError or EcotaxaError if EcoTaxa would refuse the result, OSError if it cannot be
    written; then there is no new zip.
    """
    run = _run(source, settings, metadata, release)
    summary = Summary(
        run.sample_id, run.release_id, settings.pixel_um, not pixel_is_known, source.ignored
    )
    overlays = out / "overlays"
    overlays.mkdir(parents=True, exist_ok=True)
    pipeline = Pipeline(settings, release.classifier if release else None)
    names = overlay_names(source.names)
    shown_um = settings.pixel_um if pixel_is_known else None
    with EcotaxaArchive(out, run) as archive:
        for item in source:
            if isinstance(item, BadFrame):
                quarantine(item, source, out / "quarantine")
                summary.bad.append({"name": item.name, "reason": item.reason})
                progress.bad(item)
                continue
            result = pipeline.process(item)
            archive.add(item, result.objects)
            _write_overlay(overlays / names[item.index], result, shown_um)
            summary.add(result)
            progress.done(item.index + 1, len(source.names), result)
        if not summary.frames:
            archive.abandon()
    if summary.frames:
        summary.archive, summary.overlays = str(archive.path), str(overlays)
    text = json.dumps(summary.as_dict(), indent=1, ensure_ascii=False)
    write_atomic(out / "summary.json", text.encode())
    return summary


def _run(
    source: FileSource, settings: SegmentSettings, metadata: Metadata, release: Release | None
) -> Run:
    return Run(
        sample=file_stem(source.label),
        fingerprint=_fingerprint(source),
        settings=settings,
        software_version=software_version(),
        metadata=metadata,
        release_id=release.classifier.release_id if release else "",
        release_name=release.name if release else "",
        runtime=release.classifier.runtime_name if release else "",
        has_place=source.has_place,
    )


def _fingerprint(source: FileSource) -> str:
    """Names the input by its files' names and sizes: a second run of it has the same ids."""
    digest = hashlib.sha256()
    for name in source.names:
        digest.update(f"{name}\0{source.size_of(name)}\n".encode())
    return digest.hexdigest()


def _write_overlay(path: Path, result: FrameResult, pixel_um: float | None) -> None:
    from edge.overlay import draw  # with OpenCV, which the agent does without

    picture = draw(result, pixel_um)
    write_atomic(path, encode(picture[..., ::-1]))  # OpenCV draws in blue, green, red


def overlay_names(frames: Sequence[str]) -> list[str]:
    """The overlay's file for each frame: folders become part of the name, none is used twice."""
    names: list[str] = []
    taken: set[str] = set()
    for frame in frames:
        stem = re.sub(r"[^\w.-]+", "_", frame.replace("/", "__")).lstrip(".")
        stem = stem.rsplit(".", 1)[0][-200:]
        name = f"{stem}.png" if f"{stem}.png" not in taken else f"{stem}.{len(names)}.png"
        taken.add(name)
        names.append(name)
    return names
