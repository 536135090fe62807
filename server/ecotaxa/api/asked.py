"""What EcoTaxa's clients send, by its own model and field names.

Example:
    >>> ClassifyReq(target_ids=[7], classifications=[-1], wanted_qualification="V").target_ids
    [7]
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST = 200_000
"""As many objects are changed by one request at most."""
Number = Annotated[int, Field(ge=0, lt=2**62)]
Numbers = Annotated[list[Number], Field(max_length=MOST)]
Given = str | float | None
"""A filter's value: EcoTaxa's are texts, its users write numbers too."""
Word = Annotated[str, Field(max_length=250)]
Formulae = dict[Annotated[str, Field(max_length=40)], Annotated[str, Field(max_length=2000)]]


class ProjectFilters(BaseModel):
    """Filters are read by `server.db.ecotaxa.given`, which names one that there is not."""

    model_config = ConfigDict(extra="allow")

    taxo: Given = None
    taxochild: Given = None
    statusfilter: Given = None
    MapN: Given = None
    MapW: Given = None
    MapE: Given = None
    MapS: Given = None
    depthmin: Given = None
    depthmax: Given = None
    samples: Given = None
    instrum: Given = None
    daytime: Given = None
    month: Given = None
    fromdate: Given = None
    todate: Given = None
    fromtime: Given = None
    totime: Given = None
    inverttime: Given = None
    validfromdate: Given = None
    validtodate: Given = None
    freenum: Given = None
    freenumst: Given = None
    freenumend: Given = None
    freetxt: Given = None
    freetxtval: Given = None
    filt_annot: Given = None
    filt_last_annot: Given = None

    def given(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


class CreateProjectReq(BaseModel):
    title: str = Field(min_length=1, max_length=250, pattern=r"\S")
    clone_of_id: int | None = None
    instrument: Annotated[str, Field(max_length=32)] = "?"
    visible: bool = True
    access: Literal["open", "private", "public"] | None = None


class ClassifyReq(BaseModel):
    """One classification for each object, -1 for the one it has."""

    target_ids: Numbers
    classifications: Annotated[list[Annotated[int, Field(ge=-1, lt=2**31)]], Field(max_length=MOST)]
    wanted_qualification: Annotated[str, Field(max_length=1)]


class ClassifyAutoReq(BaseModel):
    target_ids: Numbers
    classifications: Numbers
    scores: Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(max_length=MOST)]
    keep_log: bool = True


class ClassifyAutoReqMult(BaseModel):
    target_ids: Numbers
    classifications: Annotated[
        list[Annotated[list[Number], Field(min_length=1, max_length=100)]], Field(max_length=MOST)
    ]
    scores: Annotated[
        list[Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(max_length=100)]],
        Field(max_length=MOST),
    ]
    keep_log: bool = True


class ColUpdate(BaseModel):
    ucol: Word
    uval: str | int | float | None


class BulkUpdateReq(BaseModel):
    target_ids: Numbers
    updates: Annotated[list[ColUpdate], Field(max_length=500)]


class ImportReq(BaseModel):
    source_path: Annotated[str, Field(max_length=2000)]
    taxo_mappings: dict[str, str | int] = {}
    skip_loaded_files: bool = False
    skip_existing_objects: bool = False
    update_mode: Literal["", "Yes", "Cla"] = ""


class SimpleImportReq(BaseModel):
    source_path: Annotated[str, Field(max_length=2000)]
    values: dict[str, str | float | None]
    possible_values: list[str] = []


class ExportReq(BaseModel):
    """The older form, of all kinds of export."""

    project_id: Number
    exp_type: Literal["TSV", "BAK", "DOI", "SUM", "ABO", "CNC", "BIV"]
    use_latin1: bool = False
    tsv_entities: Word = ""
    only_annotations: bool = False
    split_by: Word = ""
    coma_as_separator: bool = False
    format_dates_times: bool = True
    with_images: bool = False
    with_internal_ids: bool = False
    with_types_row: bool = False
    only_first_image: bool = False
    sum_subtotal: Literal["", "S", "A", "P"] = ""
    pre_mapping: dict[int, int | None] = {}
    formulae: Formulae = {}
    out_to_ftp: bool = False


class GeneralExportReq(BaseModel):
    project_id: Number
    split_by: Literal["sample", "acquisition", "taxon", "none"] = "none"
    with_images: Literal["all", "first", "none"] = "none"
    with_internal_ids: bool = False
    with_types_row: bool = False
    only_annotations: bool = False
    out_to_ftp: bool = False


class BackupExportReq(BaseModel):
    project_id: Number
    out_to_ftp: bool = False


class SummaryExportReq(BaseModel):
    project_id: Number
    quantity: Literal["abundance", "concentration", "biovolume"] = "abundance"
    summarise_by: Literal["none", "sample", "acquisition"] = "sample"
    taxo_mapping: dict[int, int | None] = {}
    formulae: Formulae = {}
    out_to_ftp: bool = False


class PredictionReq(BaseModel):
    project_id: Number
    source_project_ids: Annotated[Numbers, Field(min_length=1, max_length=1000)]
    features: Annotated[list[Word], Field(min_length=1, max_length=1000)]
    categories: Annotated[Numbers, Field(min_length=1, max_length=10_000)]
    pre_mapping: dict[int, int] = {}
    learning_limit: int | None = None
    use_scn: bool = False
