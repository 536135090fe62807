"""Occurrences of an archive and the measurements of each: one for each name, event and way of
being named.

Example:
    >>> Occurrence("1:3:cast1", name, "V", sums).row()["identificationVerificationStatus"]
    'ValidatedByHuman'
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from server.exports.dwca import vocabulary
from server.exports.dwca.taxa import Name
from server.exports.dwca.vocabulary import Quantity

COLUMNS = (
    *("eventID", "occurrenceID", "basisOfRecord", "occurrenceStatus"),
    *("scientificName", "scientificNameID", "taxonRank", "kingdom", "lifeStage"),
    *("individualCount", "organismQuantity", "organismQuantityType"),
    *("verbatimIdentification", "identifiedBy", "identificationVerificationStatus"),
    *("identificationReferences", "occurrenceRemarks"),
)
MEASURES = (
    *("eventID", "occurrenceID", "measurementID", "measurementType", "measurementTypeID"),
    *("measurementValue", "measurementUnit", "measurementUnitID", "measurementRemarks"),
)
VERIFIED = {"V": "ValidatedByHuman", "P": "PredictedByMachine"}


@dataclass(frozen=True)
class Sums:
    """Objects, individuals that they stand for, individuals and mm3 per m3 (None: not worked
    out)."""

    objects: int
    individuals: float
    per_m3: float | None
    mm3_per_m3: float | None


@dataclass(frozen=True)
class Occurrence:
    """`status` "V" or "P"; `people` who validated, `references` which releases predicted."""

    event_id: str
    name: Name
    status: str
    sums: Sums
    people: str = ""
    references: str = ""

    @property
    def occurrence_id(self) -> str:
        parts = (self.name.aphia_id, self.name.life_stage, self.name.remark, self.status)
        return ":".join([self.event_id, *(str(part).replace(" ", "_") for part in parts if part)])

    def row(self) -> dict[str, Any]:
        n, name = self.sums.objects, self.name
        quantity: tuple[Any, str] = (n, "objects" if name.is_part else "individuals")
        if self.sums.per_m3 is not None and n:
            quantity = (f"{self.sums.per_m3:.9g}", "individuals per cubic metre")
        remarks = [name.remark] if name.remark else []
        if n and self.sums.individuals > n * (1 + 1e-9):
            remarks.append(f"a fraction was looked at: stands for {self.sums.individuals:.6g}")
        return {
            "eventID": self.event_id,
            "occurrenceID": self.occurrence_id,
            "basisOfRecord": "MachineObservation",
            "occurrenceStatus": "present" if n else "absent",
            "scientificName": name.name,
            "scientificNameID": name.scientific_name_id,
            "taxonRank": name.rank,
            "kingdom": name.kingdom,
            "lifeStage": name.life_stage,
            "individualCount": "" if name.is_part else n,
            "organismQuantity": quantity[0],
            "organismQuantityType": quantity[1],
            "verbatimIdentification": name.verbatim,
            "identifiedBy": self.people if self.status == "V" and n else "",
            "identificationVerificationStatus": VERIFIED[self.status] if n else "",
            "identificationReferences": self.references if self.status == "P" and n else "",
            "occurrenceRemarks": "; ".join(remarks),
        }

    def measures(self) -> Iterator[dict[str, Any]]:
        """An absent one has none but its count."""
        sums = self.sums
        yield self._measure(vocabulary.COUNT, str(sums.objects))
        if sums.objects and sums.per_m3 is not None:
            yield self._measure(vocabulary.CONCENTRATION, f"{sums.per_m3:.9g}")
        if sums.objects and sums.mm3_per_m3 is not None:
            yield self._measure(vocabulary.BIOVOLUME, f"{sums.mm3_per_m3:.9g}")
        if self.name.life_stage:
            yield self._measure(vocabulary.LIFE_STAGE, self.name.life_stage)

    def _measure(self, quantity: Quantity, value: str) -> dict[str, Any]:
        return measure(self.event_id, self.occurrence_id, quantity, value)


def measure(event_id: str, occurrence_id: str, quantity: Quantity, value: str) -> dict[str, Any]:
    """A row of measurements; `occurrence_id` "" for one of the event itself."""
    code = quantity.words_id.rstrip("/").rpartition("/")[2]
    return {
        "eventID": event_id,
        "occurrenceID": occurrence_id,
        "measurementID": f"{occurrence_id or event_id}:{code}",
        "measurementType": quantity.words,
        "measurementTypeID": quantity.words_id,
        "measurementValue": value,
        "measurementUnit": quantity.unit,
        "measurementUnitID": quantity.unit_id,
    }
