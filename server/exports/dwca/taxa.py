"""Which name of WoRMS stands for a taxon of a project, and what else the taxon says.

A taxon with an AphiaID stands for itself. A morphological one ("nauplius", "tail") stands for the
nearest taxon above it that has one: a stage of life as lifeStage, anything else as a remark. A
phylogenetic one without an AphiaID has no name that OBIS takes: it is reported, or, if asked
(`coarsen`), stands for the nearest one above it, with its own name as verbatimIdentification.

Example:
    >>> Names(taxa).of(17)
    Name(name='Copepoda', aphia_id=1080, rank='class', life_stage='nauplius', ...)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from server.db.exporting import TaxonRow

_STAGES = (
    "egg eggs embryo larva larvae nauplius nauplii metanauplius protozoea zoea mysis megalopa "
    "calyptopis calyptopsis furcilia copepodite copepodites cyphonaute cyphonautes cypris pluteus "
    "echinopluteus ophiopluteus bipinnaria brachiolaria auricularia tornaria actinotroch "
    "actinotrocha veliger trochophore planula ephyra juvenile adult subadult polyp medusa nurse "
    "oozooid blastozooid gonozooid phorozooid spore cyst pupa"
)
STAGES = frozenset(_STAGES.split())
"""First words of names that are stages of life."""
_WHOLE_NOT = (
    "part parts head tail antenna antennae leg legs scale scales bract bracts gonophore nectophore "
    "siphosome pneumatophore tentacle tentacles house trunk fragment fragments"
)
_PARTS = frozenset(_WHOLE_NOT.split())
_DEPTH = 200


@dataclass(frozen=True)
class Name:
    """`is_part`: what was seen is not a whole individual, so that objects are not individuals."""

    name: str
    aphia_id: int
    rank: str
    kingdom: str
    life_stage: str
    remark: str
    verbatim: str
    is_part: bool

    @property
    def scientific_name_id(self) -> str:
        return f"urn:lsid:marinespecies.org:taxname:{self.aphia_id}"


@dataclass(frozen=True)
class Names:
    taxa: Mapping[int, TaxonRow]
    coarsen: bool = False

    def of(self, taxon_id: int) -> Name | None:
        """The name that stands for a taxon; None when there is none."""
        below: list[TaxonRow] = []
        for taxon in self._up(taxon_id):
            if taxon.aphia_id is not None:
                return self._name(taxon, below)
            if not (self.coarsen or _is_form(taxon)):
                return None
            below.append(taxon)
        return None

    def _name(self, taxon: TaxonRow, below: list[TaxonRow]) -> Name:
        assert taxon.aphia_id is not None
        forms = [row.name for row in below if _is_form(row)]
        stages = [name for name in forms if _first(name) in STAGES]
        others = [name for name in forms if _first(name) not in STAGES]
        kingdom = next(
            (up.name for up in self._up(taxon.taxon_id) if (up.rank or "").lower() == "kingdom"), ""
        )
        return Name(
            taxon.name,
            taxon.aphia_id,
            (taxon.rank or "").lower(),
            kingdom,
            stages[0] if stages else "",
            f"form: {', '.join(others)}" if others else "",
            below[0].display_name if below else taxon.display_name,
            any(_first(name) in _PARTS for name in forms),
        )

    def _up(self, taxon_id: int) -> Iterator[TaxonRow]:
        at: int | None = taxon_id
        for _ in range(_DEPTH):
            taxon = self.taxa.get(at) if at is not None else None
            if taxon is None:
                return
            yield taxon
            at = taxon.parent_id


def _is_form(taxon: TaxonRow) -> bool:
    return taxon.kind == "M" or _first(taxon.name) in STAGES | _PARTS


def _first(name: str) -> str:
    return name.replace("_", " ").partition(" ")[0].casefold()
