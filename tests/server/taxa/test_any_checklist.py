"""Any checklist is refused with reasons or taken in; then the same again changes nothing, and the
history builds what is there."""

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from server.db import counts, taxa_import, taxa_log
from server.db.taxa_log import By
from server.ecotaxa.problems import Problems
from server.taxonomy.importing import read
from server.taxonomy.plan import Options, make_plan
from tests.server.taxa.conftest import Trial
from tests.server.taxa.test_changes_of_taxa import as_rows, derived_is_right, kept

pytestmark = pytest.mark.databases

ANN = By(1, "ann@sea.test", "a checklist")
HEAD = "id\tparent_id\tname\ttaxotype\ttaxostatus\taphia_id\trename_to"
KEYS = st.integers(900, 908)
MAYBE = st.one_of(st.just(""), KEYS.map(str))
NAMES = st.sampled_from(["Testea", "Testus", "egg", "Egg", "nauplius", "Copepoda", "part two"])
APHIA = st.sampled_from(["", "", "", "1080", "7001", "7002"])
KINDS, STATUSES = st.sampled_from("PM"), st.sampled_from("AND")
LINES = st.lists(
    st.tuples(
        KEYS.map(str), MAYBE, NAMES, st.sampled_from("PM"), st.sampled_from("AND"), APHIA, MAYBE
    ),
    min_size=1,
    max_size=7,
    unique_by=lambda line: line[0],
)


def take(connection: Connection, lines: Sequence[Sequence[str]], merge: bool) -> bool:
    """Whether it was taken in; if not, the problems say why."""
    problems = Problems()
    text = "\n".join([HEAD, *("\t".join(line) for line in lines)])
    checklist = read("any.tsv", text.encode(), problems)
    assert checklist is not None
    tree = taxa_import.present(connection)
    plan = make_plan(tree, checklist, problems, Options(merge=merge))
    if problems.errors:
        assert all(p.remedy and p.file == "any.tsv" for p in problems.shown)
        return False
    taxa_import.apply(connection, plan, ANN, 5)
    return True


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(first=LINES, second=LINES, merge=st.booleans())
def test_a_checklist_is_whole_and_once(
    trial: Trial,
    first: list[tuple[str, ...]],
    second: list[tuple[str, ...]],
    merge: bool,
) -> None:
    with trial() as connection:
        for lines in (first, second):
            before = taxa_log.version(connection)
            if not take(connection, lines, merge):
                assert taxa_log.version(connection) == before
                continue
            tree = taxa_log.tree_at(connection)
            assert as_rows(tree) == kept(connection)
            derived_is_right(connection, tree)
            version = taxa_log.version(connection)
            assert take(connection, lines, merge)
            assert taxa_log.version(connection) == version, "the same again changes nothing"
        assert counts.kept(connection) == counts.recount(connection)
