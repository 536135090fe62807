"""A forest learns what people validated and predicts the rest: as EcoTaxa's users know it."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest
from sqlalchemy import text

from models.trees import Forest
from server.bench.prediction import add_job, fill
from server.cli import main
from server.clock import now_ms
from server.db import counts, history, jobs, learning_set, predictions, sound
from server.db.changes import Request
from server.db.classify import act
from server.db.ecotaxa.filters import Conditions
from server.db.jobs import JobInfo
from server.jobs.worker import job_folder, run_waiting
from server.prediction import job as prediction_job
from server.shore import Shore

pytestmark = pytest.mark.databases
LEARN, ASK, COLUMNS, TAXA = 240, 160, 6, 4


@pytest.fixture
def filled(shore: Shore) -> int:
    return fill(shore, LEARN, ASK, COLUMNS, TAXA)


def ended(shore: Shore, job_id: int) -> JobInfo:
    run_waiting(shore)
    with shore.database.read() as connection:
        found = jobs.get(connection, job_id)
    assert found is not None
    return found


def predict(shore: Shore, project: int, **params: Any) -> dict[str, Any]:
    """The result of a prediction that must succeed."""
    params.setdefault("growth", {"trees": 30})
    done = ended(shore, add_job(shore, project, **params))
    assert done.state == jobs.FINISHED, done.errors
    return done.result


def refused(shore: Shore, project: int, **params: Any) -> str:
    done = ended(shore, add_job(shore, project, **params))
    assert done.state == jobs.ERROR
    return " ".join(done.errors)


def objects(shore: Shore, project: int) -> dict[int, dict[str, Any]]:
    with shore.database.read() as connection:
        rows = connection.execute(
            text(
                "SELECT o.objid, o.status, o.taxon_id, o.pred_taxon_id, o.score, o.event_id,"
                " o.release_no, v.top FROM objects o JOIN object_values v ON v.objid = o.objid"
                " WHERE o.project_id = :project ORDER BY o.objid"
            ),
            {"project": project},
        )
        return {row.objid: dict(row._mapping) for row in rows}


def counts_hold(shore: Shore) -> bool:
    with shore.database.read() as connection:
        return counts.kept(connection) == counts.recount(connection) and not sound.orphans(
            connection
        )


def say(shore: Shore, project: int, kind: str, objids: list[int], taxon: int | None = None) -> None:
    with shore.database.write() as connection:
        request = Request(project, 1, kind, tuple(objids), taxon, f"{kind} {objids} {now_ms()}")
        act(connection, request, now_ms())


def test_what_is_unclassified_gets_a_taxon_a_score_and_its_best_taxa(
    shore: Shore, filled: int
) -> None:
    before = objects(shore, filled)
    result = predict(shore, filled)
    after = objects(shore, filled)
    assert result["predicted"] == ASK
    assert result["learnt"] == LEARN
    for objid, row in after.items():
        if before[objid]["status"] == "V":
            assert row == before[objid]  # a person's word, and all that is beside it
            continue
        top = json.loads(row["top"])
        assert row["status"] == "P"
        assert row["taxon_id"] == row["pred_taxon_id"] == top[0][0]
        assert row["score"] == pytest.approx(top[0][1])
        assert 1 <= len(top) <= 5
        assert [score for _, score in top] == sorted((s for _, s in top), reverse=True)
    assert counts_hold(shore)


def test_each_prediction_is_an_event_that_names_its_training(shore: Shore, filled: int) -> None:
    first, second = predict(shore, filled), predict(shore, filled, growth={"trees": 10, "seed": 9})
    objid = next(n for n, row in objects(shore, filled).items() if row["status"] == "P")
    with shore.database.read() as connection:
        told = history.history(connection, objid)
        rows = connection.execute(
            text(
                "SELECT training_id, old_status, new_status, previous_id, id FROM events"
                " WHERE objid = :objid ORDER BY id"
            ),
            {"objid": objid},
        ).all()
    assert [event["action"] for event in told] == ["predict", "predict"]
    assert [row.training_id for row in rows] == [first["training_id"], second["training_id"]]
    assert [(row.old_status, row.new_status) for row in rows] == [("U", "P"), ("P", "P")]
    assert rows[1].previous_id == rows[0].id


def test_who_validates_while_it_learns_is_not_overruled(
    shore: Shore, filled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = [n for n, row in objects(shore, filled).items() if row["status"] == "U"][:3]
    taxon = next(r["taxon_id"] for r in objects(shore, filled).values() if r["status"] == "V")
    real = prediction_job._write

    def spoken_first(*args: Any) -> Any:
        say(shore, filled, "relabel", waiting, taxon)
        return real(*args)

    monkeypatch.setattr(prediction_job, "_write", spoken_first)
    result = predict(shore, filled)
    after = objects(shore, filled)
    assert (result["predicted"], result["spoken_meanwhile"]) == (ASK - 3, 3)
    assert {after[n]["status"] for n in waiting} == {"V"}
    assert {after[n]["taxon_id"] for n in waiting} == {taxon}
    assert counts_hold(shore)


def test_a_training_is_taken_back_whole(shore: Shore, filled: int) -> None:
    predict(shore, filled)
    before = objects(shore, filled)
    second = predict(shore, filled, growth={"trees": 3, "seed": 5, "leaf_least": 40})
    assert objects(shore, filled) != before
    with shore.database.write() as connection:
        number = jobs.add(
            connection, "unpredict", project_id=filled, user_id=1,
            params={"training_id": second["training_id"]}, now_ms=now_ms(),
        )  # fmt: skip
    done = ended(shore, number)
    assert done.state == jobs.FINISHED, done.errors
    assert (done.result["changed"], done.result["kept"]) == (ASK, 0)
    assert objects(shore, filled) == before
    assert counts_hold(shore)


def test_taking_back_leaves_what_a_person_said_since(shore: Shore, filled: int) -> None:
    before = objects(shore, filled)
    result = predict(shore, filled)
    said = [n for n, row in before.items() if row["status"] == "U"][:2]
    say(shore, filled, "validate", said)
    with shore.database.write() as connection:
        number = jobs.add(
            connection, "unpredict", project_id=filled, user_id=1,
            params={"training_id": result["training_id"]}, now_ms=now_ms(),
        )  # fmt: skip
    assert ended(shore, number).result["kept"] == 2
    after = objects(shore, filled)
    assert {after[n]["status"] for n in said} == {"V"}
    assert {after[n]["pred_taxon_id"] for n in said} == {None}  # no ground under a reset either
    assert all(after[n] == before[n] for n in before if n not in said)
    assert counts_hold(shore)


def test_only_what_fits_the_filters_and_the_states_is_predicted(shore: Shore, filled: int) -> None:
    with shore.database.read() as connection:
        sample = connection.exec_driver_sql("SELECT min(id) FROM samples").scalar_one()
    result = predict(shore, filled, filters={"samples": str(sample)})
    assert 0 < result["predicted"] < ASK
    again = predict(shore, filled, statuses=["P"])
    assert again["predicted"] == result["predicted"]


def test_the_report_says_how_well_it_does_on_what_it_has_not_seen(
    shore: Shore, filled: int
) -> None:
    number = predict(shore, filled)["training_id"]
    with shore.database.read() as connection:
        training = predictions.get_training(connection, number)
    assert training is not None
    report = training.report
    assert report["split"] == "samples"
    assert 0 < report["judged_on"] < LEARN
    assert 0.5 < report["accuracy"] <= 1
    assert sum(row["judged"] for row in report["taxa"]) == report["judged_on"]
    assert sum(row["learnt"] for row in report["taxa"]) == LEARN
    right = sum(row["right"] * row["objects"] for row in report["reliability"])
    assert right / report["judged_on"] == pytest.approx(report["accuracy"], abs=0.001)


def test_the_kept_forest_says_the_same_without_scikit_learn(shore: Shore, filled: int) -> None:
    result = predict(shore, filled)
    with shore.database.read() as connection:
        training = predictions.get_training(connection, result["training_id"])
        assert training is not None
        report = training.report
        asked = learning_set.to_predict(
            connection, filled, report["features"], "P", Conditions(), after=0, most=1000
        )
    folder = job_folder(shore.settings.jobs, training.params["job_id"])
    forest = Forest.load((folder / report["model"]).read_bytes())
    said = forest.probabilities(asked.values.astype(np.float32))
    told = objects(shore, filled)
    for objid, row in zip(asked.objids.tolist(), said, strict=True):
        assert told[objid]["score"] == pytest.approx(float(row.max()), abs=2e-6)
        assert told[objid]["taxon_id"] in forest.classes[np.isclose(row, row.max(), atol=2e-6)]


def test_another_project_teaches_and_a_taxon_is_learnt_as_another(
    shore: Shore, filled: int
) -> None:
    other = fill(shore, 0, 50, COLUMNS, TAXA, title="Other", seed=8)
    taxa = sorted({r["taxon_id"] for r in objects(shore, filled).values()} - {None})
    result = predict(shore, other, source_projects=[filled], mapping={str(taxa[0]): taxa[1]})
    assert result["predicted"] == 50
    assert taxa[0] not in {row["taxon_id"] for row in objects(shore, other).values()}


REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"features": ["aera"]}, "'aera' is no free column"),
    ({"features": ["fre.column_01"], "categories": [10**6]}, "none has any"),
    ({"source_projects": [99]}, "no project 99"),
    ({"statuses": ["V"]}, "'V' is not predicted"),
    ({"learning_limit": 0}, "learning_limit"),
    ({"embedding": True}, "embedding: 240 of 240 objects have none"),
    ({"filters": {"sample": "1"}}, "sample"),
    ({"mapping": {"a": 1}}, "mapping"),
)


def test_what_cannot_be_done_is_refused_in_words(shore: Shore, filled: int) -> None:
    before = objects(shore, filled)
    for params, word in REFUSED:
        assert word in refused(shore, filled, **params)
    assert objects(shore, filled) == before
    with shore.database.read() as connection:
        assert not predictions.trainings(connection, filled)


def test_columns_that_tell_nothing_are_left_out_by_name(shore: Shore, filled: int) -> None:
    with shore.database.write() as connection:
        connection.exec_driver_sql("UPDATE object_free SET n001 = 7, n003 = NULL WHERE objid > 0")
        tenth = text("UPDATE object_free SET n002 = :huge WHERE objid % 10 = 0")
        connection.execute(tenth, {"huge": float("inf")})
    number = predict(shore, filled)["training_id"]
    with shore.database.read() as connection:
        training = predictions.get_training(connection, number)
    assert training is not None
    assert training.report["left_out"] == {
        "column_01": "the same everywhere (7)",
        "column_03": "missing in 100% of the learning set",
    }
    assert "column_02" in training.report["features"]
    assert np.isfinite(training.report["medians"]["column_02"])


def test_a_job_begun_again_writes_nothing_twice(shore: Shore, filled: int) -> None:
    number = add_job(shore, filled, growth={"trees": 5})
    first = ended(shore, number)
    with shore.database.write() as connection:
        connection.execute(text("UPDATE jobs SET state = 'P' WHERE id = :n"), {"n": number})
    again = ended(shore, number)
    assert again.state == jobs.FINISHED
    assert again.result["training_id"] == first.result["training_id"]
    with shore.database.read() as connection:
        assert len(predictions.trainings(connection, filled)) == 1


def test_over_the_api(
    shore: Shore, filled: int, client: httpx.Client, login: Callable[[str, str], httpx.Client]
) -> None:
    at = f"/api/projects/{filled}/predictions"
    wrong = client.post(at, json={"statuses": ["V"]})
    assert wrong.status_code == 422
    assert "never changed" in wrong.json()["error"]["message"]
    answer = client.post(at, json={"features": ["column_01", "column_02"], "learning_limit": 40})
    assert answer.status_code == 202, answer.text
    done = ended(shore, answer.json()["job_id"])
    number = done.result["training_id"]
    listed = client.get(at).json()
    assert [one["training_id"] for one in listed["trainings"]] == [number]
    assert listed["features"] == [f"column_{i:02}" for i in range(1, COLUMNS + 1)]
    whole = client.get(f"{at}/{number}").json()
    assert max(row["learnt"] for row in whole["report"]["taxa"]) == 40
    assert client.get(f"{at}/{number + 1}").status_code == 404
    undo = client.post(f"{at}/{number}/undo")
    assert ended(shore, undo.json()["job_id"]).result["changed"] == ASK
    assert client.post(f"{at}/{number}/undo").status_code == 409


def test_at_the_command_line(shore: Shore, filled: int, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["predict", "--data", str(shore.settings.data), "--project", str(filled)]
    if shore.settings.database:
        given += ["--database", shore.settings.database]
    assert main([*given, "--features", "column_01,column_02", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["predicted"] == ASK
    assert told["features"] == ["column_01", "column_02"]
    assert main([*given, "--undo", str(told["training_id"])]) == 0
    assert f"{ASK} objects are as before" in capsys.readouterr().out
    assert main([*given, "--features", "no_such"]) == 3
    assert "'no_such' is no free column" in capsys.readouterr().err
