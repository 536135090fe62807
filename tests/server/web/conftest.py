"""A shore as its own process, filled through its own intake, and a real browser that looks at it.

One process and one browser serve all tests; a test that changes something has its own project.
"""

import io
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

from edge.simulator import Simulator, TrueObject, preset
from models import factory
from models.bundle import Bundle
from server.simulated import SimulatedDevice, make_object, make_record
from wire.records import Context, Record, Vignette

EMAIL, PASSWORD = "ada@sea.test", "a long password for the sea"
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MARGIN_PX, LARGEST_PX = 6, 400
LATE = """(() => {
  const ask = window.fetch;
  window.fetch = async (...args) => {
    await new Promise((go) => setTimeout(go, %d * Math.random()));
    return ask(...args);
  };
})();"""
"""What a page asks for comes later, and in another order than it was asked in."""
expect.set_options(timeout=20_000)


@dataclass(frozen=True)
class Crop:
    """A simulated organism as its device would send it."""

    taxon: str
    png: bytes
    width: int
    height: int
    esd_um: float
    depth_m: float


def _crops() -> list[Crop]:
    simulator = Simulator(preset("darkfield", seed=11, density=110, width=1280, height=960))
    shot = simulator.frame(40)
    grey = np.asarray(shot.frame.grey)
    return [
        _crop(grey, item, simulator.settings.pixel_um, shot.frame.depth_m or 0.0)
        for item in shot.truth
        if max(item.mask.shape) <= LARGEST_PX
    ]


def _crop(grey: "np.ndarray", item: TrueObject, pixel_um: float, depth_m: float) -> Crop:
    height, width = item.mask.shape
    top, left = max(0, item.by - MARGIN_PX), max(0, item.bx - MARGIN_PX)
    box = grey[top : item.by + height + MARGIN_PX, left : item.bx + width + MARGIN_PX]
    signal = np.clip(box.astype(np.int16) - np.median(grey), 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(signal).save(stream, "png")
    esd_um = 2 * float(np.sqrt(item.area_px / np.pi)) * pixel_um
    return Crop(item.taxon, stream.getvalue(), signal.shape[1], signal.shape[0], esd_um, depth_m)


@pytest.fixture(scope="session")
def crops() -> list[Crop]:
    return _crops()


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A shore that runs as `seadrift serve` does."""
    data = tmp_path_factory.mktemp("shore")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "server.cli",
        "serve",
        "--data",
        str(data),
        "--port",
        str(port),
    ]
    environment = {
        **os.environ,
        "SEADRIFT_ADMIN_EMAIL": EMAIL,
        "SEADRIFT_ADMIN_PASSWORD": PASSWORD,
    }
    log = (data / "log.txt").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
    try:
        _wait_for(f"http://127.0.0.1:{port}/v1/ping", process, data / "log.txt")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"the shore did not come up: {log.read_text()}")


@pytest.fixture(scope="session")
def people(address: str) -> Iterator[httpx.Client]:
    """The administrator's client."""
    with httpx.Client(base_url=address, timeout=60) as client:
        answer = client.post("/api/login", json={"email": EMAIL, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client.cookies.clear()
        client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        yield client


@dataclass
class Sea:
    """A project with objects, as the API sees it."""

    client: httpx.Client
    project: int
    device: SimulatedDevice
    crops: list[Crop] = field(default_factory=list)

    @property
    def review(self) -> str:
        return f"/projects/{self.project}/review"

    def objects(self, **wanted: str | int) -> list[dict[str, object]]:
        answer = self.client.get(
            f"/api/projects/{self.project}/objects", params={"limit": 500, **wanted}
        )
        assert answer.status_code == 200, answer.text
        found: list[dict[str, object]] = answer.json()["objects"]
        return found

    def count(self, **wanted: str | int) -> int:
        return len(self.objects(**wanted))

    def taxa(self) -> dict[str, dict[str, int]]:
        rows = self.client.get(f"/api/projects/{self.project}/taxa").json()
        return {row["display_name"]: row for row in rows}

    def classify(self, action: str, objids: list[object]) -> None:
        body = {"action": action, "objids": objids, "key": str(uuid.uuid4())}
        answer = self.client.post(f"/api/projects/{self.project}/classify", json=body)
        assert answer.status_code == 200, answer.text

    def send(self, plan: list[tuple[str, float]], bundle: Bundle, first: int = 1) -> None:
        """Sends an object per (predicted class, score), with its vignette, through the intake."""
        records: list[Record] = [make_record(first, _context(bundle))]
        names = sorted({crop.taxon for crop in self.crops})
        for n, (taxon, score) in enumerate(plan):
            like = [crop for crop in self.crops if crop.taxon == taxon] or self.crops
            crop = like[n % len(like)]
            others = [name for name in names if name != taxon][n % 7 : n % 7 + 2]
            top = (
                (taxon, score),
                *((name, (1 - score) / (3 + i)) for i, name in enumerate(others)),
            )
            body = make_object(
                bundle,
                first + n,
                taxon=taxon,
                score=score,
                top=top,
                width=crop.width,
                height=crop.height,
                esd_um=crop.esd_um,
                depth_m=crop.depth_m,
                sample="cast-1",
                acquisition="mooring-2_a1",
                process="p1",
                utc_ms=1_780_293_600_000 + 1000 * n,
                lat_deg=43.6833,
                lon_deg=7.3167,
            )
            seq = first + 2 * n + 1
            records.append(make_record(seq, body))
            picture = Vignette(seq, 0, "png", crop.width, crop.height, crop.png)
            records.append(make_record(seq + 1, picture))
        for start in range(0, len(records), 80):
            ack = self.device.ingest(records[start : start + 80])
            assert not ack.rej, ack.rej


def _context(bundle: Bundle) -> Context:
    return Context(
        project="p",
        sample="cast-1",
        acquisition="mooring-2_a1",
        process="p1",
        instrument="simulator",
        pixel_um=10.0,
        optical_field="dark",
        software="simulated",
        release=bundle.release_id,
        measures_version=1,
    )


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return Bundle.load(factory.path())


MakeSea = Callable[..., Sea]


@pytest.fixture
def make_sea(
    address: str, people: httpx.Client, crops: list[Crop], bundle: Bundle
) -> Iterator[MakeSea]:
    """Makes a project whose device has sent the objects of a plan."""
    with httpx.Client(base_url=address, timeout=60) as link:

        def make(title: str, plan: list[tuple[str, float]]) -> Sea:
            answer = people.post("/api/projects", json={"title": title})
            assert answer.status_code == 201, answer.text
            project = answer.json()["project_id"]
            ask = {"project_id": project, "name": "mooring-2", "valid_h": 1}
            claim = people.post("/api/claims", json=ask).json()["claim"]
            sea = Sea(people, project, SimulatedDevice.enrol(link, claim, "mooring-2"), crops)
            if plan:
                sea.send(plan, bundle)
            return sea

        yield make


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if found is None:
        pytest.skip("no browser: install Chromium or Google Chrome to run the tests of the pages")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=CHROMIUM_ARGS)
        yield started
        started.close()


@dataclass
class Visit:
    """A page of a person who is logged in, and what the browser complained of meanwhile."""

    page: Page
    context: BrowserContext
    complaints: list[str]
    abroad: list[str]
    """Requests to another place than the shore."""


@pytest.fixture(scope="session")
def session(address: str) -> str:
    """The session of a person who logged in once for all tests."""
    answer = httpx.post(f"{address}/api/login", json={"email": EMAIL, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return answer.cookies["seadrift_session"]


@pytest.fixture(scope="session")
def common(browser: Browser, address: str, session: str) -> Iterator[BrowserContext]:
    """The browser window that well-behaved tests share: its cache keeps the pages' own files."""
    context = browser.new_context(base_url=address)
    context.add_cookies([{"name": "seadrift_session", "value": session, "url": address}])
    yield context
    context.close()


@pytest.fixture
def visit(
    request: pytest.FixtureRequest,
    browser: Browser,
    address: str,
    session: str,
    common: BrowserContext,
) -> Iterator[Callable[..., Visit]]:
    """Opens pages; at the end no console error, no failed script, no request elsewhere was seen.

    `own`: in a window of its own, for what cuts links or drops cookies; what the browser complains
    of then is expected. `known` False: of somebody who is not logged in.
    """
    visits: list[tuple[Visit, bool]] = []
    late_ms: int = request.config.getoption("late_answers")

    def open_page(
        width: int = 1440,
        height: int = 900,
        *,
        scheme: Literal["dark", "light"] = "dark",
        own: bool = False,
        known: bool = True,
    ) -> Visit:
        context = browser.new_context(base_url=address) if own else common
        if own and known:
            context.add_cookies([{"name": "seadrift_session", "value": session, "url": address}])
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        if late_ms:
            page.add_init_script(LATE % late_ms)
        found = Visit(page, context, [], [])
        page.on("console", lambda message: _note(found, message))
        page.on("pageerror", lambda error: found.complaints.append(f"error: {error}"))
        page.on("request", lambda asked: _note_address(found, asked, address))
        visits.append((found, own))
        return found

    yield open_page
    for found, own in visits:
        if own:
            found.context.close()
        else:
            found.page.close()
            assert found.complaints == []
        assert found.abroad == []


def _note_address(found: Visit, request: Request, address: str) -> None:
    if not request.url.startswith(address):
        found.abroad.append(request.url)


def _note(found: Visit, message: ConsoleMessage) -> None:
    if message.type in ("error", "warning"):
        found.complaints.append(f"{message.type}: {message.text}")
