"""The training loop, flat, to be read from top to bottom. One core is enough: 10 s an epoch on SPC.

Rare taxa are drawn more often (n^-balance per object); the head that ships is fitted afterwards on
the natural mixture (models/training/release.py). The network used is an exponential moving average
of the weights (Polyak & Juditsky 1992), with AdamW and one cosine (Loshchilov & Hutter 2017, 2019).
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from models.preprocess import Prepared
from models.sites import build_tables
from models.training.augment import AugmentSettings, augment
from models.training.dataset import Dataset, Item
from models.training.network import Batch, NetworkSettings, SparseNetwork, to_batch

Progress = Callable[[str], None]


@dataclass(frozen=True)
class TrainSettings:
    epochs: int = 120
    batch: int = 64
    peak_rate: float = 4e-3
    warm_up: float = 0.04  # share of all steps
    weight_decay: float = 0.02
    label_smoothing: float = 0.05
    balance: float = 0.5
    average: float = 0.998  # decay of the moving average, per step
    seed: int = 1
    threads: int = 1
    network: NetworkSettings = field(default_factory=NetworkSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)


@dataclass
class State:
    """All that changes while training; a checkpoint holds exactly this."""

    network: SparseNetwork
    average: SparseNetwork
    optimizer: torch.optim.AdamW
    random: np.random.Generator
    step: int = 0
    epochs: int = 0  # in total; set when the first epoch has been timed

    def save(self, path: Path, settings: TrainSettings) -> None:
        content = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "torch_random": torch.get_rng_state(),
            "random": json.dumps(self.random.bit_generator.state),
            "step": self.step,
            "epochs": self.epochs,
            "settings": json.dumps(asdict(settings)),
        }
        partial = path.with_name(path.name + ".part")
        torch.save(content, partial)
        partial.replace(path)

    def load(self, path: Path, settings: TrainSettings) -> None:
        """Raises ValueError if the checkpoint was made with other settings."""
        content: dict[str, Any] = torch.load(path, weights_only=True)
        if json.loads(content["settings"]) != json.loads(json.dumps(asdict(settings))):
            raise ValueError(f"{path}: made with other settings; train without --resume")
        self.network.load_state_dict(content["network"])
        self.average.load_state_dict(content["average"])
        self.optimizer.load_state_dict(content["optimizer"])
        torch.set_rng_state(content["torch_random"])
        self.random.bit_generator.state = json.loads(content["random"])
        self.step, self.epochs = content["step"], content["epochs"]


@dataclass(frozen=True)
class Trained:
    network: SparseNetwork  # the moving average
    epochs: int  # as trained, whether asked for or set by the time given


def train(
    data: Dataset,
    settings: TrainSettings,
    checkpoint: Path,
    progress: Progress,
    *,
    minutes: float | None = None,
    resume: bool = False,
) -> Trained:
    """The averaged network, trained on data.train; data.validation is only looked at.

    minutes: after the first epoch, the number of epochs is set so that training takes about that
    long.
    """
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    taxa = data.taxa
    network = SparseNetwork(settings.network, len(taxa))
    average = copy.deepcopy(network).eval()
    rate, decay = settings.peak_rate, settings.weight_decay
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=decay)
    state = State(network, average, optimizer, np.random.default_rng(settings.seed))
    if resume and checkpoint.exists():
        state.load(checkpoint, settings)
    target = np.array([taxa.index(item.taxon) for item in data.train])
    chance = np.bincount(target).astype(np.float64)[target] ** -settings.balance
    chance /= chance.sum()
    steps = -(-len(data.train) // settings.batch)  # of one epoch
    while state.epochs == 0 or state.step < state.epochs * steps:
        start = time.monotonic()
        drawn = state.random.choice(len(data.train), steps * settings.batch, p=chance)
        loss = 0.0
        for chosen in np.split(drawn, steps):
            share = state.step / (steps * (state.epochs or settings.epochs))
            optimizer.param_groups[0]["lr"] = rate * schedule(share, settings.warm_up)
            loss += _step(state, [data.train[i] for i in chosen], target[chosen], settings) / steps
        seconds = time.monotonic() - start
        if state.epochs == 0:
            planned = settings.epochs if minutes is None else int(60 * minutes / seconds)
            state.epochs = max(planned, 1)
        epoch = state.step // steps
        line = f"epoch {epoch} of {state.epochs}: loss {loss:.3f}, {seconds:.0f} s"
        if epoch % 5 == 0 or epoch == state.epochs:
            line += f", validation {100 * accuracy(state.average, data.validation, taxa):.1f} %"
        progress(line)
        state.save(checkpoint, settings)
    return Trained(state.average, state.epochs)


def schedule(share: float, warm_up: float) -> float:
    """The learning rate over its peak: a straight rise, then half a cosine down to 1 %."""
    if share < warm_up:
        return max(share / warm_up, 0.02)
    return 0.01 + 0.99 * 0.5 * (1 + float(np.cos(np.pi * (share - warm_up) / (1 - warm_up))))


def _step(
    state: State, items: Sequence[Item], target: npt.NDArray[Any], settings: TrainSettings
) -> float:
    """One batch, one update; the loss before it."""
    variants = [augment(item.prepared, settings.augment, state.random) for item in items]
    state.network.train()
    logits = state.network(make_batch(variants))  # float32 [batch, taxa]
    smooth = settings.label_smoothing
    loss = functional.cross_entropy(logits, torch.from_numpy(target), label_smoothing=smooth)
    state.optimizer.zero_grad()
    loss.backward()
    state.optimizer.step()
    state.step += 1
    decay = min(settings.average, state.step / (state.step + 10))  # follow closely at first
    _average(state.average, state.network, decay)
    return float(loss.detach())


def _average(average: SparseNetwork, network: SparseNetwork, decay: float) -> None:
    """average = decay * average + (1 - decay) * network, normalisation statistics included."""
    values = network.state_dict()  # detached: no gradient is recorded
    for name, kept in average.state_dict().items():
        if kept.dtype.is_floating_point:
            kept.lerp_(values[name], 1 - decay)
        else:
            kept.copy_(values[name])


def make_batch(prepared: Sequence[Prepared]) -> Batch:
    return to_batch(build_tables(prepared), np.stack([p.shape for p in prepared]))


def batches(items: Sequence[Item], size: int = 128) -> Iterator[list[Prepared]]:
    """The items' inputs in order, `size` at a time."""
    for start in range(0, len(items), size):
        yield [item.prepared for item in items[start : start + size]]


def accuracy(network: SparseNetwork, items: Sequence[Item], taxa: Sequence[str]) -> float:
    """Share of items whose taxon the float network names; 0 without items."""
    network.eval()
    with torch.no_grad():
        logits = [network(make_batch(batch)) for batch in batches(items)]
    called = [taxa[int(i)] for part in logits for i in part.argmax(dim=1)]
    right = sum(item.taxon == taxon for item, taxon in zip(items, called, strict=True))
    return right / max(len(items), 1)
