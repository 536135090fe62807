"""The tables of the shore, one file for each room of the house.

Append-only: events, actions, ledger, quarantine, deployment steps, assignments, audit. Present
state (an object's status, a device's health, the counts) is kept beside them in the same
transaction.
"""

from server.db.tables.audit import AuditEntry
from server.db.tables.base import Base
from server.db.tables.blobs import Blob
from server.db.tables.certificates import Certificate
from server.db.tables.fleet import Assignment, Claim, DeploymentStep, Device, Release
from server.db.tables.free import FreeWaiting, ObjectFree, ProjectColumn
from server.db.tables.health import HealthRow
from server.db.tables.jobs import Job, Replaced, Training
from server.db.tables.link import BadFrameRow, ClockReading, Epoch, FrameRow, GapRange, LedgerEntry
from server.db.tables.objects import (
    Acquisition,
    Action,
    Count,
    Event,
    Image,
    Object,
    Pack,
    Process,
    ProjectRelease,
    Sample,
    Sighting,
)
from server.db.tables.people import Member, Project, Session, User
from server.db.tables.quarantine import Quarantined, QuarantineEvent
from server.db.tables.satellite import (
    CommandRow,
    SatelliteMessage,
    SatelliteModem,
    SatelliteOut,
    SatellitePart,
    SummaryRow,
)
from server.db.tables.statistics import CountDay, WorkDay, WorkTaxon
from server.db.tables.taxa import (
    ProjectTaxon,
    Taxon,
    TaxonAlias,
    TaxonChange,
    TaxonSynonym,
    TaxonWord,
)
from server.db.tables.tokens import PersonalToken
from server.db.tables.values import ExactValues, ObjectValues, WaitingValues

__all__ = [
    "Acquisition",
    "Action",
    "Assignment",
    "AuditEntry",
    "BadFrameRow",
    "Base",
    "Blob",
    "Certificate",
    "Claim",
    "ClockReading",
    "CommandRow",
    "Count",
    "CountDay",
    "DeploymentStep",
    "Device",
    "Epoch",
    "Event",
    "ExactValues",
    "FrameRow",
    "FreeWaiting",
    "GapRange",
    "HealthRow",
    "Image",
    "Job",
    "LedgerEntry",
    "Member",
    "Object",
    "ObjectFree",
    "ObjectValues",
    "Pack",
    "PersonalToken",
    "Process",
    "Project",
    "ProjectColumn",
    "ProjectRelease",
    "ProjectTaxon",
    "QuarantineEvent",
    "Quarantined",
    "Release",
    "Replaced",
    "Sample",
    "SatelliteMessage",
    "SatelliteModem",
    "SatelliteOut",
    "SatellitePart",
    "Session",
    "Sighting",
    "SummaryRow",
    "Taxon",
    "TaxonAlias",
    "TaxonChange",
    "TaxonSynonym",
    "TaxonWord",
    "Training",
    "User",
    "WaitingValues",
    "WorkDay",
    "WorkTaxon",
]
