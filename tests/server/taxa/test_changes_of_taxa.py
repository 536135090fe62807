"""Changes of the tree: whatever is done in whatever order, its history builds it anew."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from server.db import counts, taxa, taxa_edit, taxa_log, taxa_merge
from server.db.tables import Object, Taxon, TaxonSynonym, TaxonWord
from server.db.taxa_log import By
from server.shore import Shore
from server.taxonomy.names import words
from server.taxonomy.tree import FIELDS, Tree
from tests.server.taxa.conftest import Trial, add_objects, add_project

pytestmark = pytest.mark.databases

ANN = By(1, "ann@sea.test")
NAMES = ("egg", "Egg ", "nauplius", "Copepoda", "Calanus", "Éphyra larva")
ONE = st.integers(0, 9)
STEPS = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(NAMES), ONE),
    st.tuples(st.just("rename"), ONE, st.sampled_from(NAMES)),
    st.tuples(st.just("move"), ONE, st.one_of(ONE, st.none())),
    st.tuples(st.just("merge"), ONE, ONE),
    st.tuples(st.just("rank"), ONE, st.sampled_from(["Genus", None])),
    st.tuples(st.just("synonym"), ONE, st.sampled_from(NAMES)),
    st.tuples(st.just("objects"), ONE, st.sampled_from("VPX")),
)


class Playing:
    """Does steps on taxa of its own, passing over those that are refused."""

    def __init__(self, connection: Connection, project: int) -> None:
        self.connection, self.project = connection, project
        self.ids = [taxa.add(connection, name, None, 1) for name in ("Animalia test", "Plantae")]
        self.now = 10

    def do(self, step: Sequence[Any]) -> None:
        with suppress(taxa.TaxonRefusedError):
            self._do(*step)

    def _do(self, kind: str, a: Any, b: Any) -> None:
        c, self.now = self.connection, self.now + 1
        one = self.ids[a % len(self.ids)] if isinstance(a, int) else 0
        two = self.ids[b % len(self.ids)] if isinstance(b, int) else None
        if kind == "add":
            self.ids.append(taxa.add(c, a, two, self.now, by=ANN))
        elif kind == "rename":
            taxa_edit.rename(c, one, b, ANN, self.now)
        elif kind == "move":
            taxa_edit.move(c, one, two, ANN, self.now)
        elif kind == "merge":
            assert two is not None
            taxa_merge.merge(c, one, into=two, by=ANN, now_ms=self.now)
        elif kind == "rank":
            taxa_edit.edit(c, one, {"rank": b}, ANN, self.now)
        elif kind == "synonym":
            taxa_edit.changeable(c, one)
            taxa.add_synonym(c, b, one, self.now, by=ANN)
        elif kind == "objects":
            add_objects(c, self.project, taxa.current(c, [one])[one], 3, b)


def kept(connection: Connection) -> dict[int, dict[str, Any]]:
    columns = [getattr(Taxon, name) for name in FIELDS]
    return {
        row[0]: dict(zip(FIELDS, row[1:], strict=True))
        for row in connection.execute(select(Taxon.id, *columns))
    }


def as_rows(tree: Tree) -> dict[int, dict[str, Any]]:
    return {i: {name: getattr(node, name) for name in FIELDS} for i, node in tree.nodes.items()}


def derived_is_right(connection: Connection, tree: Tree) -> None:
    """Paths, display names, synonyms and words are those that follow from the tree."""
    rows = connection.execute(select(Taxon.id, Taxon.path, Taxon.display_name, Taxon.rename_to))
    paths, shown = tree.paths(), tree.shown()
    own = {}
    for taxon, path, display_name, rename_to in rows:
        assert (path, display_name) == (paths[taxon], shown[taxon])
        if rename_to is None:
            own[taxon, 0] = set(words(tree.nodes[taxon].name))
    query = select(TaxonSynonym.taxon_id, TaxonSynonym.id, TaxonSynonym.name, TaxonSynonym.aphia_id)
    synonyms: dict[int, set[Any]] = {}
    for taxon, number, name, aphia in connection.execute(query):
        synonyms.setdefault(taxon, set()).add((name, aphia))
        own[taxon, number] = set(words(name))
    assert synonyms == {taxon: names for taxon, names in tree.synonyms.items() if names}
    found: dict[Any, set[str]] = {}
    for taxon, number, word in connection.execute(
        select(TaxonWord.taxon_id, TaxonWord.synonym_id, TaxonWord.word)
    ):
        found.setdefault((taxon, number), set()).add(word)
    assert found == {key: value for key, value in own.items() if value}


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(STEPS, min_size=5, max_size=25))
def test_any_changes_replay_to_the_same_tree_at_each_version(
    trial: Trial, steps: list[Sequence[Any]]
) -> None:
    with trial() as connection:
        playing = Playing(connection, add_project(connection, "Replay"))
        seen = {}
        for step in steps:
            playing.do(step)
            seen[taxa_log.version(connection)] = kept(connection)
        for version, rows in seen.items():
            assert as_rows(taxa_log.tree_at(connection, version)) == rows
        derived_is_right(connection, taxa_log.tree_at(connection))
        assert counts.kept(connection) == counts.recount(connection)
        merged = select(Taxon.id).where(Taxon.rename_to.is_not(None))
        astray = select(Object.objid).where(Object.taxon_id.in_(merged))
        assert connection.execute(astray).first() is None
        leads = select(Taxon.id).where(Taxon.rename_to.in_(merged))
        assert connection.execute(leads).first() is None


def test_the_starter_tree_replays(shore: Shore) -> None:
    with shore.database.read() as connection:
        tree = taxa_log.tree_at(connection)
        assert as_rows(tree) == kept(connection)
        derived_is_right(connection, tree)
        assert len(tree.nodes) > 60
