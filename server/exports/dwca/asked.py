"""What is asked of a Darwin Core archive.

Example:
    >>> Asked.of(export).statuses
    ('V',)
"""

from collections.abc import Mapping
from dataclasses import dataclass

from server.exports.counted import DEEPEST_BIN_M, QUANTITIES
from server.exports.export import Export


@dataclass(frozen=True)
class Asked:
    """`step_m`: events of depth bins below those of samples; `predicted`: what nobody looked at
    too; `absent`: names that were looked for and not found; `coarsen`: see `taxa`; `quantities`:
    none for those that the formulas allow."""

    projects: tuple[int, ...]
    step_m: float | None
    predicted: bool
    absent: bool
    coarsen: bool
    quantities: tuple[str, ...]
    mapping: Mapping[int, int | None]
    licence: str
    title: str
    abstract: str

    @classmethod
    def of(cls, export: Export) -> "Asked":
        """Raises AskedError."""
        asked = export.asked()
        projects = (export.project_id, *asked.numbers("projects"))
        chosen = asked.choices("quantities", QUANTITIES, QUANTITIES)
        asked.texts("formulae")
        found = cls(
            tuple(dict.fromkeys(projects)),
            asked.number("depth_bin_m", 0.0, 0.0, DEEPEST_BIN_M) or None,
            asked.flag("include_predicted"),
            asked.flag("with_absent"),
            asked.flag("coarsen"),
            chosen if export.params.get("quantities") else (),
            asked.mapping("taxo_mapping"),
            asked.text("licence"),
            asked.text("title"),
            asked.text("abstract"),
        )
        asked.check()
        return found

    @property
    def statuses(self) -> tuple[str, ...]:
        return ("V", "P") if self.predicted else ("V",)
