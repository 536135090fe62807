"""The commands of Seadrift as child processes: started, watched, killed and started again.

Example:
    >>> shore = Shore(Path("demo/shore"), port=8765, password="...")
    >>> shore.start()
    >>> shore.kill()          # SIGKILL: nothing acknowledged may be lost
    >>> shore.start()
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

PATIENCE_S = 60.0
START_S = 240.0
"""A start takes two seconds of processor time, and other work may come first."""


class DemoError(RuntimeError):
    """A process of the demonstration did not do what it should; the message names its log."""


def command(name: str) -> str:
    """The installed command `name` of this very environment."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else name


class Process:
    """One child with a log file; `start` may be called again after `stop` or `kill`."""

    def __init__(self, name: str, argv: Sequence[str], log: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self.log = log
        self._argv = list(argv)
        self._env = {**os.environ, **env}
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Number of the process, started before."""
        assert self._child is not None
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self, *more: str) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [*self._argv, *more],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=self._env,
            )

    def kill(self) -> None:
        """SIGKILL: no goodbye, as a power cut."""
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError):
                self._child.kill()
            self._child.wait()

    def stop(self) -> int:
        """SIGTERM, and the exit code; DemoError when it does not end in time."""
        if self._child is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            self._child.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self, patience_s: float | None = PATIENCE_S) -> int:
        """The exit code of a child that ends by itself; None waits for ever."""
        if self._child is None:
            raise DemoError(f"{self.name} was never started")
        try:
            return self._child.wait(timeout=patience_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise DemoError(f"{self.name} did not end in {patience_s} s{self.tail()}") from None

    def tail(self) -> str:
        """The end of its log, for a message."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "".join(f"\n  {self.name}: {line}" for line in lines[-8:])


class Shore(Process):
    """`seadrift serve` on loopback, with its database and packs in `data`."""

    def __init__(self, data: Path, port: int, password: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.address = ("127.0.0.1", port)
        argv = [command("seadrift"), "serve", "--data", str(data), "--port", str(port)]
        env = {"SEADRIFT_ADMIN_PASSWORD": password}
        super().__init__("shore", argv, data.parent / "shore.log", env)

    def start(self, *more: str) -> None:
        super().start(*more)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if not self.running:
                raise DemoError(f"the shore ended at once{self.tail()}")
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/v1/ping", timeout=2).json().get("service") == "seadrift":
                    return
            time.sleep(0.05)
        self.kill()
        raise DemoError(f"the shore did not answer{self.tail()}")


class Instrument(Process):
    """`seadrift-edge run` with its own configuration and data folder."""

    def __init__(self, name: str, folder: Path, config: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "edge.toml"
        self.config.write_text(config)
        self.truth = folder / "truth.jsonl"
        argv = [command("seadrift-edge"), "run", "--config", str(self.config)]
        super().__init__(name, argv, folder / "edge.log", {})
