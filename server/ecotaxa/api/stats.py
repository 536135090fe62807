"""Numbers about projects and samples, as EcoTaxa's API gives them.

Example:
    $ curl -H "Authorization: Bearer $TOKEN" \
        "http://127.0.0.1:8765/project_set/taxo_stats?ids=1&taxa_ids=all"
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from fastapi import Query
from sqlalchemy import Connection

from server.api.deps import ShoreDep, Viewer
from server.api.rights import need
from server.db import counts
from server.db.ecotaxa import dates, levels, numbers
from server.db.ecotaxa.fields import FieldError
from server.db.ecotaxa.numbers import TooManyError
from server.db.users import UserInfo
from server.ecotaxa.api.answers import (
    MinimalUserBO,
    ProjectSetColumnStatsModel,
    ProjectTaxoStatsModel,
    ProjectUserStatsModel,
    SampleTaxoStatsModel,
    UserActivity,
)
from server.ecotaxa.api.routes import eco_router, json_answer, numbers_in
from server.errors import ApiError

router = eco_router("statistics")
Ids = Annotated[str, Query()]
ByTaxon = Mapping[int, Mapping[str, int]]
_WORDS = {
    "nb_unclassified": "U", "nb_validated": "V", "nb_dubious": "D", "nb_predicted": "P"
}  # fmt: skip


@router.get("/project_set/taxo_stats")
def project_set_get_stats(
    shore: ShoreDep, user: Viewer, ids: Ids, taxa_ids: Ids = ""
) -> list[ProjectTaxoStatsModel]:
    """Objects by state, of each project, or of each of its taxa that is asked for ("all")."""
    found = []
    with shore.database.read() as connection:
        for project_id in _visible(connection, user, numbers_in(ids)):
            by_taxon = counts.by_taxon(connection, project_id)
            if not taxa_ids.strip():
                parts: list[ByTaxon] = [by_taxon]
            else:
                every = taxa_ids.strip() == "all"
                wanted = set(by_taxon) if every else set(numbers_in(taxa_ids))
                parts = [{taxon: n} for taxon, n in sorted(by_taxon.items()) if taxon in wanted]
            found += [ProjectTaxoStatsModel(projid=project_id, **_stats(part)) for part in parts]
    return found


@router.get("/sample_set/taxo_stats")
def sample_set_get_stats(
    shore: ShoreDep, user: Viewer, sample_ids: Ids
) -> list[SampleTaxoStatsModel]:
    with shore.database.read() as connection:
        wanted = numbers_in(sample_ids)
        places = levels.projects_of(connection, "sam", wanted)
        _visible(connection, user, set(places.values()))
        by_sample = numbers.by_sample(connection, [one for one in wanted if one in places])
    return [
        SampleTaxoStatsModel(sample_id=one, **_stats(by_sample.get(one, {})))
        for one in wanted
        if one in places
    ]


def _stats(by_taxon: ByTaxon) -> dict[str, Any]:
    """-1 stands for objects without a taxon."""
    used = sorted(taxon or -1 for taxon in by_taxon)
    sums = {
        word: sum(n.get(letter, 0) for n in by_taxon.values()) for word, letter in _WORDS.items()
    }
    return {"used_taxa": used, **sums}


@router.get("/project_set/user_stats")
def project_set_get_user_stats(
    shore: ShoreDep, user: Viewer, ids: Ids
) -> list[ProjectUserStatsModel]:
    """Who said something about how many objects, and when last."""
    found = []
    with shore.database.read() as connection:
        for project_id in _visible(connection, user, numbers_in(ids)):
            work = numbers.by_person(connection, project_id)
            found.append(
                ProjectUserStatsModel(
                    projid=project_id,
                    annotators=[MinimalUserBO(id=one.user_id, name=one.name) for one in work],
                    activities=[
                        UserActivity(
                            id=one.user_id,
                            nb_actions=one.changed,
                            last_annot=(dates.moment(one.last_ms) or "")[:19],
                        )
                        for one in work
                    ],
                )
            )
    return found


@router.get("/project_set/column_stats", response_model=ProjectSetColumnStatsModel)
def project_set_get_column_stats(
    shore: ShoreDep,
    user: Viewer,
    ids: Ids,
    names: Annotated[str, Query()],
    limit: Annotated[int | None, Query(ge=1, lt=2**31)] = None,
    categories: Ids = "",
) -> object:
    """How many values validated objects have in each column, and their variance."""
    columns = [name.strip() for name in names.split(",") if name.strip()]
    project_ids = numbers_in(ids)
    chosen = numbers.Chosen(limit, numbers_in(categories) or None)
    with shore.database.read() as connection:
        _visible(connection, user, project_ids)
        try:
            found = numbers.column_stats(connection, project_ids, columns, chosen)
        except FieldError as error:
            raise ApiError(422, "names", f"names: {error}.") from error
        except TooManyError as error:
            raise ApiError(422, "limit", f"limit: {error}.") from error
    return json_answer(
        {
            "proj_ids": project_ids,
            "total": found.total,
            "columns": columns,
            "counts": found.counts,
            "variances": found.variances,
        }
    )


@router.get("/projects/{project_id:int}/stats")
def project_stats(shore: ShoreDep, user: Viewer, project_id: int) -> list[str]:
    """The title, the free columns, then two lines for each acquisition: of each numeric column
    [least, most, #different, u times of the commonest], and sums."""
    with shore.database.read() as connection:
        need(connection, user, project_id)
        try:
            return numbers.project_lines(connection, project_id)
        except TooManyError as error:
            raise ApiError(422, "too_many", f"{error}.") from error


def _visible(connection: Connection, user: UserInfo, project_ids: Iterable[int]) -> list[int]:
    """The projects, all of which the person may see. Raises ApiError."""
    found = list(project_ids)
    for project_id in found:
        need(connection, user, project_id)
    return found
