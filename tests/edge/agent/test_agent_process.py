"""The agent as a person starts it: real processes, a real shore, signals, kills and bad input."""

import json
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from server.demo.operator import Operator
from server.demo.processes import Shore, command
from server.demo.story import ADMIN, free_port

PASSWORD = "a password for the test"

CONFIG = """
[device]
name = "{name}"
data = "data"
health_s = 2.0

[source]
{source}

[source.simulator]
width = 400
height = 300
density = 6
specks = 20

[acquisition]
project = "cast"
sample = "s1"
acquisition = "a1"
process = "p1"
instrument = "test"
pixel_um = 20.0

[link]
retry_max_s = 1.0
hello_s = 0.5
{more}
"""


def write_config(
    folder: Path, source: str = 'kind = "simulator"', more: str = "", name: str = "north"
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "edge.toml"
    path.write_text(CONFIG.format(name=name, source=source, more=more))
    return path


def start(config: Path, *more: str) -> subprocess.Popen[str]:
    with (config.parent / "edge.log").open("a") as log:
        return subprocess.Popen(
            [command("seadrift-edge"), "run", "--config", str(config), *more],
            stdout=log,
            stderr=log,
            text=True,
        )


def run(config: Path, *more: str) -> subprocess.CompletedProcess[str]:
    argv = [command("seadrift-edge"), "run", "--config", str(config), *more]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)


def status(config: Path) -> dict[str, Any]:
    argv = [command("seadrift-edge"), "status", "--json", "--config", str(config)]
    out = subprocess.run(argv, capture_output=True, text=True, check=False)
    found: dict[str, Any] = json.loads(out.stdout) if out.returncode == 0 else {}
    return found


def until(done: Callable[[], bool], patience_s: float = 60.0) -> None:
    deadline = time.monotonic() + patience_s
    while not done():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def frames_done(config: Path) -> int:
    """What the running agent says, read from its file."""
    try:
        text = (config.parent / "data" / "status.json").read_text()
        return int(json.loads(text)["frames_done"])
    except (OSError, ValueError):
        return 0


@pytest.fixture
def shore(tmp_path: Path) -> Iterator[Shore]:
    made = Shore(tmp_path / "shore" / "data", free_port(0), PASSWORD)
    made.start()
    yield made
    made.kill()


class Operated:
    """A shore with a project, and claims for it."""

    def __init__(self, shore: Shore) -> None:
        self.operator = Operator(shore.url, ADMIN, PASSWORD)
        self.project = int(self.operator.post("/api/projects", {"title": "cast"})["project_id"])
        self.url = shore.url

    def close(self) -> None:
        self.operator._client.close()

    def table(self, name: str = "north") -> str:
        body = {"project_id": self.project, "name": name, "valid_h": 1}
        claim = self.operator.post("/api/claims", body)["claim"]
        return f'[shore]\nurl = "{self.url}"\nclaim = "{claim}"\n'

    def frames(self) -> list[dict[str, Any]]:
        return list(self.operator.get(f"/api/projects/{self.project}/frames"))

    def device(self) -> dict[str, Any]:
        found: dict[str, Any] = self.operator.get("/api/devices")[0]
        return found


@pytest.fixture
def operated(shore: Shore) -> Iterator[Operated]:
    made = Operated(shore)
    yield made
    made.close()


@pytest.mark.faults
def test_kills_at_random_moments_lose_and_repeat_nothing(
    tmp_path: Path, operated: Operated
) -> None:
    config = write_config(tmp_path / "north", more=operated.table())
    chance = random.Random(5)
    kills = 5
    for _ in range(kills):
        agent = start(config)
        before = frames_done(config)
        until(lambda b=before: frames_done(config) > b)  # type: ignore[misc]  # a default that mypy cannot infer
        time.sleep(chance.uniform(0, 0.3))  # the moment is what is random; nothing is timed
        agent.send_signal(signal.SIGKILL)
        agent.wait()
    ended = run(config, "--frames", "3", "--once")
    assert ended.returncode == 0, ended.stderr
    found = status(config)
    held = Counter(frame["frame_index"] for frame in operated.frames())
    objects = Counter(
        (o["frame_index"], o["index_in_frame"]) for o in operated.operator.objects(operated.project)
    )
    announced = {(f["frame_index"], k) for f in operated.frames() for k in range(f["objects"])}
    assert found["pending"] == 0
    assert found["frames_done"] >= kills + 3
    assert sorted(held) == list(range(found["frames_done"]))
    assert set(held.values()) == {1}
    assert objects.keys() == announced
    assert set(objects.values()) <= {1}
    assert sum(objects.values()) == found["objects"]
    device = operated.device()
    assert (device["lag"], device["gaps"]) == (0, 0)


def test_a_signal_ends_after_the_frame_with_code_0(tmp_path: Path) -> None:
    config = write_config(tmp_path / "north")
    for number in (signal.SIGTERM, signal.SIGINT):
        before = frames_done(config)
        agent = start(config)
        until(lambda b=before: frames_done(config) > b)  # type: ignore[misc]  # as above
        agent.send_signal(number)
        assert agent.wait(30) == 0
        found = status(config)
        assert found["state"] == "stopped"
        assert found["pending_by_kind"]["frame"] == found["frames_done"]


def test_two_agents_on_one_data_folder(tmp_path: Path) -> None:
    config = write_config(tmp_path / "north", 'kind = "simulator"\ninterval_s = 0.2')
    agent = start(config)
    try:
        until(lambda: frames_done(config) > 0)
        assert status(config)["running"] is True
        second = run(config, "--once", "--frames", "1")
        assert second.returncode == 3
        message = second.stderr.strip().splitlines()[-1]
        assert f"another agent (process {agent.pid}) uses this data folder" in message
    finally:
        agent.terminate()
        assert agent.wait(30) == 0


def test_a_misspelt_key_is_one_line_and_code_2(tmp_path: Path) -> None:
    config = write_config(tmp_path / "north", more="batchkb = 10")
    ended = run(config)
    assert ended.returncode == 2
    assert len(ended.stderr.strip().splitlines()) == 1
    assert "edge.toml: [link] batchkb: no such key; did you mean batch_kb?" in ended.stderr


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    config = write_config(tmp_path / "north", 'kind = "folder"\npath = "nothing"')
    ended = run(config, "--once")
    assert ended.returncode == 3
    assert "nothing" in ended.stderr.strip().splitlines()[-1]


def picture(path: Path, seed: int, size: tuple[int, int] = (300, 400)) -> None:
    chance = np.random.default_rng(seed)
    grey = chance.integers(10, 14, size, np.uint8)
    cv2.ellipse(grey, (200, 150), (40, 15), 30.0, 0.0, 360.0, 160.0, -1)
    assert cv2.imwrite(str(path), grey)


def test_bad_frames_are_set_aside_and_the_rest_goes_on(tmp_path: Path) -> None:
    frames = tmp_path / "north" / "frames"
    frames.mkdir(parents=True)
    for index in (0, 2, 4, 6):
        picture(frames / f"f{index}.png", index)
    whole = (frames / "f0.png").read_bytes()
    (frames / "f1.png").write_bytes(whole[: len(whole) // 2])
    (frames / "f3.png").write_bytes(b"")
    (frames / "f5.png").write_bytes(b"no picture" * 50)
    picture(frames / "f7.png", 7, (200, 260))  # another size in the middle of a run
    picture(frames / "f8.png", 8)
    config = write_config(tmp_path / "north", 'kind = "folder"\npath = "frames"')
    ended = run(config, "--once")
    assert ended.returncode == 1, ended.stderr
    found = status(config)
    assert (found["frames"], found["bad_frames"], found["frames_done"]) == (6, 3, 9)
    assert found["pending_by_kind"]["badframe"] == 3
    kept = {path.name for path in (tmp_path / "north" / "data" / "quarantine").iterdir()}
    assert len([name for name in kept if name.endswith(".reason.txt")]) == 3
    assert (frames / "f5.png").exists()
    # Again: everything is done, nothing is bad in this run.
    again = run(config, "--once")
    assert again.returncode == 0
    assert status(config)["frames_done"] == 9
    # Only to send, the source is not needed.
    frames.rename(tmp_path / "gone")
    assert run(config, "--once").returncode == 3
    assert run(config, "--frames", "0", "--once").returncode == 0


def test_a_server_that_is_another_program(tmp_path: Path) -> None:
    port = free_port(0)
    other = subprocess.Popen(
        [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: _listens(port))
        more = f'[shore]\nurl = "http://127.0.0.1:{port}"\nclaim = "x"\n'
        config = write_config(tmp_path / "north", more=more)
        agent = start(config, "--frames", "2")
        until(lambda: "not a Seadrift shore" in status(config).get("link_error", ""))
        until(lambda: frames_done(config) == 2)
        agent.terminate()
        assert agent.wait(30) == 0
        found = status(config)
        assert found["pending_by_kind"]["frame"] == 2
        log = (tmp_path / "north" / "edge.log").read_text()
        assert log.count("is not a Seadrift shore") == 1
    finally:
        other.kill()
        other.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_release_is_adopted_and_a_bad_one_given_up_while_frames_go_on(
    tmp_path: Path, operated: Operated
) -> None:
    from models import factory
    from models.bundle import Bundle, with_head
    from server.clock import now_ms
    from server.fleet.registry import assign, register, sign
    from server.settings import Settings
    from server.shore import Admin, open_shore

    first = Bundle.load(factory.path())
    second = with_head(first, first.head, first.classes, dict(first.card), "second")
    config = write_config(
        tmp_path / "north",
        more=operated.table() + "\n[updates]\ntrial_frames = 2\nslower_at_most = 100.0\n",
    )
    office = open_shore(Settings(data=tmp_path / "shore" / "data"), Admin(password=PASSWORD))

    def send(data: bytes) -> str:
        release = register(
            office.database,
            office.settings.releases,
            data,
            parent_no=None,
            project_id=operated.project,
            now_ms=now_ms(),
        )
        sign(office.database, office.release_key, release)
        assign(office.database, office.release_key, release, None, user_id=1, now_ms=now_ms())
        return release

    def deployment() -> dict[str, Any]:
        return operated.device()["deployment"] or {}

    agent = start(config)
    try:
        until(lambda: len(operated.frames()) > 0)
        good = send(second)
        until(lambda: deployment().get("state") == "committed")
        until(lambda: status(config)["release"] == good)
        bad = send(wrong_golden(with_head(first, first.head, first.classes, {}, "third")))
        until(lambda: deployment().get("state") == "rolled_back")
        assert deployment()["release"] == bad
        assert "golden" in deployment()["reason"]
        before = frames_done(config)
        until(lambda: frames_done(config) > before + 1)
        assert status(config)["release"] == good
    finally:
        office.close()
        agent.terminate()
        assert agent.wait(30) == 0
    releases = {o["release"] for o in operated.operator.objects(operated.project)}
    assert releases == {first.release_id, good}


def wrong_golden(data: bytes) -> bytes:
    """A whole bundle that does not compute what it promises."""
    import hashlib
    from dataclasses import replace

    from models.archive import pack, unpack
    from models.golden import Golden

    members = unpack(data)
    golden = Golden.from_bytes(members["golden.npz"])
    members["golden.npz"] = replace(golden, embedding=golden.embedding + 1).to_bytes()
    manifest = json.loads(members["manifest.json"])
    manifest["files"]["golden.npz"] = {
        "sha256": hashlib.sha256(members["golden.npz"]).hexdigest(),
        "size": len(members["golden.npz"]),
    }
    members["manifest.json"] = json.dumps(manifest).encode()
    return pack(members)


@pytest.mark.data
def test_real_frames_from_a_zip(tmp_path: Path) -> None:
    import os

    data = Path(os.environ.get("SEADRIFT_DATA", Path(__file__).parents[3] / "../shared/data"))
    frames = data / "darkfield-frames.zip"
    if not frames.exists():
        pytest.skip(f"no real frames at {frames}")
    source = f'kind = "zip"\npath = "{frames.resolve()}"\nframes = 2'
    config = write_config(tmp_path / "north", source)
    ended = run(config, "--once")
    assert ended.returncode == 0, ended.stderr
    found = status(config)
    assert found["frames_done"] == 2
    assert found["objects"] > 0
    assert found["pending_by_kind"]["vignette"] == found["objects"]
