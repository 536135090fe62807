"""Packs keep what was flushed, in a folder and in a bucket alike; what failed is never believed."""

import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obstore.store import MemoryStore

from server.bench.swift import Swift
from server.settings import Settings, SettingsError
from server.store.bucket import Bucket, BucketError, Patience
from server.store.folder_packs import FolderPacks
from server.store.object_packs import ObjectPacks
from server.store.opened import open_packs
from server.store.packs import PackError, Packs, Place

Opener = Callable[[], Packs]
KINDS = ("folder", "bucket in memory", "swift")


@pytest.fixture(params=KINDS)
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """Opens the same store again and again, as a process does that was started anew."""
    if request.param == "folder":
        return lambda: FolderPacks(tmp_path, roll_bytes=1000)
    if request.param == "bucket in memory":
        bucket = Bucket(MemoryStore())
        return lambda: ObjectPacks(bucket, object_bytes=1000)
    reach = reaching(request.getfixturevalue("swift"), request.getfixturevalue("monkeypatch"))
    return lambda: ObjectPacks(reach(), object_bytes=1000)


def reaching(swift: Swift, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Bucket]:
    for name, value in swift.environment.items():
        monkeypatch.setenv(name, value)
    url, patience = f"s3://packs/{secrets.token_hex(4)}", Patience(request_s=1, all_s=3, retries=1)
    return lambda: Bucket.open(url, endpoint=swift.endpoint, patience=patience)


@pytest.fixture
def packs(opener: Opener) -> Iterator[Packs]:
    opened = opener()
    yield opened
    opened.close()


def test_what_is_appended_is_read_back_and_packs_roll(opener: Opener) -> None:
    packs = opener()
    items = [bytes([i]) * (i * 7) for i in range(60)]
    places = [place for i in range(0, 60, 6) for place in packs.append(items[i : i + 6])]
    assert len({place.pack for place in places}) > 3
    packs.close()
    fresh = opener()
    assert [fresh.read(place) for place in places] == items
    [another] = fresh.append([b"next"])
    assert another.pack not in {place.pack for place in places}  # a pack has one writer
    fresh.close()


@pytest.mark.parametrize(
    "change",
    [
        {"pack": "0123456789abcdef.pack"},
        {"pack": "missing"},
        {"pack": "../seadrift.db"},
        {"offset": 10_000},
        {"offset": -1},
        {"length": 10_000},
        {"length": 1 << 40},
    ],
)
def test_a_wrong_place_is_an_error_of_its_own(packs: Packs, change: dict[str, object]) -> None:
    [place] = packs.append([b"abc"])
    wrong = Place(**{**place.__dict__, **change})  # type: ignore[arg-type] # on purpose
    packs.expect([wrong])
    with pytest.raises(PackError):
        packs.read(wrong)
    assert packs.read(place) == b"abc"


def test_a_pack_is_listed_and_copied_whole_or_from_any_byte_on(packs: Packs) -> None:
    places = packs.append([b"abc", b"defg"]) + packs.append([b"hi"])
    sizes = {info.name: info.size for info in packs.listed()}
    assert sizes.keys() == {place.pack for place in places}
    for place, data in zip(places, (b"abc", b"defg", b"hi"), strict=True):
        size = sizes[place.pack]
        whole = b"".join(packs.pieces(place.pack, 0, size))
        assert len(whole) == size
        assert whole[place.offset :][: place.length] == data
        assert b"".join(packs.pieces(place.pack, 7, size)) == whole[7:]
    with pytest.raises(PackError, match=places[2].pack):
        list(packs.pieces(places[2].pack, 0, size + 1))


steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.lists(st.binary(max_size=400), max_size=5)),
        st.tuples(st.just("flush"), st.integers(0, 30)),
        st.tuples(st.just("expect"), st.integers(0, 30)),
        st.tuples(st.just("open again"), st.just(0)),
    ),
    max_size=25,
)


@pytest.mark.parametrize("kind", KINDS[:2])
@given(steps=steps)
@settings(max_examples=60, deadline=None)
def test_whatever_was_flushed_is_there_for_whoever_comes_later(
    tmp_path_factory: pytest.TempPathFactory, kind: str, steps: list[tuple[str, object]]
) -> None:
    folder, bucket = tmp_path_factory.mktemp("packs"), Bucket(MemoryStore())

    def fresh() -> Packs:
        return FolderPacks(folder, 900) if kind == "folder" else ObjectPacks(bucket, 900)

    packs, held, durable = fresh(), {}, {}  # type: ignore[var-annotated] # Place -> bytes
    for step, value in steps:
        if step == "write":
            held.update(zip(packs.write(value), value, strict=True))  # type: ignore[arg-type]
        elif step == "open again":
            packs.close()
            packs, held = fresh(), dict(durable)
        elif held:
            some = list(held)[int(value) % len(held)]  # type: ignore[call-overload]
            if step == "flush":
                packs.flush(some.pack)
                durable |= {place: data for place, data in held.items() if place.pack == some.pack}
            else:
                packs.expect([some])
        assert all(packs.read(place) == data for place, data in held.items())
    packs.close()
    last = fresh()
    assert all(last.read(place) == data for place, data in durable.items())
    last.close()


def test_threads_that_write_together_each_find_their_own(opener: Opener) -> None:
    packs, items = opener(), [secrets.token_bytes(50 + i) for i in range(40)]
    with ThreadPoolExecutor(8) as threads:
        places = list(threads.map(lambda item: packs.append([item])[0], items))
    packs.close()
    fresh = opener()
    assert [fresh.read(place) for place in places] == items
    fresh.close()


def test_a_pack_that_cannot_grow_is_left_and_the_next_one_begun(opener: Opener) -> None:
    packs = opener()
    [first] = packs.append([b"abc"])
    packs.close()  # as after a failed write: the length is not known any more
    packs = opener()
    [second] = packs.append([b"def"])
    assert first.pack != second.pack
    assert (packs.read(first), packs.read(second)) == (b"abc", b"def")
    packs.close()


class Unwilling(Bucket):
    """A bucket whose puts fail while `fails` is set; `late`: they came through all the same."""

    fails, late = True, False
    gets = 0

    def put_new(self, name: str, data: bytes) -> None:
        if self.late or not self.fails:
            super().put_new(name, data)
        if self.fails:
            raise BucketError("put: timed out")

    def get_range(self, name: str, start: int, end: int) -> bytes:
        self.gets += 1
        return super().get_range(name, start, end)


@pytest.mark.parametrize("late", [False, True])
def test_a_put_that_failed_is_told_to_all_who_wrote_and_the_next_is_another(late: bool) -> None:
    bucket = Unwilling(MemoryStore())
    bucket.late = late
    packs = ObjectPacks(bucket, object_bytes=1 << 20)
    [mine], [yours] = packs.write([b"mine"]), packs.write([b"yours"])
    assert mine.pack == yours.pack
    for _ in range(2):
        with pytest.raises(PackError, match="could not be put"):
            packs.flush(mine.pack)
    bucket.fails = False
    with pytest.raises(PackError, match="could not be put"):
        packs.flush(yours.pack)  # who else wrote into it must not believe it
    [again] = packs.append([b"mine"])
    assert again.pack != mine.pack
    assert packs.read(again) == b"mine"
    packs.close()


def test_flushing_waits_for_the_put_of_another() -> None:
    gate = threading.Event()

    class Slow(Bucket):
        def put_new(self, name: str, data: bytes) -> None:
            gate.wait(10)
            super().put_new(name, data)

    packs = ObjectPacks(Slow(MemoryStore()), object_bytes=1 << 20)
    [place] = packs.write([b"abc"])
    with ThreadPoolExecutor(2) as threads:
        flushes = [threads.submit(packs.flush, place.pack) for _ in range(2)]
        assert not any(flush.done() for flush in flushes)
        gate.set()
        for flush in flushes:
            flush.result(10)
    packs.close()


def test_put_new_never_replaces_other_bytes() -> None:
    bucket = Bucket(MemoryStore())
    bucket.put_new("0123456789abcdef.pack", b"abc")
    bucket.put_new("0123456789abcdef.pack", b"abc")  # a try whose answer was lost
    with pytest.raises(BucketError, match="other bytes"):
        bucket.put_new("0123456789abcdef.pack", b"abd")
    assert bucket.get_range("0123456789abcdef.pack", 0, 99) == b"abc"


def test_put_new_never_replaces_other_bytes_of_a_real_store(
    swift: Swift, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = reaching(swift, monkeypatch)()
    bucket.put_new("0123456789abcdef.pack", b"abc")
    bucket.put_new("0123456789abcdef.pack", b"abc")
    with pytest.raises(BucketError, match="other bytes"):
        bucket.put_new("0123456789abcdef.pack", b"abd")
    assert dict(bucket.listed()) == {"0123456789abcdef.pack": 3}


def test_a_store_that_does_not_answer_fails_the_put_and_serves_again_later(
    swift: Swift, monkeypatch: pytest.MonkeyPatch
) -> None:
    packs = ObjectPacks(reaching(swift, monkeypatch)(), object_bytes=1 << 20)
    [before] = packs.append([b"before"])
    [during] = packs.write([b"during"])
    swift.pause()
    try:
        with pytest.raises(PackError, match="could not be put"):
            packs.flush(during.pack)
    finally:
        swift.resume()
    [after] = packs.append([b"after"])
    assert (packs.read(before), packs.read(after)) == (b"before", b"after")
    packs.close()


def test_a_page_of_vignettes_is_a_few_requests() -> None:
    bucket = Unwilling(MemoryStore())
    bucket.fails = False
    packs = ObjectPacks(bucket, object_bytes=1 << 24)
    deployment = packs.append([secrets.token_bytes(4096) for _ in range(400)])  # 1.6 MB, one pack
    packs.expect(deployment[100:200])
    wanted = [packs.read(place) for place in deployment[100:200]]
    assert bucket.gets == 1
    assert [packs.read(place) for place in deployment[100:200]] == wanted
    assert bucket.gets == 1
    packs.read(deployment[-1])
    assert bucket.gets == 2
    packs.close()


@pytest.mark.parametrize(
    ("packs_url", "endpoint", "message"),
    [
        ("http://bucket", "", "expected s3://BUCKET"),
        ("s3://", "", "expected s3://BUCKET"),
        ("s3://a?key=b", "", "expected s3://BUCKET"),
        ("s3://a", "http://store.example", "expected an https address"),
        ("", "https://store.example", "belong to --packs"),
    ],
)
def test_settings_that_cannot_be_served_say_why(
    tmp_path: Path, packs_url: str, endpoint: str, message: str
) -> None:
    given_settings = Settings(tmp_path, packs_url=packs_url, packs_endpoint=endpoint)
    with pytest.raises(SettingsError, match=message):
        given_settings.check()


def test_a_bucket_that_is_not_there_is_said_at_the_start(
    swift: Swift, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in swift.environment.items():
        monkeypatch.setenv(name, value)
    here = Settings(tmp_path, packs_url="s3://nowhere", packs_endpoint=swift.endpoint)
    with pytest.raises(BucketError, match="s3://nowhere"):
        open_packs(here)
    assert not (tmp_path / "packs.place").exists()


def test_another_place_than_that_of_the_first_start_is_refused(
    swift: Swift, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in swift.environment.items():
        monkeypatch.setenv(name, value)
    open_packs(Settings(tmp_path)).close()  # nothing was put there yet
    there = Settings(tmp_path, packs_url="s3://packs/one", packs_endpoint=swift.endpoint)
    open_packs(there).close()
    open_packs(there).close()
    with pytest.raises(PackError, match="give --packs s3://packs/one"):
        open_packs(Settings(tmp_path))
    other = tmp_path / "other"
    here = open_packs(Settings(other))
    here.append([b"abc"])
    here.close()
    with pytest.raises(PackError, match="leave --packs out"):
        open_packs(Settings(other, packs_url="s3://packs/two", packs_endpoint=swift.endpoint))
