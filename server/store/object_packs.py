"""Packs as objects of a bucket that speaks S3: written whole when they are flushed, never changed.

What is written waits in memory; `flush` puts everything since the last one as one object, under a
random name, and only where nothing lies under that name yet. A put that fails or takes too long
raises: the transaction that waits for it is undone and nothing of it is acknowledged. A try that
had come through although its answer was lost is known by its bytes.

Cost: one put a commit that brings vignettes. Reads fetch blocks of 64 kB with their neighbours
(`server.store.range_cache`), and what a page expects is fetched a run of blocks at a time, several
packs at once: 100 vignettes of one deployment are a handful of requests.

Example:
    >>> packs = ObjectPacks(bucket_of(settings), object_bytes=16 << 20)
    >>> [place] = packs.append([b"\\x89PNG..."])
"""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from server.store.bucket import Bucket, BucketError
from server.store.packs import (
    MAGIC,
    PackError,
    PackInfo,
    Packs,
    Place,
    check_place,
    is_name,
    new_name,
)
from server.store.range_cache import BLOCK, RangeCache, runs

CACHE_BYTES = 64 << 20
AT_ONCE = 8
"""Requests for what a page expects."""
PIECE = 8 << 20


class _Draft:
    """A pack that is not put yet; `done` is set when its put has ended, one way or the other."""

    def __init__(self) -> None:
        self.name = new_name()
        self.data = bytearray(MAGIC)
        self.putting = False
        self.done: Future[None] = Future()


class ObjectPacks(Packs):
    """The bucket. A draft that has reached `object_bytes` is put without waiting for its flush, so
    that a long transaction does not fill the memory."""

    far = True

    def __init__(self, bucket: Bucket, object_bytes: int) -> None:
        self._bucket = bucket
        self._object_bytes = object_bytes
        self._lock = threading.Lock()
        self._draft: _Draft | None = None
        self._drafts: dict[str, _Draft] = {}  # not put yet, being put, or lost
        self._cache = RangeCache(CACHE_BYTES)
        self._expected: dict[tuple[str, int], Future[None]] = {}
        self._readers = ThreadPoolExecutor(AT_ONCE, "packs")

    def write(self, items: Sequence[bytes]) -> list[Place]:
        if not items:
            return []
        with self._lock:
            draft = self._draft
            if draft is None:
                draft = self._draft = _Draft()
                self._drafts[draft.name] = draft
            places = []
            for item in items:
                places.append(Place(draft.name, len(draft.data), len(item)))
                draft.data += item
            full = len(draft.data) >= self._object_bytes
        if full:
            self.flush(draft.name)
        return places

    def flush(self, pack: str) -> None:
        with self._lock:
            draft = self._drafts.get(pack)
            if draft is None:
                return  # put already, or by nobody here
            mine = not draft.putting
            draft.putting = True
            if draft is self._draft:
                self._draft = None
        if mine:
            self._put(draft)
        draft.done.result()

    def _put(self, draft: _Draft) -> None:
        try:
            self._bucket.put_new(draft.name, bytes(draft.data))
        except Exception as error:
            draft.data = bytearray()  # the draft stays: who asks again must hear of it
            lost = PackError(f"pack {draft.name}: could not be put: {error}")
            lost.__cause__ = error
            draft.done.set_exception(lost)
        else:
            with self._lock:
                del self._drafts[draft.name]
            draft.done.set_result(None)

    def read(self, place: Place) -> bytes:
        check_place(place)
        start, end = place.offset, place.offset + place.length
        data = self._unput(place.pack, start, end)
        if data is None:
            data = self._fetched(place.pack, start, end)
        if len(data) != place.length:
            raise PackError(f"pack {place.pack}: ends before {end}")
        return data

    def _unput(self, pack: str, start: int, end: int) -> bytes | None:
        """What is still in memory; None: it is in the bucket, or nowhere."""
        with self._lock:
            draft = self._drafts.get(pack)
            return bytes(draft.data[start:end]) if draft is not None else None

    def _fetched(self, pack: str, start: int, end: int) -> bytes:
        """Through the cache, unless it is too much for it."""
        if end - start > CACHE_BYTES // 8:
            return self._range(pack, start, end)
        missing = self._cache.missing(pack, start, end)
        wait([job for block in missing if (job := self._expected.get((pack, block))) is not None])
        for run in runs(self._cache.missing(pack, start, end)):
            self._keep(pack, run)
        data = self._cache.take(pack, start, end)
        return self._range(pack, start, end) if data is None else data  # pushed out meanwhile

    def _keep(self, pack: str, run: range) -> None:
        self._cache.keep(pack, run.start, self._range(pack, run.start * BLOCK, run.stop * BLOCK))

    def _range(self, pack: str, start: int, end: int) -> bytes:
        try:
            return self._bucket.get_range(pack, start, end)
        except BucketError as error:
            raise PackError(f"pack {pack}: {error}") from error

    def expect(self, places: Sequence[Place]) -> None:
        wanted: dict[str, set[int]] = {}
        for place in places:
            end = place.offset + min(place.length, BLOCK * 16)
            if is_name(place.pack) and place.pack not in self._drafts:
                missing = self._cache.missing(place.pack, place.offset, end)
                wanted.setdefault(place.pack, set()).update(missing)
        for pack, found in wanted.items():
            for run in runs(found):
                self._expect_run(pack, run)

    def _expect_run(self, pack: str, run: range) -> None:
        keys = [(pack, block) for block in run]
        try:
            job = self._readers.submit(self._keep, pack, run)
        except RuntimeError:
            return  # closing
        for key in keys:
            self._expected[key] = job

        def done(_job: "Future[None]") -> None:  # what failed fails again when it is read
            for key in keys:
                self._expected.pop(key, None)

        job.add_done_callback(done)

    def listed(self) -> Iterator[PackInfo]:
        try:
            for name, size in self._bucket.listed():
                if is_name(name):
                    yield PackInfo(name, size)
        except BucketError as error:
            raise PackError(str(error)) from error

    def pieces(self, pack: str, start: int, size: int) -> Iterator[bytes]:
        check_place(Place(pack, start, 0))
        while start < size:
            piece = self._range(pack, start, min(start + PIECE, size))
            if not piece:
                raise PackError(f"pack {pack}: ends before {size}")
            start += len(piece)
            yield piece

    def close(self) -> None:
        self._readers.shutdown(wait=True, cancel_futures=True)
