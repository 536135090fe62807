"""The pages say what is there: every route by its address, the notebook block by block."""

import re
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.jobs.worker import work
from server.shore import Shore
from tests.server.conftest import TOKEN
from tests.server.ecotaxa_api.description import document
from tests.server.ecotaxa_api.material import Cast

DOCS = Path(__file__).parents[3] / "docs"


def test_every_route_is_on_the_page() -> None:
    page = (DOCS / "ecotaxa-api.md").read_text(encoding="utf-8")
    for path in document()["paths"]:
        assert f"{path}`" in page, path
    for name in document()["components"]["schemas"]["ProjectFilters"]["properties"]:
        assert f"`{name}`" in page, name


def test_the_notebook_s_blocks_run_as_they_stand(
    shore: Shore,
    stranger: httpx.Client,
    cast: Cast,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = (DOCS / "how-to/notebook.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 6
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEADRIFT_URL", str(stranger.base_url).rstrip("/"))
    monkeypatch.setenv("SEADRIFT_TOKEN", TOKEN)
    stop = threading.Event()
    worker = threading.Thread(target=work, args=(shore, stop))
    worker.start()
    try:
        names: dict[str, Any] = {}
        for block in blocks:
            exec(block, names)  # noqa: S102 # the page's own words are what is tested
    finally:
        stop.set()
        worker.join()
    said = [thing for thing in cast.objects if thing.status in "PV"]
    assert len(names["table"]) == len(said)
    assert names["page"]["total"] == sum(thing.status == "P" for thing in cast.objects)
    assert "Testus" in capsys.readouterr().out
