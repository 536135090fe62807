"""The demonstration, act by act; `tell` runs it and returns what the table at its end shows.

Example:
    >>> outcome = tell(Plan(folder=Path("build/demo")), say=print)
    >>> outcome.account.lost, outcome.account.duplicated
    (0, 0)
"""

import json
import secrets
import shutil
import socket
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.demo.account import Account, reckon
from server.demo.operator import Judged, Operator, accuracy, judge, read_truth
from server.demo.processes import PATIENCE_S, DemoError, Instrument, Shore, command
from server.demo.proxy import Link

ADMIN = "admin@localhost"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How long each act lasts, in frames of each instrument, and how crowded the sea is."""

    folder: Path
    frames_before: int = 24
    frames_after: int = 16
    density: int = 40
    interval_s: float = 0.3
    port: int = 8765
    seed: int = 11
    width: int = 2048
    height: int = 1536


@dataclass(frozen=True)
class Outcome:
    """What the table shows; the shore still runs, at `url`."""

    account: Account
    validated: int
    accuracy_before: float
    judged_before: int
    accuracy_after: float
    judged_after: int
    release_before: str
    release_after: str
    ms_per_frame: float
    away_s: float
    waited: int
    seconds: float
    url: str
    project: int
    password: str
    shore: Shore

    @property
    def good(self) -> bool:
        return self.account.clean and self.accuracy_after > self.accuracy_before


CONFIG = """\
[device]
name = "{name}"
data = "{folder}/data"
board = "desktop"

[shore]
url = "{url}"
claim = "{claim}"

[source]
kind = "simulator"
interval_s = {interval_s}

[source.simulator]
seed = {seed}
field = "dark"
density = {density}
width = {width}
height = {height}
truth = "{folder}/truth.jsonl"

[acquisition]
project = "Simulated cast"
sample = "{name}_cast_1"
acquisition = "{name}_dark_1"
process = "{name}_seadrift_1"
instrument = "Seadrift simulator"
pixel_um = 20.0
field = "dark"

[link]
retry_max_s = 2.0
hello_s = 2.0
"""


def free_port(wanted: int) -> int:
    """`wanted` if it can be had on loopback, any free one else."""
    for port in (wanted, 0):
        try:
            with socket.create_server(("127.0.0.1", port)) as server:
                return int(server.getsockname()[1])
        except OSError:
            continue
    raise DemoError("no free TCP port on 127.0.0.1")


class Stage:
    """The shore, two instruments and the link that will be cut."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        if plan.folder.exists():
            shutil.rmtree(plan.folder)
        folder = plan.folder.resolve()
        self.password = secrets.token_urlsafe(12)
        self.shore = Shore(folder / "shore", free_port(plan.port), self.password)
        self.shore.start()
        self.link = Link(self.shore.address)
        self.operator = Operator(self.shore.url, ADMIN, self.password)
        self.project = int(
            self.operator.post("/api/projects", {"title": "Simulated cast"})["project_id"]
        )
        urls = {"north": self.shore.url, "south": f"http://127.0.0.1:{self.link.port}"}
        self.instruments = {
            name: self._instrument(name, folder / name, url, plan.seed + i)
            for i, (name, url) in enumerate(urls.items())
        }

    def _instrument(self, name: str, folder: Path, url: str, seed: int) -> Instrument:
        body = {"project_id": self.project, "name": name, "valid_h": 24}
        claim = self.operator.post("/api/claims", body)["claim"]
        config = CONFIG.format(
            name=name,
            folder=folder,
            url=url,
            claim=claim,
            seed=seed,
            density=self.plan.density,
            width=self.plan.width,
            height=self.plan.height,
            interval_s=self.plan.interval_s,
        )
        return Instrument(name, folder, config)

    def frames(self) -> list[dict[str, Any]]:
        """The shore's frames of the project."""
        return list(self.operator.get(f"/api/projects/{self.project}/frames"))

    def status(self, name: str) -> dict[str, Any]:
        """What the instrument says of itself."""
        argv = [command("seadrift-edge"), "status", "--json", "--config"]
        argv.append(str(self.instruments[name].config))
        out = subprocess.run(argv, capture_output=True, text=True, check=False)
        if out.returncode:
            raise DemoError(f"seadrift-edge status: {out.stderr.strip()}")
        status: dict[str, Any] = json.loads(out.stdout)
        return status

    def judged(self) -> list[Judged]:
        """Every object on shore that the simulator's truth can tell."""
        truth = {n: read_truth(i.truth) for n, i in self.instruments.items()}
        return judge(self.operator.objects(self.project), truth)

    def until(self, what: str, done: Callable[[], bool], patience_s: float = 120.0) -> None:
        """Waits for something that must come; DemoError with the logs when it does not."""
        deadline = time.monotonic() + patience_s
        while not done():
            for process in (self.shore, *self.instruments.values()):
                if not process.running:
                    raise DemoError(f"{process.name} ended while {what}{process.tail()}")
            if time.monotonic() > deadline:
                tails = "".join(p.tail() for p in (self.shore, *self.instruments.values()))
                raise DemoError(f"gave up {what} after {patience_s:.0f} s{tails}")
            time.sleep(0.25)

    def finish(self) -> dict[str, dict[str, Any]]:
        """Stops the instruments, sends what they still hold, and asks each for its books."""
        for instrument in self.instruments.values():
            instrument.stop()
        for instrument in self.instruments.values():
            instrument.start("--frames", "0", "--once")
        for instrument in self.instruments.values():
            code = instrument.wait(PATIENCE_S)
            if code:
                raise DemoError(f"{instrument.name} ended with {code}{instrument.tail()}")
        return {name: self.status(name) for name in self.instruments}

    def close(self) -> None:
        """Ends everything but the shore."""
        for instrument in self.instruments.values():
            instrument.kill()
        self.link.close()
        self.operator.close()


def tell(plan: Plan, say: Say) -> Outcome:
    """Runs the acts. Raises DemoError with the logs' ends when one cannot be played."""
    began = time.monotonic()
    stage = Stage(plan)
    try:
        return _acts(stage, plan, say, began)
    except BaseException:
        stage.shore.kill()
        raise
    finally:
        stage.close()


def _acts(stage: Stage, plan: Plan, say: Say, began: float) -> Outcome:
    say(f"the shore listens at {stage.shore.url}; two instruments enrol and go down a cast")
    for instrument in stage.instruments.values():
        instrument.start()
    away_s, waited = _cut_and_restore(stage, plan, say)
    judged = stage.judged()
    before = {j.release for j in judged}
    accuracy_before, n_before = accuracy(judged)
    say(f"{n_before} objects on shore that the truth can tell; {accuracy_before:.1%} named right")
    validated = stage.operator.validate(stage.project, judged)
    say(f"the operator has validated {validated} objects; the head is learnt again")
    release = _release(stage, say)
    _adopt(stage, plan, release, say)
    statuses = stage.finish()
    say("the instruments have stopped and sent what they held")
    frames = stage.frames()
    account = reckon(statuses, frames, stage.operator.objects(stage.project))
    accuracy_after, n_after = accuracy(j for j in stage.judged() if j.release == release)
    return Outcome(
        account=account,
        validated=validated,
        accuracy_before=accuracy_before,
        judged_before=n_before,
        accuracy_after=accuracy_after,
        judged_after=n_after,
        release_before=", ".join(sorted(str(r)[:12] for r in before)),
        release_after=release[:12],
        ms_per_frame=statistics.median(sum(f["ms"].values()) for f in frames),
        away_s=away_s,
        waited=waited,
        seconds=time.monotonic() - began,
        url=stage.shore.url,
        project=stage.project,
        password=stage.password,
        shore=stage.shore,
    )


def _count(stage: Stage) -> dict[str, int]:
    counts = dict.fromkeys(stage.instruments, 0)
    for frame in stage.frames():
        counts[frame["device"]] += 1
    return counts


def _cut_and_restore(stage: Stage, plan: Plan, say: Say) -> tuple[float, int]:
    """The link of `south` goes away for a third of the act; seconds, and records held."""
    third = max(2, plan.frames_before // 3)
    stage.until("waiting for first frames", lambda: min(_count(stage).values()) >= third)
    stage.link.cut()
    cut_at = time.monotonic()
    say("the link of 'south' is cut; it goes on measuring")
    stage.until("letting 'north' go on", lambda: _count(stage)["north"] >= 2 * third)
    waited = int(stage.status("south")["pending"])
    away_s = time.monotonic() - cut_at
    stage.link.restore()
    say(f"the link is back after {away_s:.0f} s; 'south' kept {waited} records meanwhile")
    stage.until(
        "letting 'south' catch up", lambda: min(_count(stage).values()) >= plan.frames_before
    )
    return away_s, waited


def _release(stage: Stage, say: Say) -> str:
    """Trains, signs and assigns; the id of the release."""
    trained = stage.operator.post(f"/api/projects/{stage.project}/train")
    release = str(trained["release_id"])
    figures = trained["evaluation"]
    say(
        f"learnt in {trained['seconds']:.1f} s: held-out accuracy "
        f"{figures['candidate']['accuracy']:.1%}, against {figures['current']['accuracy']:.1%} of "
        "the release at sea"
    )
    stage.operator.post(f"/api/releases/{release}/sign")
    stage.operator.post(f"/api/releases/{release}/assign", {"device_ids": "all"})
    say(f"release {release[:12]} is signed and assigned to both instruments")
    return release


def _adopt(stage: Stage, plan: Plan, release: str, say: Say) -> None:
    """Waits until both instruments have committed the release, then for the last act's frames."""

    def adopted() -> bool:
        states = [d["deployment"] for d in stage.operator.get("/api/devices")]
        failed = [s for s in states if s and s["state"] in ("rolled_back", "refused")]
        if failed:
            raise DemoError(f"a release was not taken: {failed[0]['reason']}")
        return all(s and s["state"] == "committed" and s["release"] == release for s in states)

    stage.until("waiting for both instruments to take the release", adopted)
    counts = _count(stage)
    say("both instruments have checked, tried and committed the new release")
    stage.until(
        "letting the new release work",
        lambda: all(n >= counts[name] + plan.frames_after for name, n in _count(stage).items()),
    )
