"""What a class name means: aliases, homonyms, chains, old names; unknown ones wait for a person."""

import pytest
from sqlalchemy import Connection

from server.db import taxa, taxa_edit, taxa_log
from server.db.taxa_log import By
from tests.server.taxa.conftest import Trial

pytestmark = pytest.mark.databases

ANN = By(1, "ann@sea.test")


def row(connection: Connection, taxon: int) -> taxa.TaxonRow:
    found = taxa.get(connection, taxon)
    assert found is not None
    return found


def test_an_unknown_name_waits_under_not_placed_until_it_is_moved(trial: Trial) -> None:
    with trial() as connection:
        made = taxa.resolve(connection, ["Novella", "odd thing", "Copepoda"], 7)
        novella, odd = row(connection, made["Novella"]), row(connection, made["odd thing"])
        assert (novella.path, novella.status, novella.kind) == ("not placed>Novella", "N", "P")
        assert (odd.kind, odd.status) == ("M", "N")
        assert taxa.resolve(connection, ["NOVELLA "], 8) == {"NOVELLA ": made["Novella"]}
        [change] = taxa_log.history(connection, [made["Novella"]], None, 5)
        assert (change["kind"], change["cause"]) == ("add", "a name that no taxon has")
        taxa_edit.move(connection, made["Novella"], made["Copepoda"], ANN, 9)
        placed = row(connection, made["Novella"])
        assert (placed.status, placed.path.endswith("Copepoda>Novella")) == ("A", True)


def test_names_mean_what_people_would_say(trial: Trial) -> None:
    with trial() as connection:
        ids = taxa.known(connection, ["Copepoda", "Calanus", "egg", "Euphausiacea"])
        below = taxa.add(connection, "egg", ids["Calanus"], 1)
        assert row(connection, ids["egg"]).display_name == "egg<Animalia"
        said = {
            "krill": ids["Euphausiacea"],
            "egg": ids["egg"],
            "Egg<Calanus": below,
            "egg<calanus<calanidae<calanoida": below,
            "egg < Animalia": ids["egg"],
        }
        assert taxa.known(connection, [*said, "egg<Copepoda", "nothing"]) == said
        taxa_edit.rename(connection, ids["Calanus"], "Calanella", ANN, 2)
        assert taxa.known(connection, ["calanus"]) == {"calanus": ids["Calanus"]}
        again = taxa.add(connection, "Calanus", ids["Copepoda"], 3)
        assert taxa.known(connection, ["calanus"]) == {"calanus": again}, "its own name first"
        assert taxa.known(connection, ["egg<Calanella"]) == {"egg<Calanella": below}


def test_display_names_are_as_long_as_it_takes(trial: Trial) -> None:
    with trial() as connection:
        shown = {}
        for top in ("Testa", "Testb"):
            root = taxa.add(connection, top, None, 1)
            middle = taxa.add(connection, "Middle", root, 1)
            shown[top] = taxa.add(connection, "part", middle, 1)
        other = taxa.add(connection, "part", taxa.known(connection, ["Calanus"])["Calanus"], 1)
        names = {taxon: row(connection, taxon).display_name for taxon in (*shown.values(), other)}
        assert names == {
            shown["Testa"]: "part<Middle<Testa",
            shown["Testb"]: "part<Middle<Testb",
            other: "part<Calanus",
        }
        taxa_edit.rename(connection, other, "piece", ANN, 2)
        taxa_edit.rename(connection, shown["Testb"], "limb", ANN, 2)
        assert row(connection, shown["Testa"]).display_name == "part"
