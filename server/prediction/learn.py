"""Reading what to learn from, and growing the forest. Reads the database, writes nothing.

Example:
    >>> taught = learn(connection, read(1, {}), threads=2)
    >>> taught.columns.names, taught.report["accuracy"]
    (('area', 'mean'), 0.91)
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from models.trees import ECOTAXA, Forest, Growth, described, grow
from server.db import counts, learning_set, projects, taxa
from server.db.learning_set import FIXED, FeatureError, Numbers
from server.prediction.asked import Asked, AskedError
from server.prediction.columns import Columns, choose
from server.prediction.judged import judge

LEARN_MOST = 350_000
"""Objects to learn from, as in EcoTaxa: beyond them each taxon is drawn from."""
EMBEDDING = "embedding"


@dataclass
class Seconds:
    """How long each step took."""

    steps: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.steps[name] = round(self.steps.get(name, 0.0) + time.perf_counter() - began, 3)


@dataclass(frozen=True)
class Taught:
    """`features` are the free columns read for each object; `network` made their embeddings, ""
    when these are not used."""

    forest: Forest
    columns: Columns
    features: tuple[str, ...]
    network: str
    report: dict[str, object]


def learn(
    connection: Connection,
    asked: Asked,
    *,
    threads: int,
    seconds: Seconds,
    growth: Growth = ECOTAXA,
) -> Taught:
    """Raises AskedError, FeatureError."""
    for source in asked.sources:
        if projects.get(connection, source) is None:
            raise AskedError(f"source_projects: there is no project {source}")
    with seconds.of("read"):
        features = asked.features or _shared_features(connection, asked)
        learning, network = _learning_set(connection, asked, features)
        names = _names(connection, learning)
        columns = choose(learning.values, feature_names(features, learning))
    if not len(columns.names):
        why = "; ".join(f"{name}: {reason}" for name, reason in columns.left_out.items())
        raise AskedError(f"features: there is nothing to tell taxa by. {why}")
    values = columns.filled(learning.values)
    with seconds.of("judge"):
        report = judge(learning, values, names, threads=threads, growth=growth)
    with seconds.of("learn"):
        forest = grow(values, learning.taxa, threads=threads, growth=growth)
    report |= {
        "features": list(columns.names),
        "left_out": columns.left_out,
        "forest": described(growth),
        "network": network,
    }
    return Taught(forest, columns, tuple(features), network, report)


def with_embeddings(
    connection: Connection, numbers: Numbers, network: str = ""
) -> tuple[Numbers, str]:
    """The numbers with the objects' embeddings as further columns, and the network that made them.
    Raises AskedError unless all have one, of one network, of `network` if that is given."""
    found, networks = learning_set.embeddings(connection, numbers.objids.tolist())
    missing = len(numbers.objids) - len(found)
    if missing:
        raise AskedError(
            f"embedding: {missing} of {len(numbers.objids)} objects have none (only an "
            "instrument's have); leave it out, or filter them away"
        )
    if len(networks | ({network} - {""})) > 1:
        raise AskedError(
            "embedding: the objects were seen by different networks, whose embeddings cannot be "
            "compared; leave it out, or learn from and predict those of one release"
        )
    if not found:
        return numbers, network
    rows = [np.frombuffer(found[objid], "<u2") for objid in numbers.objids.tolist()]
    values = np.concatenate([numbers.values, np.array(rows, np.float64)], axis=1)
    return replace(numbers, values=values), next(iter(networks))


def feature_names(features: Sequence[str], numbers: Numbers) -> list[str]:
    """Of all columns of `numbers.values`."""
    more = numbers.values.shape[1] - len(features)
    return [*features, *(f"{EMBEDDING} {i + 1}" for i in range(more))]


def limit_of(counts: Sequence[int], most: int) -> int | None:
    """How many of each taxon to draw so that all are at most `most`; None: no limit is needed.

    >>> limit_of([10, 3, 1], 9)
    5
    """
    if sum(counts) <= most:
        return None
    left, share = most, 0
    for place, n in enumerate(sorted(counts)):
        share = max(1, left // (len(counts) - place))
        if n > share:
            return share
        left -= n
    return share


def _shared_features(connection: Connection, asked: Asked) -> tuple[str, ...]:
    """The free columns of numbers that the project and all sources have, in the project's order."""
    own = learning_set.numeric(connection, asked.project_id)
    for source in asked.sources:
        theirs = set(learning_set.numeric(connection, source))
        own = [name for name in own if name in theirs]
    if not own:
        raise AskedError("features: these projects share no free column of numbers")
    return tuple(own)


def _learning_set(
    connection: Connection, asked: Asked, features: Sequence[str]
) -> tuple[Numbers, str]:
    """Raises AskedError, FeatureError."""
    _check_features(connection, asked, features)
    limit = asked.limit or _limit(connection, asked)
    parts = [
        learning_set.validated(connection, source, features, taxa=asked.taxa, limit=limit)
        for source in asked.sources
    ]
    learning = _together(parts)
    network = ""
    if asked.embedding:
        learning, network = with_embeddings(connection, learning)
    learning = replace(learning, taxa=_mapped(learning.taxa, asked.mapping))
    if len(np.unique(learning.taxa)) < 2:
        raise AskedError(_too_few(connection, learning))
    return learning, network


def _check_features(connection: Connection, asked: Asked, features: Sequence[str]) -> None:
    """That the project has them too, not only those that are learnt from."""
    own = {*learning_set.numeric(connection, asked.project_id), *FIXED}
    missing = [name for name in features if name not in own]
    if missing:
        raise FeatureError(
            f"'{missing[0]}' is no free column of numbers of project {asked.project_id}; "
            f"it has {', '.join(sorted(own))}"
        )


def _limit(connection: Connection, asked: Asked) -> int | None:
    """Of each taxon and project, so that no more than LEARN_MOST are learnt from."""
    numbers = [
        n["V"]
        for source in asked.sources
        for taxon, n in counts.by_taxon(connection, source).items()
        if asked.taxa is None or taxon in asked.taxa
    ]
    return limit_of(numbers, LEARN_MOST)


def _together(parts: Sequence[Numbers]) -> Numbers:
    whole = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("objids", "taxa", "samples", "acquisitions", "frames", "values")
    }
    return Numbers(**whole)


def _mapped(taxa: npt.NDArray[np.int64], mapping: Mapping[int, int]) -> npt.NDArray[np.int64]:
    found = taxa.copy()
    for taxon, to in mapping.items():
        found[taxa == taxon] = to
    return found


def _names(connection: Connection, learning: Numbers) -> dict[int, str]:
    """Of the taxa that are learnt. Raises AskedError for a mapping to a taxon that is not there."""
    wanted = np.unique(learning.taxa).tolist()
    infos = taxa.by_id(connection, wanted)
    missing = [taxon for taxon in wanted if taxon not in infos]
    if missing:
        raise AskedError(f"mapping: there is no taxon {missing[0]}")
    return {taxon: info.display_name for taxon, info in infos.items()}


def _too_few(connection: Connection, learning: Numbers) -> str:
    infos = taxa.by_id(connection, np.unique(learning.taxa).tolist())
    there = [info.display_name for info in infos.values()]
    have = f"only {there[0]} has any" if there else "none has any"
    return (
        "Learning needs validated objects with measures of at least two taxa; "
        f"{have}. Validate more, or name other source projects."
    )
