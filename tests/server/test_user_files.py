"""Files that people hand in: whole or not at all, within bounds, never outside their own folder."""

import os
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request

from server.api.files import take_form
from server.errors import ApiError
from server.guard import BodyLimit
from server.shore import Shore
from server.store.user_files import FileNameError, QuotaError, UserFiles


@pytest.fixture
def files(tmp_path: Path) -> UserFiles:
    return UserFiles(tmp_path / "user_files", file_most=1000, person_most=1500)


def put(files: UserFiles, name: str, data: bytes, user_id: int = 3) -> Path:
    with files.receiving(user_id, name) as draft:
        for start in range(0, len(data), 100):
            draft.write(data[start : start + 100])
    return files.path(user_id, name)


def test_a_file_is_there_whole_and_replaces_the_older_one(files: UserFiles) -> None:
    assert put(files, "casts/one.zip", b"a" * 250).read_bytes() == b"a" * 250
    assert put(files, "casts/one.zip", b"new").read_bytes() == b"new"
    assert [(e.name, e.is_folder) for e in files.listing(3)] == [("casts", True)]
    assert [(e.name, e.size) for e in files.listing(3, "casts")] == [("one.zip", 3)]
    assert files.listing(4) == []
    files.remove(3, "casts")
    assert files.used(3) == 0


def test_what_breaks_off_leaves_nothing_and_the_older_file(files: UserFiles) -> None:
    put(files, "one.zip", b"older")

    def broken() -> None:
        with files.receiving(3, "one.zip") as draft:
            draft.write(b"half of it")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    assert files.path(3, "one.zip").read_bytes() == b"older"
    assert files.used(3) == 5


def test_a_file_and_all_files_together_are_bounded(files: UserFiles) -> None:
    with pytest.raises(QuotaError, match="a file may have 1000 bytes"):
        put(files, "big.zip", bytes(1001))
    put(files, "one.zip", bytes(900))
    with pytest.raises(QuotaError, match="may have 1500 bytes together"):
        put(files, "two.zip", bytes(700))
    assert files.used(3) == 900


@pytest.mark.parametrize(
    "name",
    ["", "/", "../2/x", "a/../../x", ".hidden", "a\\b", "a\nb", "a\0b", "x" * 201, "a/" * 8 + "b"],
)
def test_names_that_are_none_are_refused(files: UserFiles, name: str) -> None:
    with pytest.raises(FileNameError):
        put(files, name, b"x")


def test_a_link_in_the_folder_is_not_followed(files: UserFiles, tmp_path: Path) -> None:
    put(files, "one.zip", b"x")
    os.symlink("/etc", tmp_path / "user_files/3/etc")
    assert [entry.name for entry in files.listing(3)] == ["one.zip"]


def test_the_api_takes_a_long_file_and_says_what_it_does_not_take(
    client: httpx.Client, stranger: httpx.Client, shore: Shore
) -> None:
    data = os.urandom(3 << 20)
    answer = client.put("/api/files/casts/one.zip", content=data)
    assert (answer.status_code, answer.json()["size"]) == (201, len(data))
    assert shore.user_files.path(1, "casts/one.zip").read_bytes() == data
    assert client.get("/api/files").json()[0]["name"] == "casts"
    assert client.get("/api/files/casts").json()[0]["size"] == len(data)
    assert client.get("/api/files/none").status_code == 404
    assert client.put("/api/files/%2E%2E/x", content=b"x").status_code in (404, 405, 422)
    refused = client.put("/api/files/.x", content=b"x")
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "name")
    assert stranger.put("/api/files/x", content=b"x").status_code == 401
    assert client.post("/api/projects", content=data).status_code == 413
    assert client.delete("/api/files/casts/one.zip").status_code == 204
    assert client.delete("/api/files/casts/one.zip").status_code == 404


@pytest.fixture
def form(files: UserFiles) -> httpx.AsyncClient:
    app = FastAPI()

    @app.post("/user_files/")
    async def upload(request: Request) -> str:
        try:
            name, fields = await take_form(
                request, files, 3, lambda fields, name: fields.get("path", "") + "/" + name
            )
        except ApiError as error:
            return f"{error.status} {error.message}"
        return f"{name} {fields}"

    app.add_middleware(BodyLimit, people=1000, devices=1000, uploads=1200)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shore")


@pytest.mark.anyio
async def test_a_form_is_written_as_it_comes(form: httpx.AsyncClient, files: UserFiles) -> None:
    sent = {"file": ("one.zip", b"z" * 800)}
    answer = await form.post("/user_files/", data={"path": "casts", "tag": "t"}, files=sent)
    assert answer.json() == "casts/one.zip {'path': 'casts', 'tag': 't'}"
    assert files.path(3, "casts/one.zip").read_bytes() == b"z" * 800
    answer = await form.post("/user_files/", files={"file": ("two.zip", b"z" * 1001)})
    assert answer.json().startswith("413 There is no room")
    answer = await form.post("/user_files/", data={"path": "casts"})
    assert answer.json().startswith("415 Content-Type")
    twice = [("file", ("a.zip", b"a")), ("file", ("b.zip", b"b"))]
    answer = await form.post("/user_files/", files=twice)
    assert answer.json().startswith("422 The form has several files")
    assert files.used(3) == 800
