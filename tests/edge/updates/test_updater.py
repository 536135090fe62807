"""Releases on the device, with real bundles: taken, refused, given up; killed at every write."""

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.config import UpdatesConfig
from edge.frames import Frame
from edge.links import LinkError
from edge.links.simulated import SimulatedShore
from edge.pipeline import FrameResult, Pipeline
from edge.segment import SegmentSettings
from edge.updates import store as store_module
from edge.updates.state import FACTORY
from edge.updates.store import ReleaseStore
from edge.updates.updater import Updater
from models import factory
from models.archive import pack, unpack
from models.bundle import Bundle, with_head
from models.classifier import Classifier
from models.measure_table import INDEX
from wire.release import Assignment, sign_assignment, sign_release
from wire.signing import PrivateKey

SETTINGS = UpdatesConfig(trial_frames=2, trial_wait_s=1000.0, slower_at_most=100.0)


@pytest.fixture(scope="module")
def first() -> Bundle:
    return Bundle.load(factory.path())


def renamed(bundle: Bundle, name: str) -> bytes:
    """Another release: the same network and head under another name."""
    return with_head(bundle, bundle.head, bundle.classes, dict(bundle.card), name)


def with_member(data: bytes, name: str, content: bytes) -> bytes:
    """The bundle with one member replaced and a manifest that says so: whole, and wrong."""
    members = unpack(data)
    members[name] = content
    manifest = json.loads(members["manifest.json"])
    manifest["files"][name] = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
    }
    members["manifest.json"] = json.dumps(manifest).encode()
    return pack(members)


def wrong_golden(data: bytes) -> bytes:
    """A bundle that does not compute what it promises."""
    arrays = dict(np.load(io.BytesIO(unpack(data)["golden.npz"])))
    arrays["embedding"] = arrays["embedding"] + 1
    from models.golden import Golden

    golden = Golden.from_bytes(unpack(data)["golden.npz"])
    return with_member(
        data, "golden.npz", replace(golden, embedding=golden.embedding + 1).to_bytes()
    )


class Ashore:
    """The shore's side: a release key, signed assignments, bundles to fetch."""

    def __init__(self) -> None:
        self.key = PrivateKey.make()
        self.link = SimulatedShore(chunk_bytes=4096)

    def publish(self, data: bytes) -> str:
        members = unpack(data)
        release = hashlib.sha256(members["manifest.json"]).hexdigest()
        self.link.releases[release] = data
        return release

    def assign(self, seq: int, release: str, device: str = "d1") -> bytes:
        signature = sign_release(self.key, release)
        return sign_assignment(self.key, Assignment(device, seq, release, 0, signature))


@pytest.fixture
def shore() -> Ashore:
    return Ashore()


def make(folder: Path, settings: UpdatesConfig = SETTINGS) -> tuple[Updater, Classifier]:
    updater = Updater(ReleaseStore(folder), settings, "litert")
    classifier = updater.load_active()
    assert classifier is not None
    return updater, classifier


@pytest.fixture(scope="module")
def result(first: Bundle) -> FrameResult:
    """A processed frame with a few objects."""
    grey = np.full((400, 400), 12, np.uint8)
    grey += np.random.default_rng(1).integers(0, 3, grey.shape, np.uint8)
    for place in (60, 160, 280):
        grey[place : place + 40, place : place + 30] += 120
    pipeline = Pipeline(SegmentSettings(field="dark"), Classifier(first, "litert"))
    done = pipeline.process(Frame("f", 0, grey))
    assert done.objects
    return done


def go_through(updater: Updater, shore: Ashore, result: FrameResult) -> Classifier | None:
    """What link and agent do after an assignment."""
    if updater.wants_bytes:
        updater.fetch(shore.link)
    for _ in range(5):
        committed = updater.advance()
        if committed is not None:
            return committed
        updater.observe(result)
    return None


def told(updater: Updater) -> list[tuple[int, str]]:
    return [(body.deploy_seq, body.state) for _, body in updater.notices()]


def test_a_release_is_fetched_verified_tried_and_committed(
    tmp_path: Path, shore: Ashore, first: Bundle, result: FrameResult
) -> None:
    updater, classifier = make(tmp_path)
    assert classifier.release_id == first.release_id
    release = shore.publish(renamed(first, "second"))
    updater.offer(shore.assign(1, release), shore.key.public, "d1")
    committed = go_through(updater, shore, result)
    assert committed is not None
    assert committed.release_id == release
    steps = ["fetching", "verified", "trial", "committed"]
    assert told(updater) == [(1, step) for step in steps]
    again, active = make(tmp_path)
    assert active.release_id == release
    assert again.state.active == "a"


def test_the_old_release_works_until_the_trial_is_over(
    tmp_path: Path, shore: Ashore, first: Bundle, result: FrameResult
) -> None:
    updater, _ = make(tmp_path)
    release = shore.publish(renamed(first, "second"))
    updater.offer(shore.assign(1, release), shore.key.public, "d1")
    updater.fetch(shore.link)
    assert updater.advance() is None
    assert updater.state.step == "trial"
    updater.observe(result)
    assert updater.advance() is None
    assert updater.state.active == FACTORY
    updater.observe(result)
    assert updater.advance() is not None


def test_without_frames_the_trial_ends_by_time(
    tmp_path: Path, shore: Ashore, first: Bundle
) -> None:
    now = [0.0]
    updater = Updater(
        ReleaseStore(tmp_path), UpdatesConfig(trial_wait_s=10.0), "litert", lambda: now[0]
    )
    updater.load_active()
    updater.offer(shore.assign(1, shore.publish(renamed(first, "x"))), shore.key.public, "d1")
    updater.fetch(shore.link)
    assert updater.advance() is None
    now[0] = 9.9
    assert updater.advance() is None
    now[0] = 10.0
    assert updater.advance() is not None


def test_going_back_is_a_new_assignment_and_needs_no_download(
    tmp_path: Path, shore: Ashore, first: Bundle, result: FrameResult
) -> None:
    updater, _ = make(tmp_path)
    second = shore.publish(renamed(first, "second"))
    updater.offer(shore.assign(1, second), shore.key.public, "d1")
    go_through(updater, shore, result)
    updater.offer(shore.assign(2, first.release_id), shore.key.public, "d1")
    assert not updater.wants_bytes
    back = go_through(updater, shore, result)
    assert back is not None
    assert back.release_id == first.release_id
    assert updater.state.active == FACTORY
    updater.offer(shore.assign(3, second), shore.key.public, "d1")
    assert not updater.wants_bytes
    assert go_through(updater, shore, result) is not None


def flipped(blob: bytes) -> bytes:
    return blob[:-1] + bytes([blob[-1] ^ 1])


@pytest.mark.parametrize("what", ["replayed", "foreign", "unsigned", "forged", "garbage"])
def test_assignments_that_are_refused(
    tmp_path: Path, shore: Ashore, first: Bundle, result: FrameResult, what: str
) -> None:
    updater, _ = make(tmp_path)
    release = shore.publish(renamed(first, "second"))
    old = shore.assign(1, release)
    updater.offer(old, shore.key.public, "d1")
    go_through(updater, shore, result)
    updater.told(99)
    other = PrivateKey.make()
    unsigned = sign_assignment(shore.key, Assignment("d1", 2, release, 0))
    blob = {
        "replayed": old,
        "foreign": shore.assign(2, release, device="d2"),
        "unsigned": unsigned,
        "forged": sign_assignment(
            other, Assignment("d1", 2, release, 0, sign_release(other, release))
        ),
        "garbage": flipped(shore.assign(2, release)),
    }[what]
    before = updater.state
    updater.offer(blob, shore.key.public, "d1")
    updater.offer(blob, shore.key.public, "d1")
    assert told(updater) == [(0, "refused")]
    after = updater.state
    assert (after.active, after.deploy_seq, after.step) == (
        before.active,
        before.deploy_seq,
        before.step,
    )


def test_a_bundle_that_computes_something_else_is_given_up(
    tmp_path: Path, shore: Ashore, first: Bundle, result: FrameResult
) -> None:
    updater, classifier = make(tmp_path)
    release = shore.publish(wrong_golden(renamed(first, "second")))
    updater.offer(shore.assign(1, release), shore.key.public, "d1")
    assert go_through(updater, shore, result) is None
    assert updater.state.step == "rolled_back"
    assert "golden" in updater.state.reason
    assert updater.state.active == FACTORY
    assert classifier.classify(
        [o.region.signal for o in result.objects],
        [o.region.mask for o in result.objects],
        np.array([o.measures for o in result.objects], np.float32),
    ).probabilities.shape[0] == len(result.objects)
    # The same assignment again is a replay; nothing is tried twice.
    updater.offer(shore.assign(1, release), shore.key.public, "d1")
    assert updater.state.step == "rolled_back"


def test_a_release_that_needs_what_is_not_measured_here_is_refused(
    tmp_path: Path, shore: Ashore, first: Bundle, result: FrameResult
) -> None:
    columns = np.append(first.head.columns[:-1], INDEX["fractal"]).astype(np.int32)
    costly = replace(first, head=replace(first.head, columns=columns))
    release = shore.publish(renamed(costly, "costly"))
    for tier, step in (("fast", "rolled_back"), ("all", "committed")):
        updater = Updater(ReleaseStore(tmp_path / tier), SETTINGS, "litert", tier=tier)
        updater.load_active()
        updater.offer(shore.assign(1, release), shore.key.public, "d1")
        go_through(updater, shore, result)
        assert updater.state.step == step
        assert ("uses fractal" in updater.state.reason) == (tier == "fast")
    # What was committed is not used either once the costly measures are switched off.
    fast = Updater(ReleaseStore(tmp_path / "all"), SETTINGS, "litert", tier="fast").load_active()
    assert fast is None or fast.release_id == first.release_id


@pytest.mark.parametrize("fault", ["cut short", "other content", "no bundle at all"])
def test_a_download_that_is_not_the_release(
    tmp_path: Path, shore: Ashore, first: Bundle, fault: str
) -> None:
    updater, _ = make(tmp_path)
    good = renamed(first, "second")
    release = shore.publish(good)
    shore.link.releases[release] = {
        "cut short": good[: len(good) // 2],
        "other content": renamed(first, "third"),
        "no bundle at all": b"x" * 5000,
    }[fault]
    updater.offer(shore.assign(1, release), shore.key.public, "d1")
    updater.fetch(shore.link)
    assert updater.state.step == "rolled_back"
    assert updater.state.reason.startswith("bundle: ")
    assert not list(tmp_path.glob("*.part"))


def test_a_download_is_resumed_where_the_link_broke(
    tmp_path: Path, shore: Ashore, first: Bundle, result: FrameResult
) -> None:
    data = renamed(first, "second")
    release = shore.publish(data)
    offsets: list[int] = []
    left = [0]

    def cut(request: str, moment: str) -> None:
        if request == "fetch" and moment == "before":
            left[0] = 15
        elif request == "fetch":
            left[0] -= 1
            if left[0] == 0:
                raise LinkError("cut")

    class Counting(SimulatedShore):
        def fetch(self, release: str, offset: int) -> Iterator[bytes]:
            offsets.append(offset)
            return super().fetch(release, offset)

    link = Counting(fault=cut, releases={release: data}, chunk_bytes=4096)
    updater, _ = make(tmp_path)
    updater.offer(shore.assign(1, release), shore.key.public, "d1")
    for _ in range(100):
        if not updater.wants_bytes:
            break
        try:
            updater.fetch(link)
        except LinkError:
            updater, _ = make(tmp_path)  # the process may be another one each time
    assert offsets == [min(len(data), 15 * 4096 * i) for i in range(len(offsets))]
    assert len(offsets) > 2
    assert go_through(updater, shore, result) is not None


def test_a_resumed_download_that_went_wrong_is_fetched_anew(
    tmp_path: Path, shore: Ashore, first: Bundle, result: FrameResult
) -> None:
    updater, _ = make(tmp_path)
    release = shore.publish(renamed(first, "second"))
    updater.offer(shore.assign(1, release), shore.key.public, "d1")
    (tmp_path / f"{release}.part").write_bytes(b"damaged by a lying card")
    with pytest.raises(LinkError, match="fetching it anew"):
        updater.fetch(shore.link)
    updater.fetch(shore.link)
    assert go_through(updater, shore, result) is not None


def test_a_damaged_active_slot_falls_back_and_says_so(
    tmp_path: Path, shore: Ashore, first: Bundle, result: FrameResult
) -> None:
    updater, _ = make(tmp_path)
    release = shore.publish(renamed(first, "second"))
    updater.offer(shore.assign(1, release), shore.key.public, "d1")
    go_through(updater, shore, result)
    updater.told(99)
    path = tmp_path / "a.seadrift"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    again, classifier = make(tmp_path)
    assert classifier.release_id == first.release_id
    assert again.state.active == FACTORY
    assert told(again) == [(1, "rolled_back")]


def test_a_state_file_that_is_damaged_means_the_factory_release(
    tmp_path: Path, first: Bundle
) -> None:
    for content in (b"", b"{", b'{"active": "z"}', b'{"active": 3}', b"[]"):
        (tmp_path / "state.json").write_bytes(content)
        _, classifier = make(tmp_path)
        assert classifier.release_id == first.release_id


def test_a_candidate_that_fails_on_a_frame_is_given_up(
    tmp_path: Path, shore: Ashore, first: Bundle, result: FrameResult
) -> None:
    updater, _ = make(tmp_path)
    updater.offer(shore.assign(1, shore.publish(renamed(first, "x"))), shore.key.public, "d1")
    updater.fetch(shore.link)
    updater.advance()
    trial = updater._trial
    assert trial is not None

    class Broken:
        def classify(self, *_: object) -> None:
            raise RuntimeError("out of memory")

    trial.classifier = Broken()  # type: ignore[assignment]  # a candidate that breaks
    updater.observe(result)
    assert updater.state.step == "rolled_back"
    assert "out of memory" in updater.state.reason


def test_a_much_slower_candidate_is_given_up(
    tmp_path: Path, shore: Ashore, first: Bundle, result: FrameResult
) -> None:
    updater, _ = make(tmp_path)
    updater._active_ms = -1000.0  # an old release next to which any is slow
    updater.offer(shore.assign(1, shore.publish(renamed(first, "x"))), shore.key.public, "d1")
    updater.fetch(shore.link)
    assert updater.advance() is None
    assert "ms per object, against" in updater.state.reason


class PowerCut(BaseException):
    """The process ends here."""


class Cutter:
    """Ends the process at the n-th durable step, before or after it."""

    def __init__(self, at: int, after: bool) -> None:
        self.at, self.after, self.count = at, after, 0

    def wrap(self, step: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*args: object, **kwargs: object) -> object:
            self.count += 1
            hit = self.count == self.at
            if hit and not self.after:
                raise PowerCut
            value = step(*args, **kwargs)
            if hit:
                raise PowerCut
            return value

        return wrapped


@pytest.mark.faults
@pytest.mark.parametrize("after", [False, True])
def test_a_power_cut_at_every_write_ends_in_a_release_that_works(
    tmp_path: Path,
    shore: Ashore,
    first: Bundle,
    result: FrameResult,
    monkeypatch: pytest.MonkeyPatch,
    after: bool,
) -> None:
    release = shore.publish(renamed(first, "second"))
    write, settle = store_module.write_atomic, ReleaseStore.settle
    at = 0
    cut = True
    while cut:
        at += 1
        folder = tmp_path / str(at)
        cutter = Cutter(at, after)
        monkeypatch.setattr(store_module, "write_atomic", cutter.wrap(write))
        monkeypatch.setattr(ReleaseStore, "settle", cutter.wrap(settle))
        try:
            _one_life(folder, shore, release, result)
            cut = False
        except PowerCut:
            pass
        monkeypatch.setattr(store_module, "write_atomic", write)
        monkeypatch.setattr(ReleaseStore, "settle", settle)
        updater, classifier = make(folder)
        held = {**updater.state.slots, FACTORY: first.release_id}
        assert classifier.release_id == held[updater.state.active]
        _one_life(folder, shore, release, result)
        updater, classifier = make(folder)
        assert classifier.release_id == release, f"cut at write {at}"
        numbers = [number for number, _ in updater.notices()]
        assert len(numbers) == len(set(numbers))
        assert told(updater)[-1] == (1, "committed")
    assert at > 6


def _one_life(folder: Path, shore: Ashore, release: str, result: FrameResult) -> None:
    """From a start of the process to a committed release."""
    updater = Updater(ReleaseStore(folder), SETTINGS, "litert")
    updater.load_active()
    if updater.state.deploy_seq < 1:
        updater.offer(shore.assign(1, release), shore.key.public, "d1")
    go_through(updater, shore, result)
