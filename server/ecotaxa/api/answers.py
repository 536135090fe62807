"""What EcoTaxa's API answers, by its own model and field names.

A field that EcoTaxa has and we do not is there and null: its clients look for it.

Example:
    >>> MinUserModel(id=1, email="ann@sea.org", name="Ann").model_dump()
    {'id': 1, 'email': 'ann@sea.org', 'name': 'Ann'}
"""

from typing import Any, Literal

from pydantic import BaseModel, Field

Empty = None
"""EcoTaxa answers null when something was done that has nothing to tell."""


class MinUserModel(BaseModel):
    id: int
    email: str
    name: str


class ProjectSummaryModel(BaseModel):
    projid: int
    title: str


class UserModelWithRights(MinUserModel):
    """`status` 1 is active; `can_do`: 1 create projects, 2 administer the application, 3 its users,
    4 create taxa."""

    organisation: str | None = None
    status: int | None = 1
    status_date: str | None = None
    status_admin_comment: str | None = None
    country: str | None = None
    orcid: str | None = None
    usercreationdate: str | None = None
    usercreationreason: str | None = None
    mail_status: bool | None = None
    mail_status_date: str | None = None
    can_do: list[int] = []
    last_used_projects: list[ProjectSummaryModel] = []


class ProjectModel(BaseModel):
    """A project; the percentages are of its objects, 0 to 100."""

    projid: int
    title: str
    obj_free_cols: dict[str, str] = {}
    sample_free_cols: dict[str, str] = {}
    acquisition_free_cols: dict[str, str] = {}
    process_free_cols: dict[str, str] = {}
    bodc_variables: dict[str, str] = {}
    init_classif_list: list[int] = []
    managers: list[MinUserModel] = []
    annotators: list[MinUserModel] = []
    viewers: list[MinUserModel] = []
    instrument: str | None = None
    instrument_url: str | None = None
    contact: MinUserModel | None = None
    highest_right: str = ""
    license: str = ""
    visible: bool | None = True
    access: str | None = None
    formulae: str | None = None
    status: str | None = None
    objcount: float | None = None
    pctvalidated: float | None = None
    pctclassified: float | None = None
    classifsettings: str | None = None
    classiffieldlist: str | None = None
    popoverfieldlist: str | None = None
    comments: str | None = None
    description: str | None = None
    rf_models_used: str | None = None
    cnn_network_id: str | None = None


class ProjectTaxoStatsModel(BaseModel):
    projid: int
    used_taxa: list[int]
    nb_unclassified: int
    nb_validated: int
    nb_dubious: int
    nb_predicted: int


class SampleTaxoStatsModel(BaseModel):
    sample_id: int
    used_taxa: list[int]
    nb_unclassified: int
    nb_validated: int
    nb_dubious: int
    nb_predicted: int


class MinimalUserBO(BaseModel):
    id: int
    name: str


class UserActivity(BaseModel):
    id: int
    nb_actions: int
    last_annot: str


class ProjectUserStatsModel(BaseModel):
    projid: int
    annotators: list[MinimalUserBO]
    activities: list[UserActivity]


class ProjectSetColumnStatsModel(BaseModel):
    proj_ids: list[int]
    total: int
    columns: list[str]
    counts: list[int]
    variances: list[float | None]


class TaxonModel(BaseModel):
    """`lineage` and `id_lineage` begin with the taxon itself."""

    id: int
    renm_id: int | None = None
    name: str
    type: str
    nb_objects: int
    nb_children_objects: int
    display_name: str
    lineage: list[str]
    id_lineage: list[int]
    children: list[int]


class TaxaSearchRsp(BaseModel):
    """`pr` is 1 for a taxon of the project's own list."""

    id: int
    renm_id: int | None = None
    text: str
    pr: int


class TaxonUsageModel(BaseModel):
    projid: int
    title: str
    nb_validated: int


class TaxonomyTreeStatus(BaseModel):
    last_refresh: str | None = None


class JobModel(BaseModel):
    """`state`: P pending, R running, A asking, E ended by an error, F finished."""

    id: int
    owner_id: int
    type: str
    params: dict[str, Any] = {}
    result: dict[str, Any] = {}
    errors: list[str] = []
    question: dict[str, Any] = {}
    reply: dict[str, Any] = {}
    inside: dict[str, Any] = {}
    state: str
    step: int | None = None
    progress_pct: int | None = None
    progress_msg: str | None = None
    creation_date: str
    updated_on: str


class ImportRsp(BaseModel):
    job_id: int
    errors: list[str] = []


class SimpleImportRsp(BaseModel):
    job_id: int
    errors: list[str] = []


class ExportRsp(BaseModel):
    errors: list[str] = []
    warnings: list[str] = []
    job_id: int = 0


class PredictionRsp(BaseModel):
    errors: list[str] = []
    warnings: list[str] = []
    job_id: int = 0


class DirectoryEntryModel(BaseModel):
    name: str
    type: Literal["D", "F"]
    size: int
    mtime: str


class DirectoryModel(BaseModel):
    path: str
    entries: list[DirectoryEntryModel]


class MLModel(BaseModel):
    name: str


class Constants(BaseModel):
    license_texts: dict[str, str]
    app_manager: list[str] = Field(min_length=2, max_length=2)
    countries: list[str]
    user_status: dict[str, int]
    password_regexp: str
    email_verification: bool
    account_validation: bool
    short_token_age: int
    profile_token_age: int
    recaptchaid: bool
