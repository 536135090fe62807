"""The pages' files and shells without a browser: what is served, and what is refused."""

import hashlib
import re
from pathlib import Path

import httpx
import pytest

from server.web.assets import MEDIA_TYPES, Assets
from server.web.routes import ASSETS, HERE, local_path

MOST_LINES = 400


def test_only_known_files_are_assets(tmp_path: Path) -> None:
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "a.js").write_text("1;\n")
    (tmp_path / "notes.txt").write_text("no\n")
    assets = Assets.load(tmp_path)
    assert sorted(assets.files) == ["js/a.js"]
    assert assets.find("../js/a.js") is None
    (tmp_path / "js" / "a.js").write_text("2;\n")
    assert Assets.load(tmp_path).version != assets.version


@pytest.mark.parametrize(
    "text", ["//evil.example", "https://evil.example", "/\\evil.example", "", "a", "/\tx", "/\n/x"]
)
def test_after_login_nobody_is_sent_away(text: str) -> None:
    assert local_path(text) == "/"


@pytest.mark.parametrize("text", ["/", "/devices", "/projects/3/review?status=P&taxon_id=4"])
def test_after_login_one_is_sent_back(text: str) -> None:
    assert local_path(text) == text


def test_no_page_holds_script_or_style() -> None:
    """The content policy allows none, so one would silently do nothing."""
    for path in sorted((HERE / "templates").glob("*.html")):
        text = path.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), path.name
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text), path.name
        assert "|safe" not in text.replace(" ", ""), path.name


def test_no_module_parses_markup() -> None:
    """A hostile name stays a name because text is never read as HTML."""
    for name, asset in ASSETS.files.items():
        if name.endswith(".js"):
            text = asset.content.decode()
            found = re.search(
                r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text
            )
            assert found is None, f"{name}: {found}"
            assert text.count("\n") <= MOST_LINES, f"{name}: one idea per file"


def test_nothing_comes_from_elsewhere() -> None:
    for name, asset in ASSETS.files.items():
        text = asset.content.decode().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://", text), name


def test_vendored_files_are_recorded_with_their_hash() -> None:
    folder = HERE / "static" / "vendor"
    record = (folder / "README.md").read_text()
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "README.md":
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            assert path.name in record, path.name
            assert digest in record, path.name


def test_strangers_are_sent_to_the_door(address: str) -> None:
    for path in ("/", "/devices", "/releases", "/projects/1/review?status=P", "/objects/3"):
        answer = httpx.get(address + path)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/login?next=/"), path
    answer = httpx.get(f"{address}/login", params={"next": "https://evil.example/"})
    assert 'data-next="/"' in answer.text


def test_pages_allow_their_own_files_alone(address: str) -> None:
    answer = httpx.get(f"{address}/login")
    policy = answer.headers.get_list("content-security-policy")
    assert len(policy) == 1
    assert "default-src 'none'" in policy[0]
    assert "unsafe" not in policy[0]


def test_assets_are_cached_for_ever_and_nothing_else_is_served(address: str) -> None:
    for name, asset in ASSETS.files.items():
        answer = httpx.get(f"{address}{ASSETS.prefix}/{name}")
        assert answer.content == asset.content, name
        assert answer.headers["content-type"].split(";")[0] in MEDIA_TYPES.values()
        assert "immutable" in answer.headers["cache-control"]
    for name in ("vendor/README.md", "..%2Froutes.py", "js/none.js"):
        assert httpx.get(f"{address}{ASSETS.prefix}/{name}").status_code == 404, name
