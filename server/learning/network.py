"""A network of one's own, learnt from labelled images: hours instead of minutes, with torch.

The training runs as a process of its own (`python -m models.training`): the shore never loads
torch, a run that dies takes nothing with it, and its checkpoint lets the next one go on.

Example:
    >>> train_network(Path("my.zip"), Path("bay.seadrift"), minutes=60, seed=0, say=print)
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path


class TrainingError(RuntimeError):
    """The training ended without a release; the message is its last sentence."""


def train_network(
    images: Path,
    out: Path,
    *,
    minutes: float,
    seed: int,
    say: Callable[[str], None],
    resume: bool = False,
) -> None:
    """Writes the release to `out`. Raises TrainingError; `say` gets each line of progress."""
    command = [
        *(sys.executable, "-m", "models.training", "--data", str(images), "--out", str(out)),
        *("--minutes", f"{minutes:g}", "--split-seed", str(seed)),
        *(("--resume",) if resume else ()),
    ]
    last = ""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                last = line.strip() or last
                say(line.rstrip("\n"))
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0:
        raise TrainingError(last.removeprefix("models.training: ") or f"exit {process.returncode}")
