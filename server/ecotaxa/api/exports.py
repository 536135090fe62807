"""Exports and predictions, asked for as EcoTaxa's API has it: each answer names the job.

What is asked in EcoTaxa's words is said again in those of the shore's own jobs (docs/exports.md):
pure functions below. What a job cannot honour is told as a warning of the answer, never dropped in
silence.

Example:
    >>> general(GeneralExportReq(project_id=1, split_by="sample"), {})
    {'kind': 'general', 'filters': {}, 'split': 'sample', 'images': 'none', ...}
"""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Body

from server.api.deps import ShoreDep, Viewer
from server.api.rights import need
from server.auth.rights import Right
from server.clock import now_ms
from server.db import jobs
from server.db.users import UserInfo
from server.ecotaxa.api.answers import ExportRsp, PredictionRsp
from server.ecotaxa.api.asked import (
    BackupExportReq,
    ExportReq,
    GeneralExportReq,
    PredictionReq,
    ProjectFilters,
    SummaryExportReq,
)
from server.ecotaxa.api.objects import filters_of
from server.ecotaxa.api.routes import eco_router
from server.errors import ApiError
from server.jobs.kinds import KINDS
from server.shore import Shore

router = eco_router("exports and predictions")
Filters = Annotated[ProjectFilters, Body()]
_NO_COPY = "out_to_ftp: this shore has no such area; the file is the job's (/jobs/{id}/file)."


@router.post("/object_set/export/general")
def export_object_set_general(
    shore: ShoreDep, user: Viewer, filters: Filters, request: Annotated[GeneralExportReq, Body()]
) -> ExportRsp:
    params = general(request, _given(filters))
    return _export(shore, user, request.project_id, params, request.out_to_ftp)


@router.post("/object_set/export/backup")
def export_object_set_backup(
    shore: ShoreDep, user: Viewer, filters: Filters, request: Annotated[BackupExportReq, Body()]
) -> ExportRsp:
    params = {"kind": "backup", "filters": _given(filters)}
    return _export(shore, user, request.project_id, params, request.out_to_ftp)


@router.post("/object_set/export/summary")
def export_object_set_summary(
    shore: ShoreDep, user: Viewer, filters: Filters, request: Annotated[SummaryExportReq, Body()]
) -> ExportRsp:
    params = summary(request, _given(filters))
    return _export(shore, user, request.project_id, params, request.out_to_ftp)


@router.post("/object_set/export")
def export_object_set(
    shore: ShoreDep, user: Viewer, filters: Filters, request: Annotated[ExportReq, Body()]
) -> ExportRsp:
    """The older form, of all kinds."""
    params, warnings = older(request, _given(filters))
    found = _export(shore, user, request.project_id, params, request.out_to_ftp)
    return found.model_copy(update={"warnings": [*warnings, *found.warnings]})


@router.post("/object_set/predict")
def predict_object_set(
    shore: ShoreDep, user: Viewer, filters: Filters, request: Annotated[PredictionReq, Body()]
) -> PredictionRsp:
    """Learn from the source projects and predict the objects of one that fit."""
    with shore.database.read() as connection:
        for source in request.source_project_ids:
            need(connection, user, source)
    params = prediction(request, _given(filters))
    return PredictionRsp(job_id=begin(shore, user, "predict", request.project_id, params))


def _given(filters: ProjectFilters) -> dict[str, Any]:
    """The filters that are not empty, looked at now so that a wrong one is told at once. Raises
    ApiError."""
    return dict(filters_of(filters).given.texts)


def _export(
    shore: Shore, user: UserInfo, project_id: int, params: Mapping[str, Any], copied: bool
) -> ExportRsp:
    job_id = begin(shore, user, "export", project_id, params, "view")
    return ExportRsp(job_id=job_id, warnings=[_NO_COPY] if copied else [])


def begin(
    shore: Shore,
    user: UserInfo,
    type_: str,
    project_id: int,
    params: Mapping[str, Any],
    needed: Right = "annotate",
) -> int:
    """A new job's number. Raises ApiError."""
    if type_ not in KINDS:
        raise ApiError(501, "not_here", f"This shore does not do jobs of the kind {type_}.")
    with shore.database.write() as connection:
        need(connection, user, project_id, needed)
        return jobs.add(
            connection,
            type_,
            project_id=project_id,
            user_id=user.id,
            params=params,
            now_ms=now_ms(),
        )


def general(asked: GeneralExportReq, filters: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kind": "general",
        "filters": dict(filters),
        "split": asked.split_by,
        "images": asked.with_images,
        "types": asked.with_types_row,
        "internal_ids": asked.with_internal_ids,
        "annotations": asked.only_annotations,
    }


def summary(asked: SummaryExportReq, filters: Mapping[str, Any]) -> dict[str, Any]:
    """EcoTaxa's own table of one quantity."""
    params: dict[str, Any] = {
        "kind": "summary",
        "filters": dict(filters),
        "quantities": [asked.quantity],
        "by": asked.summarise_by,
        "plain": True,
    }
    if asked.formulae:
        params["formulae"] = dict(asked.formulae)
    if asked.taxo_mapping:
        params["taxo_mapping"] = {str(taxon): to for taxon, to in asked.taxo_mapping.items()}
    return params


def older(asked: ExportReq, filters: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The parameters, and what of the request is not done.

    >>> older(ExportReq(project_id=1, exp_type="BAK", with_images=True), {})
    ({'kind': 'backup', 'filters': {}}, [])
    """
    warnings = [
        f"{name}: not done here; {why}."
        for name, why, holds in (
            ("use_latin1", "files are UTF-8", asked.use_latin1),
            ("coma_as_separator", "decimals have a point", asked.coma_as_separator),
        )
        if holds
    ]
    if asked.exp_type == "BAK" and not asked.only_annotations:
        return {"kind": "backup", "filters": dict(filters)}, warnings
    if asked.exp_type in ("TSV", "BAK", "DOI"):
        return general(_as_general(asked), filters), warnings
    return summary(_as_summary(asked), filters), warnings


def _as_general(asked: ExportReq) -> GeneralExportReq:
    splits = {"sample": "sample", "S": "sample", "acquisition": "acquisition", "A": "acquisition",
              "taxon": "taxon", "taxo": "taxon"}  # fmt: skip
    images = "first" if asked.only_first_image else "all"
    return GeneralExportReq.model_validate(
        {
            "project_id": asked.project_id,
            "split_by": splits.get(asked.split_by, "none"),
            "with_images": images if asked.exp_type == "DOI" and asked.with_images else "none",
            "with_internal_ids": asked.with_internal_ids,
            "with_types_row": asked.with_types_row,
            "only_annotations": asked.only_annotations,
        }
    )


def _as_summary(asked: ExportReq) -> SummaryExportReq:
    quantities = {"CNC": "concentration", "BIV": "biovolume"}
    return SummaryExportReq.model_validate(
        {
            "project_id": asked.project_id,
            "quantity": quantities.get(asked.exp_type, "abundance"),
            "summarise_by": {"S": "sample", "A": "acquisition"}.get(asked.sum_subtotal, "none"),
            "taxo_mapping": asked.pre_mapping,
            "formulae": asked.formulae,
        }
    )


def prediction(asked: PredictionReq, filters: Mapping[str, Any]) -> dict[str, Any]:
    params: dict[str, Any] = {
        "source_projects": asked.source_project_ids,
        "features": asked.features,
        "categories": asked.categories,
        "mapping": {str(taxon): to for taxon, to in asked.pre_mapping.items()},
        "embedding": asked.use_scn,
        "filters": dict(filters),
    }
    if asked.learning_limit is not None and asked.learning_limit > 0:
        params["learning_limit"] = asked.learning_limit
    return params
