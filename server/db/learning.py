"""Validated objects as training material: those whose exact values have come."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from server.db.tables import Device, ExactValues, Object, Release, Taxon


@dataclass(frozen=True)
class LabelledRow:
    """One object that a person validated, with its values as stored."""

    objid: int
    taxon: str
    sample_id: int
    acquisition_id: int
    frame_index: int
    measures_version: int
    measures: bytes
    embedding: bytes
    shape: bytes


def validated_by_taxon(
    connection: Connection, project_id: int, network: str
) -> list[tuple[int, str, int]]:
    """(taxon id, name, n) of validated objects whose embedding is of this network, by name."""
    query = (
        select(Taxon.id, Taxon.display_name, func.count())
        .join(Object, Object.taxon_id == Taxon.id)
        .join(ExactValues, ExactValues.objid == Object.objid)
        .join(Release, Release.no == ExactValues.release_no)
        .where(Object.project_id == project_id, Object.status == "V", Release.network == network)
        .group_by(Taxon.id, Taxon.display_name)
        .order_by(Taxon.display_name)
    )
    return [(taxon, name, n) for taxon, name, n in connection.execute(query)]


def labelled(
    connection: Connection, project_id: int, network: str, taxon_id: int, most: int
) -> list[LabelledRow]:
    """At most `most` validated objects of a taxon, drawn evenly (by `shuffle`), by number."""
    query = (
        select(
            Object.objid,
            Taxon.display_name,
            Object.sample_id,
            Object.acquisition_id,
            Object.frame_index,
            ExactValues.measures_version,
            ExactValues.measures,
            ExactValues.embedding,
            ExactValues.shape,
        )
        .join(Taxon, Taxon.id == Object.taxon_id)
        .join(ExactValues, ExactValues.objid == Object.objid)
        .join(Release, Release.no == ExactValues.release_no)
        .where(
            Object.project_id == project_id,
            Object.taxon_id == taxon_id,
            Object.status == "V",
            Release.network == network,
        )
        .order_by(Object.shuffle)
        .limit(most)
    )
    return sorted((LabelledRow(*row) for row in connection.execute(query)), key=lambda r: r.objid)


def running_releases(connection: Connection, project_id: int) -> list[str]:
    """Releases that the project's active devices run and the shore holds, the most common first."""
    query = (
        select(Device.release)
        .join(Release, Release.release_id == Device.release)
        .where(
            Device.project_id == project_id,
            Device.status == "active",
            Release.file.is_not(None),
        )
        .group_by(Device.release)
        .order_by(func.count().desc(), Device.release)
    )
    return [release for release in connection.execute(query).scalars() if release is not None]
