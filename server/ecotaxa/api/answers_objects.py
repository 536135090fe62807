"""What EcoTaxa's API answers about objects and the levels above them, by its own names.

Example:
    >>> ObjectSetSummaryRsp(total_objects=3).validated_objects is None
    True
"""

from typing import Any

from pydantic import BaseModel


class ObjectSetQueryRsp(BaseModel):
    object_ids: list[int] = []
    acquisition_ids: list[int] = []
    sample_ids: list[int] = []
    project_ids: list[int] = []
    details: list[list[Any]] = []
    total_ids: int = 0


class ObjectSetSummaryRsp(BaseModel):
    total_objects: int | None = None
    validated_objects: int | None = None
    dubious_objects: int | None = None
    predicted_objects: int | None = None


class PredictionInfoRsp(BaseModel):
    """[object, category, score] of each object that was predicted."""

    result: list[list[Any]] = []


class ImageModel(BaseModel):
    imgid: int
    objid: int
    imgrank: int
    width: int
    height: int
    orig_file_name: str
    file_name: str
    thumb_width: int | None = None
    thumb_height: int | None = None
    thumb_file_name: str | None = None


class ObjectModel(BaseModel):
    objid: int
    acquisid: int
    sample_id: int
    project_id: int
    orig_id: str
    object_link: str | None = None
    complement_info: str | None = None
    objdate: str | None = None
    objtime: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    depth_min: float | None = None
    depth_max: float | None = None
    sunpos: str | None = None
    classif_id: int | None = None
    classif_qual: str | None = None
    classif_who: int | None = None
    classif_when: str | None = None
    classif_score: float | None = None
    classif_auto_id: int | None = None
    classif_auto_score: float | None = None
    classif_auto_when: str | None = None
    classif_crossvalidation_id: int | None = None
    similarity: float | None = None
    random_value: int
    images: list[ImageModel] = []
    free_columns: dict[str, Any] = {}


class HistoricalClassification(BaseModel):
    """`classif_type` is M for a person's word, A for a prediction."""

    objid: int
    classif_id: int | None
    classif_date: str | None
    classif_who: int | None
    classif_type: str | None
    classif_qual: str | None
    classif_score: float | None
    user_name: str | None
    taxon_name: str | None


class SampleModel(BaseModel):
    sampleid: int
    projid: int
    orig_id: str
    latitude: float | None = None
    longitude: float | None = None
    dataportal_descriptor: str | None = None
    free_columns: dict[str, Any] = {}


class AcquisitionModel(BaseModel):
    acquisid: int
    acq_sample_id: int
    orig_id: str
    instrument: str | None = None
    free_columns: dict[str, Any] = {}


class ProcessModel(BaseModel):
    processid: int
    orig_id: str
    free_columns: dict[str, Any] = {}
