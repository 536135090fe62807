"""The agent's loop in this process, with what a whole process rarely meets."""

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.agent.loop import Agent, CannotContinueError, Options, shifted
from edge.agent.parts import Parts, assemble
from edge.agent.quarantine import Quarantine
from edge.agent.sender import Sender
from edge.carriers.budgets import Budgets
from edge.carriers.desk import Desk, LinkSettings
from edge.clock import SystemClock
from edge.config import Config, load
from edge.frames import BadFrame, Frame
from edge.links import LinkError
from edge.links.simulated import SimulatedShore
from edge.outbox import Draft
from edge.pipeline import FrameResult, Pipeline
from edge.updates import state as s
from models.brief import brief_of
from wire.codec import decode_record
from wire.records import Record, Vignette

CONFIG = """
[device]
name = "north"
data = "data"
health_s = 86400.0

[source]
kind = "simulator"

[source.simulator]
width = 200
height = 160
density = 3

[acquisition]
project = "cast"
sample = "{sample}"
acquisition = "a1"
process = "p1"
instrument = "test"
pixel_um = 20.0

[outbox]
max_mb = 2
reserve_mb = 0
"""


def configured(folder: Path, sample: str = "s1") -> Config:
    path = folder / "edge.toml"
    path.write_text(CONFIG.format(sample=sample))
    return load(path)


def waiting(parts: Parts) -> list[Record]:
    batch = parts.outbox.next_batch(2**30)
    return [] if batch is None else [decode_record(blob) for blob in batch.records]


def kinds(parts: Parts) -> list[str]:
    return [record.kind for record in waiting(parts)]


@dataclasses.dataclass
class Broken:
    """Frames that could not be had, without end."""

    start: int = 0

    def __iter__(self) -> Iterator[Frame | BadFrame]:
        index = self.start
        while True:
            yield BadFrame("f" * 20_000, index, "r" * 900)
            index += 1


def without_frames(parts: Parts, sender: Sender | None) -> Parts:
    """The same agent on a camera that is broken."""
    source = Broken()
    quarantine = Quarantine(parts.quarantine.folder, source, limit_files=4)
    return dataclasses.replace(parts, source=source, sender=sender, quarantine=quarantine)


def test_the_context_goes_first_and_again_when_it_changes(tmp_path: Path) -> None:
    with assemble(configured(tmp_path)) as parts:
        Agent(parts, Options(frames=2, once=True)).run()
        assert kinds(parts).count("context") == 1
    with assemble(configured(tmp_path)) as parts:
        Agent(parts, Options(frames=1, once=True)).run()
        assert kinds(parts).count("context") == 1
    with assemble(configured(tmp_path, sample="s2")) as parts:
        Agent(parts, Options(frames=1, once=True)).run()
        found = [r for r in waiting(parts) if r.kind == "context"]
        assert [record.body["sample"] for record in found] == ["s1", "s2"]
        frames = [r for r in waiting(parts) if r.kind == "frame"]
        assert [record.body["frame_index"] for record in frames] == [0, 1, 2, 3]
        first = min(record.seq for record in frames)
        assert found[0].seq < first


def test_vignettes_follow_their_objects_behind_a_context() -> None:
    picture = Draft(Vignette(0, 0, "png", 1, 1, b""), about=2)
    assert shifted([picture], 1)[0].about == 3


class Failing(Pipeline):
    """Breaks on every second frame."""

    def process(self, frame: Frame) -> FrameResult:
        if frame.index % 2:
            raise MemoryError("no memory for this one")
        return super().process(frame)


def test_a_frame_that_cannot_be_processed_is_kept_and_the_next_one_follows(tmp_path: Path) -> None:
    with assemble(configured(tmp_path)) as parts:
        failing = Failing(parts.config.segment, parts.pipeline.classifier)
        broken = dataclasses.replace(parts, pipeline=failing)
        assert Agent(broken, Options(frames=4, once=True)).run() == 1
        found = kinds(parts)
        assert (found.count("frame"), found.count("badframe")) == (2, 2)
        reasons = [r.body["reason"] for r in waiting(parts) if r.kind == "badframe"]
        assert all("MemoryError: no memory for this one" in reason for reason in reasons)
    kept = {path.suffix for path in (tmp_path / "data" / "quarantine").iterdir()}
    assert kept == {".png", ".txt"}


def test_full_without_a_shore_ends_with_one_message_and_keeps_everything(tmp_path: Path) -> None:
    with assemble(configured(tmp_path)) as parts:
        broken = without_frames(parts, None)
        with pytest.raises(CannotContinueError, match=r"\[outbox\] max_mb = 2 is used up"):
            Agent(broken, Options()).run()
        done = int(parts.outbox.cursor or 0)
        held = [r.body["frame_index"] for r in waiting(parts) if r.kind == "badframe"]
        assert sorted(held) == list(range(len(held)))
        assert parts.outbox.pending().by_kind["badframe"] == done


def sending(shore: SimulatedShore, parts: Parts, settings: LinkSettings) -> Sender:
    clock = SystemClock(trust_system=False)
    desk = Desk(
        parts.outbox, parts.identity, parts.updater, parts.orders, clock, settings, lambda: None
    )
    return Sender([shore], desk, Budgets(parts.outbox, clock))


def test_full_with_a_shore_waits_and_goes_on_when_the_link_is_back(tmp_path: Path) -> None:
    down = threading.Event()
    down.set()

    def cut(request: str, moment: str) -> None:
        if down.is_set():
            raise LinkError("down")

    shore = SimulatedShore(fault=cut)
    with assemble(configured(tmp_path)) as parts:
        settings = LinkSettings(parts.config.link, "https://x", "claim", "n", "desktop", "test")
        settings = dataclasses.replace(
            settings, link=dataclasses.replace(settings.link, retry_max_s=1.0)
        )
        sender = sending(shore, parts, settings)
        agent = Agent(without_frames(parts, sender), Options(frames=200, once=True))

        def bring_back_when_full() -> None:
            waited = threading.Event()
            while agent._doing != "waiting for room":
                waited.wait(0.02)
            down.clear()

        helper = threading.Thread(target=bring_back_when_full)
        helper.start()
        assert agent.run() == 1
        helper.join()
        assert parts.outbox.pending().records == 0
        frames = [r.body["frame_index"] for r in shore.records.values() if r.kind == "badframe"]
        assert sorted(frames) == list(range(200))
        reports = [r for r in shore.records.values() if r.kind == "health"]
        assert max(reports, key=lambda r: r.seq).body["pending"] == 0


def test_a_stop_while_waiting_for_room_leaves_the_frame_for_the_next_run(tmp_path: Path) -> None:
    def cut(request: str, moment: str) -> None:
        raise LinkError("down")

    with assemble(configured(tmp_path)) as parts:
        settings = LinkSettings(parts.config.link, "https://x", "claim", "n", "desktop", "test")
        sender = sending(SimulatedShore(fault=cut), parts, settings)
        agent = Agent(without_frames(parts, sender), Options())

        def stop_when_full() -> None:
            waited = threading.Event()
            while agent._doing != "waiting for room":
                waited.wait(0.02)
            agent.stop()

        helper = threading.Thread(target=stop_when_full)
        helper.start()
        assert agent.run() == 0
        helper.join()
        assert parts.outbox.pending().by_kind["badframe"] == int(parts.outbox.cursor or 0)


def test_steps_of_a_release_are_told_once_even_when_the_process_ends_in_between(
    tmp_path: Path,
) -> None:
    release = "ab" * 32
    with assemble(configured(tmp_path)) as parts:
        begun = s.begin(s.UpdateState(), deploy_seq=1, release=release, factory="")
        parts.updater._save(begun)
        agent = Agent(parts, Options())
        agent._report_updates()
        parts.updater._save(begun)  # as if the process had ended before the state was saved
    with assemble(configured(tmp_path)) as parts:
        assert parts.updater.notices()
        Agent(parts, Options())._report_updates()
        assert kinds(parts).count("deployment") == 1
        assert not parts.updater.notices()


def test_the_records_say_what_the_pipeline_found(tmp_path: Path) -> None:
    with assemble(configured(tmp_path)) as parts:
        Agent(parts, Options(frames=3, once=True)).run()
        records = waiting(parts)
        by_seq = {record.seq: record for record in records}
        objects = [record for record in records if record.kind == "object"]
        pictures = [record for record in records if record.kind == "vignette"]
        assert objects
        assert len(pictures) == len(objects)
        for picture in pictures:
            shown = by_seq[picture.body["object_seq"]]
            assert shown.kind == "object"
            assert picture.body["width"] >= shown.body["width"]
            exact = np.frombuffer(picture.body["measures"], "<f4")
            assert np.isfinite(exact).all()
            assert brief_of(exact) == shown.body["brief"]
            assert len(np.frombuffer(picture.body["shape"], "<f4")) == 4
        for found in objects:
            body = found.body
            assert body["measures"] == body["embedding"] == body["shape"] == b""
            assert body["release"] == parts.pipeline.classifier.release_id  # type: ignore[union-attr]  # it has one
            assert body["top"][0] == [body["taxon"], pytest.approx(body["score"], abs=1e-5)]
        frame = next(record for record in records if record.kind == "frame")
        stages = {name: ms for name, ms in frame.body["ms"].items() if name != "total"}
        assert frame.body["ms"]["total"] == pytest.approx(sum(stages.values()), abs=0.01)
