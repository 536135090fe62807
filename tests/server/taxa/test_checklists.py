"""Checklists taken in: each format, the same again, and everything that is wrong at once."""

import io
import json
import zipfile
from typing import Any

import pytest
from sqlalchemy import Connection, select

from server.db import counts, taxa, taxa_import, taxa_log, taxa_tree
from server.db.tables import Object
from server.db.taxa_log import By
from server.ecotaxa.problems import Problems
from server.shore import Shore
from server.taxonomy.exporting import table
from server.taxonomy.importing import Outcome, import_checklist, read
from server.taxonomy.plan import Options, make_plan
from server.taxonomy.tree import Tree
from tests.server.taxa.conftest import add_objects, add_project

pytestmark = pytest.mark.databases

ANN = By(1, "ann@sea.test")
ECOTAXA = """\
id\taphia_id\tparent_id\trank\tname\ttaxotype\ttaxostatus\tsource_url\trename_to\tdisplay_name
100\t1\t\t\tliving\tP\tA\t\t\tliving
101\t1080\t100\tClass\tCopepoda\tP\tA\t\t\tCopepoda
102\t1100\t101\tOrder\tCalanoida\tP\tA\t\t\tCalanoida
200\t\t102\t\tegg\tM\tA\t\t\tegg<Calanoida
201\t\t101\t\tegg\tM\tA\t\t\tegg<Copepoda
90\t\t100\t\tEucopepoda\tP\tD\t\t101\tEucopepoda (Deprecated)
91\t\t100\t\tOldest\tP\tD\t\t90\tOldest (Deprecated)
"""
META = """<?xml version="1.0"?>
<archive xmlns="http://rs.tdwg.org/dwc/text/">
  <core encoding="UTF-8" fieldsTerminatedBy="\\t" linesTerminatedBy="\\n" fieldsEnclosedBy=""
        ignoreHeaderLines="1" rowType="http://rs.tdwg.org/dwc/terms/Taxon">
    <files><location>taxon.txt</location></files>
    <id index="0"/>
    <field index="0" term="http://rs.tdwg.org/dwc/terms/taxonID"/>
    <field index="1" term="http://rs.tdwg.org/dwc/terms/acceptedNameUsageID"/>
    <field index="2" term="http://rs.tdwg.org/dwc/terms/parentNameUsageID"/>
    <field index="3" term="http://rs.tdwg.org/dwc/terms/scientificName"/>
    <field index="4" term="http://rs.tdwg.org/dwc/terms/taxonRank"/>
    <field index="5" term="http://rs.tdwg.org/dwc/terms/taxonomicStatus"/>
  </core>
</archive>"""
LSID = "urn:lsid:marinespecies.org:taxname:"
TAXA = [
    ("1080", "1080", "1066", "Copepoda", "Class", "accepted"),
    ("9001", "9001", "1080", "Testoida", "Order", "accepted"),
    ("9002", "9002", "9001", "Testus", "Genus", "accepted"),
    ("9003", "9002", "9001", "Vetustus", "Genus", "unaccepted"),
]
WORMS = """\
"ScientificName","AphiaID","Match type","Taxon status","ScientificName","AphiaID_accepted",\
"ScientificName_accepted","Kingdom","Phylum","Class","Order","Family","Genus","Subgenus","Species"
"calanus finm.","104464","near_1","accepted","Calanus finmarchicus","104464",\
"Calanus finmarchicus","Animalia","Arthropoda","Copepoda","Calanoida","Calanidae","Calanus","","\
finmarchicus"
"Calanus helgolandicus","9104466","exact","unaccepted","Calanus antiquus","9104467",\
"Calanus novus","Animalia","Arthropoda","Copepoda","Calanoida","Calanidae","Calanus","","novus"
"Gibberish","","","","","","","","","","","","","",""
"""


def take(shore: Shore, file: str, data: str | bytes, **options: Any) -> Outcome:
    raw = data.encode() if isinstance(data, str) else data
    return import_checklist(shore.database, file, raw, ANN, 1000, Options(**options))


def archive(**files: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for name, text in files.items():
            made.writestr(name.replace("__", "."), text)
    return stream.getvalue()


def darwin_core(rows: list[tuple[str, ...]]) -> bytes:
    lines = ["taxonID\taccepted\tparent\tname\trank\tstatus"]
    lines += ["\t".join((*(f"{LSID}{c}" for c in row[:3]), *row[3:])) for row in rows]
    return archive(meta__xml=META, taxon__txt="\n".join(lines))


def shown(connection: Connection, ecotaxa_id: int) -> str:
    taxon = taxa.by_ecotaxa_id(connection, [ecotaxa_id])[ecotaxa_id]
    return taxa.by_id(connection, [taxon])[taxon].display_name


def test_ecotaxas_tree_comes_with_its_numbers_and_what_was_renamed(shore: Shore) -> None:
    before = shore_version(shore)
    outcome = take(shore, "taxoexport.tsv", ECOTAXA)
    assert outcome.problems.shown == []
    assert (outcome.format, outcome.entries) == ("EcoTaxa", 7)
    with shore.database.read() as connection:
        assert shown(connection, 200) == "egg<Calanoida"
        assert shown(connection, 201) == "egg<Copepoda"
        assert shown(connection, 90) == shown(connection, 91) == "Copepoda"
        said = {
            "oldest": taxa.by_ecotaxa_id(connection, [101])[101],
            "Eucopepoda (Deprecated)": taxa.by_ecotaxa_id(connection, [101])[101],
            "EGG<calanoida": taxa.by_ecotaxa_id(connection, [200])[200],
            "egg<copepoda<living": taxa.by_ecotaxa_id(connection, [201])[201],
        }
        assert taxa.known(connection, said) == said
        copepoda = taxa.get(connection, taxa.by_aphia_id(connection, [1080])[1080])
        assert copepoda is not None
        assert (copepoda.ecotaxa_id, copepoda.rank, copepoda.kind) == (101, "Class", "P")
        assert copepoda.path == "living>Copepoda", "its parent is EcoTaxa's now"
        tree = taxa_log.tree_at(connection)
        assert tree.nodes == taxa_import.present(connection).nodes
        assert taxa_log.tree_at(connection, before).nodes != tree.nodes
    again = take(shore, "taxoexport.tsv", ECOTAXA)
    assert again.written is not None
    assert (again.written.added, again.written.moved, again.written.synonyms) == (0, 0, 0)
    assert again.version == outcome.version, "the same again changes nothing"


def shore_version(shore: Shore) -> int:
    with shore.database.read() as connection:
        return taxa_log.version(connection)


def test_ecotaxas_api_answers_are_taken_as_they_come(shore: Shore) -> None:
    answers = [
        {"id": 300, "name": "Testea", "type": "P", "status": "A", "id_lineage": [300]},
        {"id": 301, "name": "part", "type": "M", "status": "A", "id_lineage": [301, 300]},
    ]
    assert take(shore, "taxa.json", json.dumps(answers)).problems.shown == []
    with shore.database.read() as connection:
        part = taxa.get(connection, taxa.by_ecotaxa_id(connection, [301])[301])
        assert part is not None
        assert (part.path, part.kind) == ("Testea>part", "M")


def test_a_darwin_core_archive_of_worms(shore: Shore) -> None:
    outcome = take(shore, "worms.zip", darwin_core(TAXA))
    assert outcome.problems.shown == []
    with shore.database.read() as connection:
        numbers = taxa.by_aphia_id(connection, [1080, 9002, 9003])
        assert numbers[9002] == numbers[9003], "a synonym's number means the accepted one"
        assert taxa.by_id(connection, [numbers[9002]])[numbers[9002]].path.endswith(
            "Crustacea>Copepoda>Testoida>Testus"
        )
        [synonym] = taxa_tree.synonyms(connection, numbers[9002])
        assert (synonym.name, synonym.aphia_id) == ("Vetustus", 9003)
    renamed = [
        (*row[:3], "Testus novus" if row[3] == "Testus" else row[3], *row[4:]) for row in TAXA
    ]
    done = take(shore, "worms.zip", darwin_core(renamed)).written
    assert done is not None
    assert (done.added, done.renamed) == (0, 1)
    with shore.database.read() as connection:
        assert taxa.known(connection, ["testus"]) == {"testus": numbers[9002]}, "the old name stays"


def test_what_worms_matched_finds_its_place_below_what_is_there(shore: Shore) -> None:
    outcome = take(shore, "matched.csv", WORMS)
    [warning] = outcome.problems.shown
    assert (warning.level, warning.line) == ("warning", 4)
    with shore.database.read() as connection:
        known = taxa.known(connection, ["Calanus finmarchicus", "Calanus antiquus"])
        info = taxa.by_id(connection, known.values())
        assert info[known["Calanus finmarchicus"]].path == (
            "Biota>Animalia>Arthropoda>Crustacea>Copepoda>Calanoida>Calanidae>Calanus"
            ">Calanus finmarchicus"
        )
        assert info[known["Calanus antiquus"]].name == "Calanus novus"
        assert (
            taxa.by_aphia_id(connection, [9104466, 9104467])[9104466] == known["Calanus antiquus"]
        )
    again = take(shore, "matched.csv", WORMS)
    assert again.version == outcome.version


def workbook(rows: list[list[str]]) -> bytes:
    texts = sorted({cell for row in rows for cell in row if cell and not cell.isdigit()})
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    strings = "".join(f"<si><t>{text}</t></si>" for text in texts)

    def cell(at: int, row: int, text: str) -> str:
        place = f'r="{chr(65 + at)}{row}"'
        if text.isdigit():
            return f"<c {place}><v>{text}</v></c>"
        return f'<c {place} t="s"><v>{texts.index(text)}</v></c>' if text else ""

    body = "".join(
        f'<row r="{n}">' + "".join(cell(at, n, text) for at, text in enumerate(row)) + "</row>"
        for n, row in enumerate(rows, start=1)
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("[Content_Types].xml", "<Types/>")
        made.writestr("xl/sharedStrings.xml", f"<sst {main}>{strings}</sst>")
        made.writestr(
            "xl/worksheets/sheet1.xml",
            f"<worksheet {main}><sheetData>{body}</sheetData></worksheet>",
        )
    return stream.getvalue()


def test_a_workbook_is_read_as_the_table_is(shore: Shore) -> None:
    rows = [
        ["ScientificName", "AphiaID", "Kingdom", "Phylum", "Class", "Order", "Family", "Genus"],
        ["Oithona", "106485", "Animalia", "Arthropoda", "Copepoda", "Cyclopoida", "", "Oithona"],
    ]
    assert take(shore, "matched.xlsx", workbook(rows)).problems.shown == []
    with shore.database.read() as connection:
        oithona = taxa.known(connection, ["Oithona"])["Oithona"]
        assert taxa.by_aphia_id(connection, [106485]) == {106485: oithona}


WRONG = {
    "a.tsv": (
        "taxonID\tparentNameUsageID\tacceptedNameUsageID\tscientificName\ttaxonRank\n"
        "1\t\t\tTestea\t\n"
        "1\t\t\tAgain\t\n"
        "2\t77\t\tOrphan\t\n"
        "3\t4\t\tRound\t\n"
        "4\t3\t\tAndround\t\n"
        "5\t1\t99\tLost\t\n"
        "6\t1\t\t\t\n"
        "7\t1\t\tTwice\t\n"
        "8\t1\t\ttwice\t\n"
        f"9\t1\t\tLong\t{'x' * 40}\n"
        "10\t1\t\tegg<Copepoda\t\n"
        "11\t\t12\tEndless\t\n"
        "12\t\t11\tForever\t\n",
        [
            (3, "taxonID", "line 2 has this identifier"),
            (4, "parentNameUsageID", "neither in the file nor among the taxa"),
            (5, "parentNameUsageID", "Round > Andround > Round"),
            (7, "acceptedNameUsageID", "neither in the file nor here"),
            (8, "scientificName", "no name"),
            (10, "scientificName", "the same taxon as line 9"),
            (11, "taxonRank", "at most 32"),
            (12, "scientificName", "not a name"),
            (13, "acceptedNameUsageID", "Endless > Forever > Endless"),
        ],
    ),
    "c.tsv": (
        "id\tparent_id\tname\ttaxotype\ttaxostatus\taphia_id\n"
        "x\t\tNumberless\tP\tA\t\n"
        "5\t\tOdd\tQ\tA\t\n"
        "6\t\tStranger\tP\tZ\t-4\n",
        [
            (2, "id", "whole number"),
            (3, "taxotype", "expected P"),
            (4, "taxostatus", "expected A, N"),
            (4, "aphia_id", "whole number"),
        ],
    ),
    "d.csv": ("one,two\n1,2\n", [(1, None, "not a checklist that is known")]),
    "e.tsv": ("taxonID\tscientificName\n", [(None, None, "no taxa")]),
    "f.json": ("[1, 2", [(None, None, "not JSON")]),
    "g.csv": (b"AphiaID,Kingdom,Phylum\n1,\xe9,\n", [(2, None, "not text in UTF-8")]),
    "h.zip": (b"PK\x03\x04rubbish", [(None, None, "damaged zip")]),
    "i.zip": (archive(readme__txt="no"), [(None, None, "neither a Darwin Core archive")]),
    "j.zip": (
        archive(meta__xml=f'<!DOCTYPE a [<!ENTITY b "c">]>{META}'),
        [(None, None, "a document type")],
    ),
    "k.zip": (archive(meta__xml=META), [(None, None, "not in the zip")]),
    "l.zip": (
        archive(meta__xml=META.replace("terms/Taxon", "terms/Occurrence")),
        [(None, "rowType", "not a list of taxa")],
    ),
    "m.csv": (b"taxonID,scientificName\n1,a\0b\n", [(2, None, "NUL byte")]),
}


@pytest.mark.parametrize("file", WRONG)
def test_all_that_is_wrong_is_told_at_once_and_nothing_is_written(shore: Shore, file: str) -> None:
    data, expected = WRONG[file]
    before = shore_version(shore)
    outcome = take(shore, file, data)
    found = [(p.line, p.column, p.message) for p in outcome.problems.shown]
    for line, column, message in expected:
        assert any(
            (p_line, p_column) == (line, column) and message in p_message
            for p_line, p_column, p_message in found
        ), (line, column, message, found)
    assert len(found) >= len(expected)
    assert all(problem.remedy for problem in outcome.problems.shown)
    assert outcome.written is None
    assert shore_version(shore) == before


def test_orphans_go_below_the_taxon_that_is_named(shore: Shore) -> None:
    with shore.database.read() as connection:
        animalia = taxa.known(connection, ["Animalia"])["Animalia"]
    rows = "taxonID\tparentNameUsageID\tscientificName\na\tlost\tTestea\nb\ta\tTestus\n"
    assert take(shore, "part.tsv", rows, under=animalia).problems.errors == 0
    with shore.database.read() as connection:
        [testus] = taxa.known(connection, ["Testus"]).values()
        assert taxa.by_id(connection, [testus])[testus].path == "Biota>Animalia>Testea>Testus"


def test_a_taxon_that_is_called_a_synonym_is_merged_only_when_asked(shore: Shore) -> None:
    rows = [TAXA[0], ("9001", "9001", "1080", "Testoida", "Order", "accepted")]
    as_taxa = darwin_core([*rows, ("9010", "9010", "1080", "Other", "Order", "accepted")])
    as_synonym = darwin_core([*rows, ("9010", "9001", "1080", "Other", "Order", "unaccepted")])
    assert take(shore, "one.zip", as_taxa).problems.shown == []
    with shore.database.write() as connection:
        numbers = taxa.by_aphia_id(connection, [9001, 9010])
        project = add_project(connection, "Merging")
        add_objects(connection, project, numbers[9010], 4)
    outcome = take(shore, "two.zip", as_synonym)
    assert [p.level for p in outcome.problems.shown] == ["warning"]
    assert "import with --merge" in outcome.problems.shown[0].remedy
    take(shore, "two.zip", as_synonym, merge=True)
    with shore.database.read() as connection:
        query = select(Object.taxon_id).where(Object.project_id == project).distinct()
        assert list(connection.execute(query).scalars()) == [numbers[9001]]
        assert counts.kept(connection) == counts.recount(connection)
        assert taxa_log.tree_at(connection).nodes == taxa_import.present(connection).nodes


def test_the_exported_tree_is_the_same_when_it_is_taken_in(shore: Shore) -> None:
    take(shore, "taxoexport.tsv", ECOTAXA)
    take(shore, "matched.csv", WORMS)
    with shore.database.read() as connection:
        tree = taxa_import.present(connection)
    problems = Problems()
    checklist = read("taxon.txt", "\n".join(table(tree)).encode(), problems)
    assert checklist is not None, problems.shown
    plan = make_plan(Tree(), checklist, problems)
    assert problems.shown == []

    def told(one: Tree) -> set[Any]:
        paths, shown = one.paths(), one.shown()
        return {
            (
                paths[taxon],
                shown[taxon],
                node.kind,
                node.rank,
                node.status,
                node.aphia_id,
                node.ecotaxa_id,
                paths.get(node.rename_to or 0),
                tuple(sorted(one.synonyms.get(taxon, set()), key=str)),
            )
            for taxon, node in one.nodes.items()
        }

    assert told(plan.after) == told(tree)
