"""The training loop, flat, to be read from top to bottom. One core is enough.

Rare taxa are drawn more often (n^-balance per object); the head that ships is fitted afterwards on
the natural mixture (models/training/release.py). The network used is an exponential moving average
of the weights (Polyak & Juditsky 1992), with AdamW and one cosine (Loshchilov & Hutter 2017, 2019).
A larger network may teach: then the loss is in part the distance to its softened probabilities
(Hinton, Vinyals, Dean 2015).
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
from torch import Tensor
from torch.nn import functional

from models.preprocess import Prepared
from models.training.augment import AugmentSettings, turned
from models.training.dataset import Dataset, Item
from models.training.network import NetworkSettings, SparseNetwork
from models.training.variants import Bank, draw, make_batch

Progress = Callable[[str], None]


@dataclass(frozen=True)
class TrainSettings:
    epochs: int = 60
    batch: int = 64
    peak_rate: float = 4e-3
    warm_up: float = 0.04  # share of all steps
    weight_decay: float = 0.02
    label_smoothing: float = 0.05
    balance: float = 0.3
    average: float = 0.998  # decay of the moving average, per step
    variants: int = 10  # of each object
    taught: float = 0.6  # share of the loss that is the teacher's, if there is one
    softness: float = 2.0  # temperature at which both are compared
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

    def save(self, path: Path, settings: TrainSettings, taxa: Sequence[str]) -> None:
        content = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "torch_random": torch.get_rng_state(),
            "random": json.dumps(self.random.bit_generator.state),
            "step": self.step,
            "epochs": self.epochs,
            "settings": json.dumps(asdict(settings)),
            "taxa": list(taxa),
        }
        partial = path.with_name(path.name + ".part")
        torch.save(content, partial)
        partial.replace(path)

    def load(self, path: Path, settings: TrainSettings, taxa: Sequence[str]) -> None:
        """Raises ValueError if the checkpoint was made with other settings or taxa."""
        content = _read(path)
        if json.loads(content["settings"]) != json.loads(json.dumps(asdict(settings))):
            raise ValueError(f"{path}: made with other settings; train without --resume")
        if content["taxa"] != list(taxa):
            raise ValueError(f"{path}: made for other taxa; train without --resume")
        self.network.load_state_dict(content["network"])
        self.average.load_state_dict(content["average"])
        self.optimizer.load_state_dict(content["optimizer"])
        torch.set_rng_state(content["torch_random"])
        self.random.bit_generator.state = json.loads(content["random"])
        self.step, self.epochs = content["step"], content["epochs"]


def _read(path: Path) -> dict[str, Any]:
    """Raises ValueError naming the file if it is no checkpoint of ours."""
    try:
        content: dict[str, Any] = torch.load(path, weights_only=True)
        content["settings"], content["taxa"], content["average"]
    except OSError:
        raise
    except Exception as error:  # torch raises whatever its unpickler meets
        raise ValueError(f"{path}: not a checkpoint of this program ({error})") from error
    return content


def load_teacher(path: Path, taxa: Sequence[str]) -> SparseNetwork:
    """The averaged network of a checkpoint. Raises ValueError if it was trained on other taxa."""
    content = _read(path)
    if content["taxa"] != list(taxa):
        raise ValueError(f"{path}: the teacher knows other taxa than these images have")
    chosen = json.loads(content["settings"])["network"]
    settings = NetworkSettings(
        tuple(chosen["widths"]), tuple(chosen["near"]), dropout=chosen["dropout"]
    )
    teacher = SparseNetwork(settings, len(taxa))
    teacher.load_state_dict(content["average"])
    return teacher


def start_from(network: SparseNetwork, path: Path) -> None:
    """Give a new network the weights of a checkpoint's: all of them, but for the last layer where
    the taxa are others. Raises ValueError if its layers are of another shape."""
    weights = _read(path)["average"]
    own = network.state_dict()
    linear = ("linear.weight", "linear.bias")
    if any(weights[name].shape != own[name].shape for name in linear):
        weights = {**weights, **{name: own[name] for name in linear}}
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"{path}: a network of another shape than this one") from error


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
    teacher: SparseNetwork | None = None,
    start: Path | None = None,
) -> Trained:
    """The averaged network, trained on data.train; data.validation is only looked at.

    start: a checkpoint whose weights it begins with; else they are drawn by the seed.
    minutes: after the first epoch, the number of epochs is set so that training takes about that
    long. Raises FloatingPointError where the loss is no number any more.
    """
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    taxa = data.taxa
    network = SparseNetwork(settings.network, len(taxa))
    if start is not None:
        start_from(network, start)
    average = copy.deepcopy(network).eval()
    rate, decay = settings.peak_rate, settings.weight_decay
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=decay)
    state = State(network, average, optimizer, np.random.default_rng(settings.seed))
    if resume and checkpoint.exists():
        state.load(checkpoint, settings, taxa)
    steps = -(-len(data.train) // settings.batch)  # of one epoch
    if state.epochs and state.step >= state.epochs * steps:
        return Trained(state.average, state.epochs)  # resumed after its end
    began = time.monotonic()
    bank = draw(data.train, settings.augment, settings.variants, settings.seed, progress, teacher)
    spent = time.monotonic() - began
    target = np.array([taxa.index(item.taxon) for item in data.train])
    chance = np.bincount(target).astype(np.float64)[target] ** -settings.balance
    chance /= chance.sum()
    while state.epochs == 0 or state.step < state.epochs * steps:
        epoch_began = time.monotonic()
        drawn = state.random.choice(len(data.train), steps * settings.batch, p=chance)
        loss = 0.0
        for chosen in np.split(drawn, steps):
            share = state.step / (steps * (state.epochs or settings.epochs))
            optimizer.param_groups[0]["lr"] = rate * schedule(share, settings.warm_up)
            loss += _step(state, bank, chosen, target[chosen], settings) / steps
        seconds = time.monotonic() - epoch_began
        if state.epochs == 0:
            planned = settings.epochs if minutes is None else int((60 * minutes - spent) / seconds)
            state.epochs = max(planned, 1)
        epoch = state.step // steps
        line = f"epoch {epoch} of {state.epochs}: loss {loss:.3f}, {seconds:.0f} s"
        if epoch % 5 == 0 or epoch == state.epochs:
            line += f", validation {100 * accuracy(state.average, data.validation, taxa):.1f} %"
        progress(line)
        state.save(checkpoint, settings, taxa)
    return Trained(state.average, state.epochs)


def schedule(share: float, warm_up: float) -> float:
    """The learning rate over its peak: a straight rise, then half a cosine down to 1 %."""
    if share < warm_up:
        return max(share / warm_up, 0.02)
    return 0.01 + 0.99 * 0.5 * (1 + float(np.cos(np.pi * (share - warm_up) / (1 - warm_up))))


def _step(
    state: State,
    bank: Bank,
    chosen: npt.NDArray[np.int64],
    target: npt.NDArray[np.int64],
    settings: TrainSettings,
) -> float:
    """One batch, one update; the loss before it."""
    which = state.random.integers(settings.variants, size=len(chosen))
    shown = [turned(bank.variants[i][k], state.random) for i, k in zip(chosen, which, strict=True)]
    state.network.train()
    logits = state.network(make_batch(shown, settings.network.levels))  # float32 [batch, taxa]
    loss = functional.cross_entropy(
        logits, torch.from_numpy(target), label_smoothing=settings.label_smoothing
    )
    if bank.teacher is not None:
        told = torch.from_numpy(bank.teacher[chosen, which].astype(np.float32))
        loss = (1 - settings.taught) * loss + settings.taught * _apart(logits, told, settings)
    if not torch.isfinite(loss):
        raise FloatingPointError(f"step {state.step}: the loss is {float(loss.detach())}")
    state.optimizer.zero_grad()
    loss.backward()
    state.optimizer.step()
    state.step += 1
    decay = min(settings.average, state.step / (state.step + 10))  # follow closely at first
    _average(state.average, state.network, decay)
    return float(loss.detach())


def _apart(logits: Tensor, told: Tensor, settings: TrainSettings) -> Tensor:
    """Kullback-Leibler divergence from the teacher's softened probabilities, times softness^2."""
    soft = settings.softness
    own = functional.log_softmax(logits / soft, dim=1)
    teachers = functional.log_softmax(told / soft, dim=1)
    return functional.kl_div(own, teachers, reduction="batchmean", log_target=True) * soft**2


def _average(average: SparseNetwork, network: SparseNetwork, decay: float) -> None:
    """average = decay * average + (1 - decay) * network, normalisation statistics included."""
    values = network.state_dict()  # detached: no gradient is recorded
    for name, kept in average.state_dict().items():
        if kept.dtype.is_floating_point:
            kept.lerp_(values[name], 1 - decay)
        else:
            kept.copy_(values[name])


def batches(items: Sequence[Item], size: int = 128) -> Iterator[list[Prepared]]:
    """The items' inputs in order, `size` at a time."""
    for start in range(0, len(items), size):
        yield [item.prepared for item in items[start : start + size]]


def accuracy(network: SparseNetwork, items: Sequence[Item], taxa: Sequence[str]) -> float:
    """Share of items whose taxon the float network names; 0 without items."""
    network.eval()
    levels = network.settings.levels
    with torch.no_grad():
        logits = [network(make_batch(batch, levels)) for batch in batches(items)]
    called = [taxa[int(i)] for part in logits for i in part.argmax(dim=1)]
    right = sum(item.taxon == taxon for item, taxon in zip(items, called, strict=True))
    return right / max(len(items), 1)
