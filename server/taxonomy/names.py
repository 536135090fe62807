"""Names of taxa: how they are compared, searched, and told apart when two are the same.

EcoTaxa's rule for homonyms: a name that nothing else bears stands alone; otherwise a parent is
added, and a second and a third, until nothing else has the same chain. Each taxon has the shortest
chain that is its own; a deprecated one says so.

Example:
    >>> shown_names([Homonym(1, ("egg", "Copepoda")), Homonym(2, ("egg", "Actinopterygii"))])
    {1: 'egg<Copepoda', 2: 'egg<Actinopterygii'}
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

NAME_MOST = 250
CHAIN_MOST = 4
"""A name and three parents."""
WORD_MOST = 80
DEPRECATED = " (Deprecated)"
_WORD = re.compile(r"[^\W_]+")


def clean(name: str) -> str:
    """The name as it is kept: "Faecal_pellet " is "Faecal pellet"."""
    return " ".join(name.replace("_", " ").split())


def fold(name: str) -> str:
    """The form under which names are compared: "Faecal_pellet " is "faecal pellet"."""
    return clean(name).casefold()


def words(text: str) -> list[str]:
    """The words of a text as they are searched, without case and accents, in order.

    >>> words("Phæocystis  Éphyra-larva")
    ['phæocystis', 'ephyra', 'larva']
    """
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return [word[:WORD_MOST] for word in _WORD.findall(bare.casefold())]


@dataclass(frozen=True)
class Homonym:
    """A taxon's name and those of its parents, nearest first."""

    taxon_id: int
    chain: Sequence[str]
    deprecated: bool = False


def shown_names(taxa: Iterable[Homonym]) -> dict[int, str]:
    """The display name of each; `taxa` holds every taxon that bears one of their names."""
    listed = list(taxa)
    seen = Counter(key for taxon in listed for key in _keys(taxon))
    return {taxon.taxon_id: _shown(taxon, seen) for taxon in listed}


def _keys(taxon: Homonym) -> list[tuple[str, ...]]:
    """The chain's beginnings, folded; a chain that ends at a root is as long as it is."""
    folded = [fold(name) for name in taxon.chain[:CHAIN_MOST]]
    return [tuple(folded[: n + 1]) for n in range(len(folded))]


def _shown(taxon: Homonym, seen: Counter[tuple[str, ...]]) -> str:
    keys = _keys(taxon)
    own = next((key for key in keys if seen[key] == 1), keys[-1])
    ending = DEPRECATED if taxon.deprecated else ""
    return "<".join(taxon.chain[: len(own)])[: NAME_MOST - len(ending)] + ending


def chain_of(shown: str) -> tuple[str, ...]:
    """The folded names of a display name, the taxon's own first.

    >>> chain_of("egg<Copepoda")
    ('egg', 'copepoda')
    """
    return tuple(fold(part) for part in shown.removesuffix(DEPRECATED).split("<"))
