"""What all rows of a project's backup share: its columns, places, people and taxa by number.

Example:
    >>> cells = ProjectCells.read(connection, project_id=1, mends=Mends())
    >>> cells.process[3]
    ['cast1', 'a1', 'uvp6', 'p1', 'Tara', ...]
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from server.db import export, free
from server.ecotaxa.layout import OWN_OBJECT, OWN_PARENTS, Layout
from server.ecotaxa.mends import Mends


@dataclass
class ProjectCells:
    """`process` gives, for each process, the cells of `parent_columns`: ids and all that is told of
    sample, acquisition and process. `sample_ids` and the like are ids as the tables have them."""

    columns: Mapping[str, str]
    shared_ids: set[str]
    samples: Sequence[Any]
    acquisitions: Sequence[Any]
    processes: Sequence[Any]
    taxa: Mapping[int, Any]
    people: Mapping[int, Any]
    releases: Mapping[int, Any]
    actions: Mapping[int, Any]
    used_taxa: set[int | None] = field(default_factory=set)
    """Taxa that lines name, so far."""
    layout: Layout = field(default_factory=Layout)
    parent_columns: list[str] = field(default_factory=list)
    process: dict[int, list[str]] = field(default_factory=dict)
    sample_ids: dict[int, str] = field(default_factory=dict)
    acquisition_ids: dict[int, str] = field(default_factory=dict)
    process_ids: dict[int, str] = field(default_factory=dict)

    @classmethod
    def read(cls, connection: Connection, project_id: int, mends: Mends) -> "ProjectCells":
        actions = {row.id: row for row in export.actions(connection, project_id)}
        trainings = export.trainings(connection, project_id)
        members = export.memberships(connection, project_id)
        owner = export.project(connection, project_id).created_by
        people = {owner, *(row.user_id for row in (*actions.values(), *trainings, *members))}
        cells = cls(
            free.places(connection, project_id),
            export.ids_shared(connection, project_id),
            export.samples(connection, project_id),
            export.acquisitions(connection, project_id),
            export.processes(connection, project_id),
            export.taxa(connection),
            export.people(connection, sorted(people)),
            export.releases(connection),
            actions,
        )
        device_fed = any(sample.device_id for sample in cells.samples)
        predicted = export.has_predictions(connection, project_id)
        cells._lay_out(device_fed, predicted)
        cells._name(mends)
        cells._fill(mends)
        for sentence in cells.layout.left_out:
            mends.note(sentence)
        return cells

    def person_of(self, event: Any) -> Any:
        """Who made the event; None for a prediction."""
        action = None if event is None else self.actions.get(event.action_id)
        return None if action is None else self.people.get(action.user_id)

    def _lay_out(self, device_fed: bool, predicted: bool) -> None:
        own = OWN_OBJECT if device_fed else OWN_OBJECT[: 1 if predicted else 0]
        parents = {
            "sample": _names(self.samples),
            "acq": _names(self.acquisitions),
            "process": [
                *_names(self.processes),
                *(name for row in self.processes for name in _settings(row)),
            ],
        }
        told = OWN_PARENTS if device_fed else {}
        self.layout = Layout.of(self.columns, parents, own, told)

    def _name(self, mends: Mends) -> None:
        """Ids as EcoTaxa wants them: a sample's, an acquisition's and a process's are one thing's
        alone in the project."""
        names = Counter(sample.orig_id for sample in self.samples)
        for sample in self.samples:
            told = sample.orig_id
            if names[told] > 1:
                told = f"{told} {sample.device_id or sample.id}"
                mends.note("sample_id: one id of several samples was made unique")
            self.sample_ids[sample.id] = mends.text(told, "sample_id") or f"sample {sample.id}"
        self.acquisition_ids = _apart(self.acquisitions, "sample_id", "acq_id", mends)
        self.process_ids = _apart(self.processes, "acquisition_id", "process_id", mends)

    def _fill(self, mends: Mends) -> None:
        """The cells of each process, with those of what is above it."""
        self.parent_columns = ["sample_id", "acq_id", "acq_instrument", "process_id"]
        for names in self.layout.parents.values():
            self.parent_columns += names.values()
        samples = {row.id: row for row in self.samples}
        acquisitions = {row.id: row for row in self.acquisitions}
        for process in self.processes:
            acquisition = acquisitions[process.acquisition_id]
            sample = samples[acquisition.sample_id]
            told = {
                "sample": {**_told(sample, OWN_PARENTS["sample"]), **json.loads(sample.free)},
                "acq": {**_told(acquisition, OWN_PARENTS["acq"]), **json.loads(acquisition.free)},
                "process": {
                    **_told(process, OWN_PARENTS["process"]),
                    **_settings(process),
                    **json.loads(process.free),
                },
            }
            cells = [
                self.sample_ids[sample.id],
                self.acquisition_ids[acquisition.id],
                mends.text(acquisition.instrument or "", "acq_instrument"),
                self.process_ids[process.id],
            ]
            for prefix, names in self.layout.parents.items():
                cells += [
                    mends.text(str(told[prefix].get(name, "")), column)
                    for name, column in names.items()
                ]
            self.process[process.id] = cells


def _names(rows: Sequence[Any]) -> list[str]:
    """Free columns of rows of a level, in the order of their coming."""
    return list(dict.fromkeys(name for row in rows for name in json.loads(row.free)))


def _settings(process: Any) -> dict[str, Any]:
    found = json.loads(process.settings) if process.settings else {}
    return found if isinstance(found, dict) else {}


def _told(row: Any, names: Sequence[str]) -> dict[str, str]:
    """Columns of the row as texts."""
    values = {name: getattr(row, name) for name in names}
    return {
        name: f"{value:g}" if isinstance(value, float) else str(value)
        for name, value in values.items()
        if value is not None
    }


def _apart(rows: Sequence[Any], above: str, column: str, mends: Mends) -> dict[int, str]:
    """The ids of acquisitions or processes, made unique where several places have the same."""
    places: dict[str, set[int]] = {}
    for row in rows:
        places.setdefault(row.orig_id, set()).add(getattr(row, above))
    found = {}
    for row in rows:
        plain = mends.text(row.orig_id, column)
        if len(places[row.orig_id]) > 1 or plain != row.orig_id or not plain:
            mark = f"~{getattr(row, above)}" if len(places[row.orig_id]) > 1 else f"~{row.id}"
            if len(places[row.orig_id]) > 1:
                where = "samples" if column == "acq_id" else "acquisitions"
                mends.note(f"{column}: one id in several {where} was made unique")
            plain = f"{plain[: 250 - len(mark)]}{mark}"
        found[row.id] = plain
    return found
