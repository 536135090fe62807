"""What several tests of the laboratory cut up: one life of an agent, recorded once."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.recording import Recording, record
from tests.faults.stage import ashore

HERE = Path(__file__).parent
FRAMES = 6


@pytest.fixture(scope="session")
def life(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Six frames of an agent, from its first start until all was acknowledged."""
    folder = tmp_path_factory.mktemp("life")
    with ashore(folder) as place:
        config = place.instrument("north")
        argv = [sys.executable, str(HERE / "telling_agent.py"), "run", "--config", str(config)]
        return record([*argv, "--frames", str(FRAMES), "--once"], config.parent / "data")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where there is one: opening syncs, and this is not about our own disk."""
    fast = Path("/dev/shm")  # noqa: S108 - a folder of our own in it
    folder = fast / f"seadrift-{os.getpid()}" if os.access(fast, os.W_OK) else tmp_path
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
