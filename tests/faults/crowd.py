"""Two hundred instruments that send at once, each as an instrument does: again until acknowledged.

Example:
    >>> crowd = Crowd(shore, instruments=200)
    >>> crowd.send(); crowd.books()
    (0, 0)
"""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx

from models import factory
from models.bundle import Bundle
from server.demo.operator import Operator
from server.demo.processes import Shore
from server.demo.story import ADMIN
from server.simulated import LinkError, SimulatedDevice, make_object, make_record, make_vignette
from wire.records import Record

PASSWORD = "a long password"
BATCHES, OBJECTS = 4, 5
PATIENCE_S = 240


class Crowd:
    """Enrolled instruments, and what each of them has to send."""

    def __init__(self, shore: Shore, instruments: int) -> None:
        self._shore, self._bundle = shore, Bundle.load(factory.path())
        self._operator = Operator(shore.url, ADMIN, PASSWORD)
        self.project = self._operator.post("/api/projects", {"title": "cast"})["project_id"]
        self._limits = httpx.Limits(max_connections=64)
        self.repeats = 0
        self._counting = threading.Lock()
        with httpx.Client(base_url=shore.url, timeout=60) as http:
            self._devices = [self._enrol(http, number) for number in range(instruments)]

    def _enrol(self, http: httpx.Client, number: int) -> SimulatedDevice:
        asked = {"project_id": self.project, "name": f"m{number:03d}", "valid_h": 1}
        for _ in range(100):
            try:
                claim = self._operator.post("/api/claims", asked)["claim"]
                return SimulatedDevice.enrol(http, claim, asked["name"])
            except (LinkError, RuntimeError):
                time.sleep(0.2)  # asked to come back later
        raise RuntimeError(f"instrument {number} was not enrolled")

    def send(self) -> None:
        """All at once, every batch at least twice."""
        count = len(self._devices)
        with (
            httpx.Client(base_url=self._shore.url, timeout=30, limits=self._limits) as http,
            ThreadPoolExecutor(count) as pool,
        ):
            list(pool.map(lambda number: self._send(http, number), range(count)))

    def _send(self, http: httpx.Client, number: int) -> None:
        device = self._devices[number]
        device.http = http
        for batch in range(BATCHES):
            first = 1 + 2 * OBJECTS * batch
            records = []
            for n in range(OBJECTS):
                seq = first + 2 * n
                body = make_object(self._bundle, batch * OBJECTS + n, sample=f"cast {number}")
                records += [make_record(seq, body), make_record(seq + 1, make_vignette(seq))]
            for _ in range(2):
                self._until_held(device, records, first + 2 * OBJECTS - 1)

    def _until_held(self, device: SimulatedDevice, records: list[Record], last: int) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                if device.ingest(records).covers(last):
                    return
            except (LinkError, httpx.HTTPError):
                with self._counting:
                    self.repeats += 1
                time.sleep(0.3)
        raise RuntimeError("a batch was never acknowledged")

    def books(self) -> tuple[int, int]:
        """(lost, twice), by what an operator sees."""
        seen = Counter(
            (one["sample"], one["frame_index"], one["index_in_frame"])
            for one in self._operator.objects(self.project)
            if one["image"]
        )
        wanted = len(self._devices) * BATCHES * OBJECTS
        self._operator.close()
        return max(0, wanted - len(seen)), sum(seen.values()) - len(seen)
