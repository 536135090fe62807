"""Search as one types: any word's beginning, chains, accents, the project's own taxa first."""

import random
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, insert, select

from server.bench.taxa import checklist
from server.db import taxa, taxa_edit, taxa_lists, taxa_merge, taxa_search
from server.db.tables import Count, Taxon, TaxonSynonym
from server.db.taxa_log import By
from server.db.taxa_read import get
from server.shore import Shore
from server.taxonomy.importing import import_checklist
from server.taxonomy.names import words
from tests.server.taxa.conftest import Trial, add_project

pytestmark = pytest.mark.databases

ANN = By(1, "ann@sea.test")


@pytest.fixture
def tree(trial: Trial) -> Iterator[Connection]:
    """Homonyms and accents beside the starter tree."""
    with trial() as connection:
        known = taxa.known(connection, ["Copepoda", "Calanus", "Calanoida", "Cnidaria"])
        for parent in ("Copepoda", "Calanus", "Cnidaria"):
            taxa.add(connection, "egg", known[parent], 1)
        taxa.add(connection, "Éphyra larva", known["Cnidaria"], 1)
        taxa.add(connection, "multiple-net trace", known["Calanoida"], 1)
        yield connection


def found(connection: Connection, text: str, project: int | None = None, n: int = 20) -> list[str]:
    return [one.info.display_name for one in taxa_search.search(connection, text, project, n)]


def test_the_beginning_of_any_word_without_case_and_accents(tree: Connection) -> None:
    assert found(tree, "ephy") == found(tree, "LARV")[:1] == ["Éphyra larva"]
    assert "Éphyra larva" in found(tree, "larva éph")
    assert found(tree, "net") == ["multiple-net trace"]
    assert found(tree, "multiple_net tr") == ["multiple-net trace"]
    assert found(tree, "copep")[0] == "Copepoda"
    assert found(tree, "opep") == found(tree, "zzz") == found(tree, "%") == []


def test_a_chain_means_the_names_above(tree: Connection) -> None:
    assert found(tree, "egg<calanu") == ["egg<Calanus"]
    assert found(tree, "egg<cop") == ["egg<Copepoda", "egg<Calanus"], "right below comes first"
    assert found(tree, "eg<calanus<calanid") == ["egg<Calanus"]
    assert set(found(tree, "egg<")) == set(found(tree, "egg"))
    assert found(tree, "egg<tunic") == found(tree, "<cop") == []


def test_another_name_finds_the_taxon_and_says_so(tree: Connection) -> None:
    [krill] = taxa_search.search(tree, "krill", None, 5)
    assert (krill.info.name, krill.synonym) == ("Euphausiacea", "krill")
    known = taxa.known(tree, ["Copepoda", "Calanus"])
    taxa_edit.rename(tree, known["Copepoda"], "Copepodae", ANN, 5)
    by_old = next(o for o in taxa_search.search(tree, "copepoda", None, 5) if o.synonym is None)
    assert by_old.info.name == "Copepodae"
    taxa_merge.merge(tree, known["Calanus"], into=known["Copepoda"], by=ANN, now_ms=6)
    [merged] = [o for o in taxa_search.search(tree, "calanus", None, 9) if o.synonym == "Calanus"]
    assert merged.info.taxon_id == known["Copepoda"]


def test_the_projects_list_then_what_it_uses_comes_first(tree: Connection) -> None:
    project = add_project(tree, "Listing")
    known = taxa.known(tree, ["Calanus", "Calanoida", "Calanidae", "Copepoda", "Cnidaria"])
    row = {"project_id": project, "status": "V", "shard": 0, "n": 7}
    tree.execute(insert(Count).values(**row, taxon_id=known["Calanidae"]))
    assert found(tree, "c", project)[0] == "Calanidae"
    assert found(tree, "calan", project)[0] == "Calanidae"
    wanted = [known["Copepoda"], known["Cnidaria"], known["Calanus"]]
    assert taxa_lists.set_list(tree, project, [*wanted, wanted[0]]) == wanted
    assert found(tree, "", project, 4) == ["Copepoda", "Cnidaria", "Calanus", "Calanidae"]
    assert found(tree, "cal", project)[:2] == ["Calanus", "Calanidae"]
    taxa_merge.merge(tree, wanted[2], into=wanted[1], by=ANN, now_ms=6)
    assert taxa_lists.list_of(tree, project) == wanted[:2]
    with pytest.raises(LookupError, match=r"there is no taxon 123456789"):
        taxa_lists.set_list(tree, project, [wanted[0], 123456789])


def test_every_short_search_of_a_large_tree_misses_nothing_of_the_project(shore: Shore) -> None:
    """Against a slow oracle: every taxon of the project whose name has the words is found."""
    data = "\n".join(checklist(4000)).encode()
    assert import_checklist(shore.database, "made-up.tsv", data, ANN, 1).problems.shown == []
    draw = random.Random(5)
    with shore.database.write() as connection:
        project = add_project(connection, "Large")
        some = list(connection.execute(select(Taxon.id).order_by(Taxon.id)).scalars())
        used = sorted(draw.sample(some, 60))
        row = {"project_id": project, "status": "P", "shard": 1, "n": 3}
        connection.execute(insert(Count), [{**row, "taxon_id": taxon} for taxon in used])
    with shore.database.read() as connection:
        others = select(TaxonSynonym.name)
        names = {
            taxon: [row.name for row in (get(connection, taxon),) if row is not None]
            + list(connection.execute(others.where(TaxonSynonym.taxon_id == taxon)).scalars())
            for taxon in used
        }
        for text in (
            "c",
            "ca",
            "n",
            "egg",
            "o p",
            "me",
            *(words(names[t][0])[0] for t in used[:9]),
        ):
            typed = words(text)
            expected = {
                taxon
                for taxon, mine in names.items()
                if any(fits(words(name), typed) for name in mine)
            }
            answers = taxa_search.search(connection, text, project, 2000)
            assert expected <= {one.info.taxon_id for one in answers}, text
            for one in answers:
                assert fits(words(one.synonym or one.info.name), typed), (text, one)


def fits(name: list[str], typed: list[str]) -> bool:
    return all(any(word.startswith(asked) for word in name) for asked in typed)
