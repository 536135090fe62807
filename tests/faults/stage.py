"""A shore and instruments for the laboratory: real processes with small frames.

Example:
    >>> with ashore(tmp_path) as place:
    ...     config = place.instrument("north")
    ...     subprocess.run([command("seadrift-edge"), "run", "--config", str(config)])
"""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from server.demo.account import Account, reckon
from server.demo.operator import Operator
from server.demo.processes import Shore, command
from server.demo.story import ADMIN, free_port

PASSWORD = "a password for the laboratory"

CONFIG = """
[device]
name = "{name}"
data = "{data}"
health_s = {health_s}

[shore]
url = "{url}"
claim = "{claim}"

[source]
kind = "simulator"
interval_s = {interval_s}

[source.simulator]
width = 400
height = 300
density = 6
specks = 20
seed = {seed}

[acquisition]
project = "cast"
sample = "{name}_1"
acquisition = "{name}_a1"
process = "{name}_p1"
instrument = "test"
pixel_um = 20.0

[link]
retry_max_s = {retry_max_s}
hello_s = 0.5
timeout_s = {timeout_s}
{more}
"""


class Place:
    """A shore with a project, and the instruments that were made for it."""

    def __init__(self, folder: Path, shore: Shore) -> None:
        self.folder = folder
        self.shore = shore
        self.operator = Operator(shore.url, ADMIN, PASSWORD)
        self.project = int(self.operator.post("/api/projects", {"title": "cast"})["project_id"])
        self.configs: dict[str, Path] = {}

    def instrument(
        self,
        name: str,
        *,
        url: str = "",
        data: str = "data",
        interval_s: float = 0.0,
        health_s: float = 2.0,
        retry_max_s: float = 1.0,
        timeout_s: float = 30.0,
        more: str = "",
    ) -> Path:
        """Its configuration, with a fresh claim; `more` is added as it is."""
        asked = {"project_id": self.project, "name": name, "valid_h": 24}
        text = CONFIG.format(
            name=name,
            data=data,
            health_s=health_s,
            url=url or self.shore.url,
            claim=self.operator.post("/api/claims", asked)["claim"],
            interval_s=interval_s,
            seed=1 + len(self.configs),
            retry_max_s=retry_max_s,
            timeout_s=timeout_s,
            more=more,
        )
        path = self.folder / name / "edge.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.configs[name] = path
        return path

    def account(self) -> Account:
        """Both sides' books, compared."""
        statuses = {name: status(config) for name, config in self.configs.items()}
        frames = self.operator.get(f"/api/projects/{self.project}/frames")
        return reckon(statuses, frames, self.operator.objects(self.project))


@contextmanager
def ashore(folder: Path) -> Iterator[Place]:
    """A shore on a free port; killed at the end."""
    shore = Shore(folder / "shore" / "data", free_port(0), PASSWORD)
    shore.start()
    place = Place(folder, shore)
    try:
        yield place
    finally:
        place.operator.close()
        shore.kill()


def agent(config: Path, *more: str) -> list[str]:
    """The command that runs an instrument."""
    return [command("seadrift-edge"), "run", "--config", str(config), *more]


def run(
    argv: list[str], env: Mapping[str, str] | None = None, timeout_s: float = 400
) -> "subprocess.CompletedProcess[str]":
    """A command to its end, whatever that is; its words are kept."""
    found = {**os.environ, **(env or {})}
    return subprocess.run(
        argv, capture_output=True, text=True, check=False, env=found, timeout=timeout_s
    )


def status(config: Path) -> dict[str, Any]:
    """What an instrument that does not run says of itself."""
    out = run([command("seadrift-edge"), "status", "--json", "--config", str(config)])
    if out.returncode:
        raise RuntimeError(f"{config}: {out.stderr.strip()}")
    found: dict[str, Any] = json.loads(out.stdout)
    return found
