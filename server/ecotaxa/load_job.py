"""The job "import": an upload of EcoTaxa's form into a project, asked for by the API or a command.

Its `params`:
- `source`: a zip or folder below the person's own files, or anywhere for the command line
  (`own_files` false).
- `update`: "none" (objects that are there stay as they are), "data" (their values are changed), or
  "classification" (what people said of them too).
- `skip_loaded_files`: tables that were loaded before are passed over.
- `skip_existing_objects`: objects that are there are passed over, new pictures of theirs too.
- `kind`: which form the upload has (`server.imports.sources.KINDS`), or "auto": what it looks
  like. `folders`: what those of pictures stand for; `texts` and `numbers`: cells that all of their
  objects have, by EcoTaxa's columns.
- `users`, `taxa`: answers given ahead, as those to the job's question.

Its result counts objects: `new`, `updated`, `same`, `skipped`; `images` and `events` that were
added; `warnings` say what was taken otherwise than it stands.

Invariant: the result is kept in the transaction that writes the rows; a job that is run again after
that returns it, one that is run again before that begins anew.

Example:
    >>> run_import(job)
    {'new': 20000, 'updated': 0, 'same': 0, 'skipped': 0, 'images': 20000, ...}
"""

import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from server.clock import now_ms
from server.db import jobs, loaded, naming, users
from server.db.free import ColumnsFullError, KindError
from server.db.importer import Importer, Report, new_epoch
from server.db.taxa_log import hold
from server.ecotaxa.beside_past import past_of, restore_project
from server.ecotaxa.check import check_upload
from server.ecotaxa.checked import Checked
from server.ecotaxa.load import load
from server.ecotaxa.problems import Problems
from server.ecotaxa.questions import AnswerError, Meaning, person_label, understand
from server.ecotaxa.reading import batches
from server.ecotaxa.upload import Upload, UploadError, is_table
from server.imports.made import Same
from server.imports.sources import AUTO, FOLDERS, KINDS, open_source
from server.jobs.context import JobContext, JobFailedError
from server.memory import uncollected
from server.store.user_files import FileNameError

PROBLEMS = "problems.json"
"""In the job's folder: all that was found wrong, place by place, for the page that shows it."""
UPDATES = ("none", "data", "classification")
_PARTS = ("users", "taxa")
_WARNINGS_MOST = 200
_CHECKED, _STAGED = 40, 80
"""Percent of the whole that is done after each part."""


def run_import(job: JobContext) -> dict[str, Any]:
    """Import what the job names. Raises JobFailedError with all that is wrong, AskError."""
    if job.info.result:
        return job.info.result
    problems = Problems()
    kind, folders = job.params.get("kind", AUTO), job.params.get("folders", FOLDERS[0])
    if kind not in (AUTO, *KINDS) or folders not in FOLDERS:
        raise JobFailedError([f"kind, folders: '{kind}', '{folders}' are not known"])
    same = Same(job.params.get("texts", {}), job.params.get("numbers", {}))
    try:
        opened = open_source(_path(job), problems, kind, folders=folders, same=same)
        with uncollected(), opened as source:
            job.log.info("read as: %s", source.kind)
            return {"kind": source.kind, **_import(job, source.upload, problems)}
    except UploadError as error:
        raise JobFailedError([*_errors(problems), str(error)]) from error
    finally:
        told = json.dumps(problems.as_data(), ensure_ascii=False)
        (job.folder / PROBLEMS).write_text(told, encoding="utf-8")


def _path(job: JobContext) -> Path:
    name = str(job.params["source"])
    if not job.params.get("own_files", True):
        return Path(name)
    try:
        return job.shore.user_files.path(job.info.user_id, name)
    except FileNameError as error:
        raise JobFailedError([str(error)]) from error


def _import(job: JobContext, upload: Upload, problems: Problems) -> dict[str, Any]:
    skipped = _loaded_before(job) if job.params.get("skip_loaded_files") else ()
    found = _check(job, upload, problems, skipped)
    meaning = _understand(job, found)
    report = _load(job, upload, found, meaning, skipped, problems)
    for warning in _warnings(problems):
        job.log.warning("%s", warning)
    job.log.info("%s", report.as_data())
    return _result(report, problems)


def _loaded_before(job: JobContext) -> Collection[str]:
    with job.shore.database.read() as connection:
        return loaded.tables(connection, _project(job))


def _project(job: JobContext) -> int:
    assert job.info.project_id is not None
    return job.info.project_id


def _check(
    job: JobContext, upload: Upload, problems: Problems, skipped: Collection[str]
) -> Checked:
    files = max(1, len(upload.names))  # most are pictures, one for each row

    def progress(done: int) -> None:
        job.progress(_CHECKED * min(1.0, done / files), f"{done} rows looked at")

    job.progress(0, "looking at the upload")
    found = check_upload(upload, problems, pictures=True, skipped=skipped, progress=progress)
    if problems.errors:
        raise JobFailedError(_errors(problems))
    return found


def _errors(problems: Problems) -> list[str]:
    """All errors, as sentences; how many more there are than are kept."""
    shown = [str(problem) for problem in problems.shown if problem.level == "error"]
    more = problems.errors - len(shown)
    return [*shown, f"and {more} more"] if more else shown


def _understand(job: JobContext, found: Checked) -> Meaning:
    """What the words mean; the job asks for what nobody but a person knows."""
    with job.shore.database.read() as connection:
        user = users.get(connection, job.info.user_id)
        administers = user is not None and user[0].role == "administrator"
        try:
            meaning = understand(
                connection,
                found.people,
                found.taxa,
                _answers(job),
                job.info.user_id,
                may_make_people=administers,
            )
        except AnswerError as error:
            raise JobFailedError([f"the answer: {error}"]) from error
    if meaning.question is not None:
        job.ask(meaning.question)
    return meaning


def _answers(job: JobContext) -> dict[str, dict[str, Any]]:
    """What was answered before the job asked, and when it did."""
    return {part: {**job.params.get(part, {}), **job.reply.get(part, {})} for part in _PARTS}


def _load(
    job: JobContext,
    upload: Upload,
    found: Checked,
    meaning: Meaning,
    skipped: Collection[str],
    problems: Problems,
) -> Report:
    objects = max(1, found.rows)

    def progress(done: int, pictures: int) -> None:
        percent = _CHECKED + (_STAGED - _CHECKED) * done / objects
        job.progress(percent, f"{done} objects, {pictures} images read")

    def importer(connection: Connection) -> Importer:
        return _importer(job, connection, meaning, found)

    def before(connection: Connection, report: Report) -> None:
        tables = [name for name in upload.names if is_table(name)]
        loaded.add(connection, _project(job), tables)
        now = now_ms()
        result = _result(report, problems)
        jobs.keep_result(connection, job.info.job_id, job.worker, result, now)

    try:
        return load(
            job.shore,
            batches(upload, found, skipped),
            importer,
            _project(job),
            job.folder,
            skip_existing=bool(job.params.get("skip_existing_objects")),
            progress=progress,
            before=before,
        )
    except (ColumnsFullError, KindError) as error:
        raise JobFailedError([f"object_{error}"]) from error


def _importer(
    job: JobContext, connection: Connection, meaning: Meaning, found: Checked
) -> Importer:
    """The importer, with the people and taxa that had to be made."""
    hold(connection)
    now = now_ms()
    people, taxa = dict(meaning.people), dict(meaning.taxa)
    for person in sorted(meaning.new_people):
        people[person] = users.make_absent(connection, person_label(person), person[1], now)
    for taxon, place in sorted(meaning.new_taxa.items(), key=str):
        name, number = taxon
        taxa[taxon] = naming.make_taxon(connection, name or f"EcoTaxa {number}", place, now)
    importer = Importer(
        _project(job),
        job.info.user_id,
        new_epoch(),
        str(job.params.get("update", UPDATES[0])),
        bool(job.params.get("skip_existing_objects")),
        people,
        taxa,
        now,
    )
    if found.beside is None:
        return importer
    past = past_of(found.beside, people, taxa, now)
    restore_project(connection, _project(job), found.beside, past)
    return replace(importer, past=past)


def _warnings(problems: Problems) -> list[str]:
    return [str(problem) for problem in problems.shown if problem.level == "warning"]


def _result(report: Report, problems: Problems) -> dict[str, Any]:
    shown = _warnings(problems)[:_WARNINGS_MOST]
    return {**report.as_data(), "warning_count": problems.warnings, "warnings": shown}
