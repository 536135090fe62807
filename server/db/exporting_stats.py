"""Who and what named a project's objects: counts for the word of origin that exports carry.

Example:
    >>> validated_by(connection, selection)
    [Person(name='Ana', address='ana@sea.test', objects=812)]
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from server.db.exporting_objects import Selection
from server.db.tables import Action, CommandRow, Device, Event, Object, Release, Training, User


@dataclass(frozen=True)
class Person:
    name: str
    address: str
    objects: int


@dataclass(frozen=True)
class ReleaseCount:
    """`objects`: those whose latest prediction is the release's; `kept`: those that are still shown
    as it predicted them."""

    release_id: str
    name: str
    file: str | None
    figures: Mapping[str, Any]
    objects: int
    kept: int


@dataclass(frozen=True)
class TrainingCount:
    training_id: int
    kind: str
    created_ms: int
    params: Mapping[str, Any]
    report: Mapping[str, Any]
    objects: int


def validated_by(connection: Connection, selection: Selection) -> list[Person]:
    """Who validated how many of the objects; of those that a table brought, who brought it."""
    n = func.count()
    query = (
        select(User.name, User.email, n)
        .select_from(Object)
        .join(Event, Event.id == Object.event_id)
        .join(Action, Action.id == Event.action_id)
        .join(User, User.id == Action.user_id)
        .where(Object.status == "V")
        .group_by(User.id, User.name, User.email)
        .order_by(n.desc(), User.id)
    )
    return [Person(a, b, c) for a, b, c in connection.execute(selection.narrow(query))]


def predicted_by(connection: Connection, selection: Selection) -> list[ReleaseCount]:
    """The releases whose predictions the objects carry."""
    kept = func.count().filter(Object.status == "P")
    counts = selection.narrow(
        select(Object.release_no, func.count().label("n"), kept.label("kept"))
        .where(Object.pred_taxon_id.is_not(None), Object.release_no.is_not(None))
        .group_by(Object.release_no)
    ).subquery()
    columns = (Release.release_id, Release.name, Release.file, Release.figures)
    query = (
        select(*columns, counts.c.n, counts.c.kept)
        .join(counts, counts.c.release_no == Release.no)
        .order_by(Release.no)
    )
    return [
        ReleaseCount(release, name, file, json.loads(figures), n, kept)
        for release, name, file, figures, n, kept in connection.execute(query)
    ]


def trained_by(connection: Connection, selection: Selection) -> list[TrainingCount]:
    """The classifiers taught on shore whose predictions the objects show."""
    counts = selection.narrow(
        select(Event.training_id, func.count().label("n"))
        .select_from(Object)
        .join(Event, Event.id == Object.event_id)
        .where(Event.training_id.is_not(None))
        .group_by(Event.training_id)
    ).subquery()
    columns = (Training.id, Training.kind, Training.created_ms, Training.params, Training.report)
    query = (
        select(*columns, counts.c.n)
        .join(counts, counts.c.training_id == Training.id)
        .order_by(Training.id)
    )
    return [
        TrainingCount(number, kind, made_ms, json.loads(params), json.loads(report), n)
        for number, kind, made_ms, params, report, n in connection.execute(query)
    ]


def thresholds_set(connection: Connection, project_id: int) -> dict[str, Any]:
    """The thresholds that people last gave the project's instruments, by the instrument's name."""
    query = (
        select(Device.name, CommandRow.argument)
        .join(Device, Device.id == CommandRow.device_id)
        .where(Device.project_id == project_id, CommandRow.name == "thresholds")
        .where(CommandRow.ok.is_(True))
        .order_by(CommandRow.id)
    )
    return {name: json.loads(argument) for name, argument in connection.execute(query)}


def validators(connection: Connection, selection: Selection) -> dict[tuple[int, int], list[str]]:
    """Names of who validated objects, by (sample, taxon)."""
    query = (
        select(Object.sample_id, Object.taxon_id, User.id, User.name)
        .select_from(Object)
        .join(Event, Event.id == Object.event_id)
        .join(Action, Action.id == Event.action_id)
        .join(User, User.id == Action.user_id)
        .where(Object.status == "V")
        .group_by(Object.sample_id, Object.taxon_id, User.id, User.name)
        .order_by(Object.sample_id, Object.taxon_id, User.id)
    )
    found: dict[tuple[int, int], list[str]] = {}
    for sample, taxon, _, name in connection.execute(selection.narrow(query)):
        found.setdefault((sample, taxon), []).append(name)
    return found


def predictors(connection: Connection, selection: Selection) -> dict[tuple[int, int], list[str]]:
    """Releases that predicted objects which nobody looked at yet, by (sample, taxon)."""
    query = (
        select(Object.sample_id, Object.taxon_id, Release.name, Release.release_id)
        .select_from(Object)
        .join(Release, Release.no == Object.release_no)
        .where(Object.status == "P")
        .group_by(Object.sample_id, Object.taxon_id, Release.name, Release.release_id)
        .order_by(Object.sample_id, Object.taxon_id, Release.release_id)
    )
    found: dict[tuple[int, int], list[str]] = {}
    for sample, taxon, name, release_id in connection.execute(selection.narrow(query)):
        found.setdefault((sample, taxon), []).append(f"Seadrift release {name} {release_id[:12]}")
    return found
