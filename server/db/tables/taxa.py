"""The tree of taxa, and by which other words they are known."""

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.db.tables.base import Base, Id, Millis, Name


class Taxon(Base):
    """A node of the tree. `path` is the names from the root, joined with ">"; `display_name` adds
    the parent when the name alone is not unique, as EcoTaxa ("egg<Copepoda")."""

    __tablename__ = "taxa"
    __table_args__ = (UniqueConstraint("parent_id", "name_key"),)

    id: Mapped[Id]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("taxa.id"))
    name: Mapped[Name]
    name_key: Mapped[str] = mapped_column(String(250), index=True)
    display_name: Mapped[Name]
    path: Mapped[str]
    aphia_id: Mapped[int | None]
    created_ms: Mapped[Millis]


class TaxonAlias(Base):
    """A class name of a release (`key`, folded) and the taxon that it means."""

    __tablename__ = "taxon_aliases"

    key: Mapped[str] = mapped_column(String(250), primary_key=True)
    taxon_id: Mapped[int] = mapped_column(ForeignKey("taxa.id"))
