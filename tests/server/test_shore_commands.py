"""The commands of `seadrift` on a shore's folder, as a person and as a script use them."""

import json
from pathlib import Path

import pytest

from models import factory
from models.bundle import Bundle
from server.auth.passwords import fits
from server.cli import main
from server.db import users
from server.settings import Settings
from server.shore import Admin, open_shore

Capture = pytest.CaptureFixture[str]


def run(settings: Settings, capsys: Capture, *argv: str) -> tuple[int, str, str]:
    code = main([*argv, "--data", str(settings.data)])
    found = capsys.readouterr()
    return code, found.out, found.err


def test_a_user_is_added_once_and_can_log_in(
    settings: Settings, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = run(settings, capsys, "user", "add", "Ann@sea.org", "--json")
    assert code == 0
    password = json.loads(out)["password"]
    shore = open_shore(settings, Admin())
    with shore.database.read() as connection:
        found = users.credentials(connection, "ann@sea.org")
    shore.close()
    assert found is not None
    assert found[0].role == "annotator"
    assert fits(found[1], password)
    code, _, err = run(settings, capsys, "user", "add", "ann@SEA.org")
    assert (code, err) == (3, "seadrift user add: there is a user ann@sea.org already\n")
    monkeypatch.setenv("SEADRIFT_USER_PASSWORD", "short")
    code, _, err = run(settings, capsys, "user", "add", "bo@sea.org")
    assert code == 3
    assert "8 to 200 characters" in err
    listed = json.loads(run(settings, capsys, "user", "list", "--json")[1])
    assert [u["email"] for u in listed] == ["admin@sea.test", "ann@sea.org"]


def test_releases_are_listed_signed_and_assigned(settings: Settings, capsys: Capture) -> None:
    release = Bundle.load(factory.path()).release_id
    assert release[:12] in run(settings, capsys, "release", "list")[1]
    assert run(settings, capsys, "release", "sign", release[:6])[1] == f"signed {release}\n"
    code, out, _ = run(settings, capsys, "release", "assign", release, "--all", "--json")
    assert (code, json.loads(out)) == (0, [])
    code, _, err = run(settings, capsys, "release", "assign", release, "--device", "dx")
    assert (code, err) == (3, "seadrift release assign: no active device dx\n")
    code, _, err = run(settings, capsys, "release", "sign", "zz")
    assert (code, err) == (
        3,
        "seadrift release sign: 0 releases begin with 'zz': give more of the id\n",
    )


def test_wrong_usage_is_said_and_exits_with_2(capsys: Capture, tmp_path: Path) -> None:
    for argv in (["nonsense"], ["user"], ["claim", "--data", str(tmp_path)], []):
        with pytest.raises(SystemExit) as ended:
            main(argv)
        assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err
