"""Every route of EcoTaxa's is here, takes what it takes, and answers in its shape."""

import re
from typing import Any

import httpx
import pytest

from server.app import create_app
from server.shore import Shore
from tests.server.ecotaxa_api.described import Described
from tests.server.ecotaxa_api.description import document
from tests.server.ecotaxa_api.material import Cast


def test_every_route_is_entered_with_its_parameters_and_models(shore: Shore) -> None:
    ours = create_app(shore).openapi()
    for path, operations in document()["paths"].items():
        assert path in ours["paths"], path
        for method, described in operations.items():
            found = ours["paths"][path].get(method)
            assert found is not None, (method, path)
            expected = {(p["name"], p["in"]) for p in described["parameters"]}
            known = {(p["name"], p["in"]) for p in found.get("parameters", [])}
            passed_over = {("also_others", "query")}
            assert expected - passed_over <= known, (method, path, expected - known)
            _same_body(ours, found, described, path)
            _same_answer(ours, found, described, path)


def _same_body(ours: Any, found: Any, described: Any, path: str) -> None:
    body = described.get("requestBody", {}).get("content", {})
    if "application/json" not in body:
        return
    expected = _fields(document(), body["application/json"]["schema"])
    known = _fields(ours, found["requestBody"]["content"]["application/json"]["schema"])
    assert expected <= known, (path, expected - known)


def _same_answer(ours: Any, found: Any, described: Any, path: str) -> None:
    content = described["responses"]["200"]["content"]
    if "application/json" in content:
        expected = _fields(document(), content["application/json"]["schema"])
        if expected:
            answered = found["responses"]["200"]["content"]["application/json"]["schema"]
            known = _fields(ours, answered)
            assert expected <= known, (path, expected - known)


def _fields(whole: Any, schema: Any) -> set[str]:
    """Names of the fields, of the items of a list too."""
    while "$ref" in schema or schema.get("type") == "array" or len(schema.get("allOf", ())) == 1:
        if "$ref" in schema:
            schema = whole["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        else:
            schema = schema["items"] if "items" in schema else schema["allOf"][0]
    return set(schema.get("properties", {}))


def test_a_reader_s_routes_answer_in_their_shape(eco: Described, cast: Cast, project: int) -> None:
    some = cast.objects[0].objid
    for root in ("", "/api"):
        for path, query in READING:
            filled = path.format(
                project=project, object=some, sample=cast.samples[0], taxon=cast.taxa[1],
                acquisition=cast.acquisitions[0], process=cast.processes[0],
            )  # fmt: skip
            given = {
                key: value.format(**vars(cast)) if isinstance(value, str) else value
                for key, value in query.items()
            }
            answer = eco.get(root + filled, params=given)
            assert answer.status_code == 200, (path, answer.text)
            assert answer.json() != [] or path in MAY_BE_EMPTY, path
    with_slash = eco.get("/projects/search/", params={"title_filter": "balt"}).json()
    assert with_slash == eco.get("/projects/search", params={"title_filter": "BALT"}).json() != []


READING: list[tuple[str, dict[str, Any]]] = [
    ("/users/me", {}),
    ("/users/search", {"by_name": "%dmin%"}),
    ("/users/admins", {}),
    ("/users/user_admins", {}),
    ("/users/1", {}),
    ("/projects/search", {}),
    ("/projects/search", {"not_granted": True}),
    ("/projects/search", {"for_managing": True, "order_field": "title", "window_size": 5}),
    ("/projects/{project}", {}),
    ("/projects/{project}", {"for_managing": True}),
    ("/projects/{project}/stats", {}),
    ("/project_set/taxo_stats", {"ids": "{project_id}"}),
    ("/project_set/taxo_stats", {"ids": "{project_id}", "taxa_ids": "all"}),
    ("/project_set/user_stats", {"ids": "{project_id}"}),
    ("/project_set/column_stats", {"ids": "{project_id}", "names": "fre.area,obj.depth_min"}),
    ("/samples/search", {"project_ids": "{project_id}", "id_pattern": "*"}),
    ("/sample_set/taxo_stats", {"sample_ids": "{samples[0]},{samples[1]}"}),
    ("/sample/{sample}", {}),
    ("/acquisitions/search", {"project_id": "{project_id}"}),
    ("/acquisition/{acquisition}", {}),
    ("/process/{process}", {}),
    ("/instruments/", {"project_ids": "all"}),
    ("/object/{object}", {}),
    ("/object/{object}/history", {}),
    ("/taxa", {}),
    ("/taxa/status", {}),
    ("/taxon/{taxon}", {}),
    ("/taxon/{taxon}/usage", {}),
    ("/taxon_set/search", {"query": "cop"}),
    ("/taxon_set/query", {"ids": "{taxa[0]}:{taxa[1]}"}),
    ("/jobs/", {"for_admin": False}),
    ("/user_files/", {}),
    ("/my_files/", {}),
    ("/common_files/", {"path": "/"}),
    ("/constants", {}),
    ("/ml_models", {}),
]
MAY_BE_EMPTY = {"/jobs/", "/ml_models", "/object/{object}/history", "/projects/search"}


def test_a_stranger_hears_no_more_than_a_name_of_a_taxon(
    stranger: httpx.Client, cast: Cast
) -> None:
    """EcoTaxa's clients send no token where EcoTaxa needs none."""
    for path, operations in document()["paths"].items():
        filled = re.sub(r"{\w+}", "1", path)
        for method, described in operations.items():
            query = {p["name"]: "1" for p in described["parameters"] if p["in"] == "query"}
            answer = stranger.request(method, filled, params=query, json={})
            if path == "/login":
                assert answer.status_code == 422
                continue
            expected = 401 if described["security"] else 200
            assert answer.status_code == expected, (method, path, answer.text)
            assert "admin@" not in answer.text
            assert all(one["nb_children_objects"] == 0 for one in answer.json() if path == "/taxa")
    assert cast.objects


def test_objects_are_found_and_counted(eco: Described, cast: Cast, project: int) -> None:
    fields = "obj.orig_id,fre.area,txo.display_name,img.file_name,sam.orig_id,obj.classif_qual"
    query = {"fields": fields, "order_field": "-fre.area", "window_start": 2, "window_size": 5}
    found = eco.post(f"/object_set/{project}/query", params=query, json={}).json()
    assert len(found["object_ids"]) == len(found["details"]) == 5
    assert found["total_ids"] == 60
    assert found["project_ids"] == [project] * 5
    areas = [row[1] for row in found["details"]]
    assert areas == sorted((t.free["area"] for t in cast.objects), reverse=True)[2:7]
    taxa = {"taxo": str(cast.taxa[0]), "taxochild": "Y"}
    below = [t.objid for t in cast.objects if t.taxon in cast.taxa[:2]]
    assert eco.post(f"/object_set/{project}/query", json=taxa).json()["object_ids"] == below
    sums = eco.post(
        f"/object_set/{project}/summary", params={"only_total": False}, json={"statusfilter": "PVD"}
    ).json()
    statuses = [t.status for t in cast.objects]
    assert sums == {
        "total_objects": sum(s in "PVD" for s in statuses),
        "validated_objects": statuses.count("V"),
        "dubious_objects": statuses.count("D"),
        "predicted_objects": statuses.count("P"),
    }
    only = eco.post(f"/object_set/{project}/summary", params={"only_total": True}, json={}).json()
    assert only["total_objects"] == 60
    some = [cast.objects[4].objid, cast.objects[2].objid, 10**9]
    parents = eco.post("/object_set/parents", json=some).json()
    assert parents["object_ids"] == sorted(some[:2])
    assert parents["sample_ids"][0] == cast.objects[2].sample
    assert eco.post("/object_set/parents", json=[]).json()["object_ids"] == []
    said = eco.post("/object_set/predictions", json=[t.objid for t in cast.objects]).json()
    assert [row[0] for row in said["result"]] == [
        t.objid for t in cast.objects if t.predicted is not None
    ]


def test_an_object_has_everything(eco: Described, cast: Cast) -> None:
    thing = next(t for t in cast.objects if t.images and t.status == "V")
    found = eco.get(f"/object/{thing.objid}").json()
    assert found["free_columns"] == thing.free
    assert found["classif_who"] == thing.who
    assert [image["imgid"] for image in found["images"]] == thing.images
    image = eco.get_bytes(f"/vault/{found['images'][0]['file_name']}")
    assert image.startswith(b"\x89PNG")
    [event] = eco.get(f"/object/{thing.objid}/history").json()
    assert (event["classif_type"], event["classif_qual"]) == ("M", "V")
    assert event["user_name"]


@pytest.mark.parametrize(
    ("query", "body", "word"),
    [
        ({"fields": "fre.nothing"}, {}, "fre.nothing"),
        ({"order_field": "obj.nothing"}, {}, "obj.nothing"),
        ({}, {"statusfilter": "?"}, "statusfilter"),
        ({}, {"colour": "red"}, "colour"),
        ({"window_size": -1}, {}, "window_size"),
    ],
)
def test_what_is_wrong_is_named(
    client: httpx.Client, cast: Cast, query: Any, body: Any, word: str
) -> None:
    answer = client.post(f"/object_set/{cast.project_id}/query", params=query, json=body)
    assert answer.status_code == 422
    assert word in answer.json()["detail"]
