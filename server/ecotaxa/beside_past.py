"""What a backup tells besides objects, in this shore's numbers; the project's own words.

Example:
    >>> past = past_of(beside, people, taxa, now_ms=now)
    >>> restore_project(connection, project_id=1, beside=beside, past=past)
"""

import json
from collections.abc import Mapping

from sqlalchemy import Connection

from server.db import projects
from server.db.imported import Person, TaxonKey
from server.db.restoring import Past
from server.ecotaxa.beside import ACTION
from server.ecotaxa.beside_reading import Beside


def past_of(
    beside: Beside, people: Mapping[Person, int], taxa: Mapping[TaxonKey, int], now_ms: int
) -> Past:
    """`people` and `taxa` say what the backup's mean here."""
    actions = [dict(zip(ACTION, row, strict=True)) for row in beside.actions]
    for row in actions:
        row["request_hash"] = bytes.fromhex(row["request_hash"])
    return Past(
        {number: people[person] for number, person in beside.people.items()},
        {number: taxa[taxon] for number, taxon in beside.taxa.items()},
        {release.id: release.release_id for release in beside.told.releases},
        actions,
        [training.model_dump() for training in beside.told.trainings],
        now_ms,
    )


def restore_project(connection: Connection, project_id: int, beside: Beside, past: Past) -> None:
    """Give an empty project the backup's words, list of taxa and members; one that has samples
    keeps its own. Its access becomes no wider than it is."""
    if projects.samples(connection, project_id):
        return
    told = beside.told
    projects.restore(
        connection,
        project_id,
        licence=told.project.licence,
        instrument=told.project.instrument,
        description=told.project.description,
        settings=json.dumps(told.settings, ensure_ascii=False),
        private=told.project.access == "private",
        members=[(past.people[one.user_id], one.may) for one in told.members],
        taxa=[past.taxa[taxon] for taxon in told.listed_taxa],
        now_ms=past.now_ms,
    )
