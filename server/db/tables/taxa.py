"""The tree of taxa: names and numbers of each, other names, what was changed, words to search.

`taxon_changes` is append-only and holds enough to build the tree anew as it was at any change
(`server.taxonomy.tree`). `display_name`, `path` and `taxon_words` follow from the rest and are kept
beside it in the same transaction.
"""

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from server.db.tables.base import Base, Id, Millis, Name

_PRESENT = text("rename_to IS NULL")
WORD = String(80).with_variant(String(80, collation="C"), "postgresql")
"""Compared byte by byte on both databases, so that a range of it is a prefix."""


class Taxon(Base):
    """A node of the tree. `path` is the names from the root, joined with ">"; `display_name` adds
    as many parents as tell it from its homonyms, as EcoTaxa ("egg<Copepoda").

    `kind` is "P" (phylogenetic) or "M" (morphological: egg, nauplius, part). `status` is EcoTaxa's:
    "A", "N" (not reviewed) or "D" (deprecated). A merged taxon stays, "D", and `rename_to` names
    the one that it became, never another merged one. `ecotaxa_id` is EcoTaxa's number.
    """

    __tablename__ = "taxa"
    __table_args__ = (
        Index(
            "uq_taxa_child",
            "parent_id",
            "name_key",
            unique=True,
            sqlite_where=_PRESENT,
            postgresql_where=_PRESENT,
        ),
        Index("uq_taxa_ecotaxa_id", "ecotaxa_id", unique=True),
        Index(
            "uq_taxa_aphia_id",
            "aphia_id",
            unique=True,
            sqlite_where=_PRESENT,
            postgresql_where=_PRESENT,
        ),
        Index("ix_taxa_parent_id", "parent_id"),
        Index("ix_taxa_rename_to", "rename_to"),
    )

    id: Mapped[Id]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("taxa.id"))
    name: Mapped[Name]
    name_key: Mapped[str] = mapped_column(String(250), index=True)
    display_name: Mapped[Name]
    path: Mapped[str]
    kind: Mapped[str] = mapped_column(String(1), server_default="P")
    rank: Mapped[str | None] = mapped_column(String(32))
    status: Mapped[str] = mapped_column(String(1), server_default="A")
    rename_to: Mapped[int | None] = mapped_column(ForeignKey("taxa.id"))
    aphia_id: Mapped[int | None]
    ecotaxa_id: Mapped[int | None]
    created_ms: Mapped[Millis]


class TaxonAlias(Base):
    """A class name of a release (`key`, folded) and the taxon that it means."""

    __tablename__ = "taxon_aliases"

    key: Mapped[str] = mapped_column(String(250), primary_key=True)
    taxon_id: Mapped[int] = mapped_column(ForeignKey("taxa.id"), index=True)


class TaxonSynonym(Base):
    """Another name of a taxon: a synonym of a checklist, what it was called before a rename, the
    name of a taxon merged into it. Two taxa may have the same."""

    __tablename__ = "taxon_synonyms"

    id: Mapped[Id]
    taxon_id: Mapped[int] = mapped_column(ForeignKey("taxa.id"), index=True)
    name: Mapped[Name]
    name_key: Mapped[str] = mapped_column(String(250), index=True)
    aphia_id: Mapped[int | None] = mapped_column(index=True)


class TaxonWord(Base):
    """A word of a taxon's name (`synonym_id` 0) or of a synonym, plain: no case, no accents.
    `leading` is 0 for the first word of the taxon's own name, so that those come first."""

    __tablename__ = "taxon_words"
    __table_args__ = (Index("ix_taxon_words_range", "word", "leading", "taxon_id", "synonym_id"),)

    taxon_id: Mapped[int] = mapped_column(
        ForeignKey("taxa.id"), primary_key=True, autoincrement=False
    )
    synonym_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    word: Mapped[str] = mapped_column(WORD, primary_key=True)
    leading: Mapped[int]


class TaxonChange(Base):
    """One change of one taxon: append-only; `id` is the version of the tree that it made.

    `kind` is add, rename, move, merge, edit or synonym; `before` and `after` are JSON objects of
    the fields that differ. `cause` says what brought it: a file, a merge, the intake."""

    __tablename__ = "taxon_changes"

    id: Mapped[Id]
    taxon_id: Mapped[int] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(16))
    before: Mapped[str]
    after: Mapped[str]
    user_id: Mapped[int | None]
    who: Mapped[Name]
    cause: Mapped[Name]
    made_ms: Mapped[Millis]


class ProjectTaxon(Base):
    """A project's own list of taxa, in its order: EcoTaxa's initial list of categories."""

    __tablename__ = "project_taxa"

    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id"), primary_key=True, autoincrement=False
    )
    taxon_id: Mapped[int] = mapped_column(
        ForeignKey("taxa.id"), primary_key=True, autoincrement=False, index=True
    )
    place: Mapped[int]
