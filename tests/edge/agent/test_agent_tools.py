"""status and doctor, and the small parts under the agent: identity, clock, files, health."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.agent import checks, health, status
from edge.agent.observe import observe
from edge.agent.parts import assemble
from edge.budget import frame_period_s
from edge.cli import main
from edge.clock import EARLIEST_MS, SystemClock
from edge.commands.status import as_text
from edge.config import load
from edge.files import write_atomic
from edge.identity import BLOCK, Identity, IdentityError, RequestCounter
from edge.links.https import HttpsLink
from edge.tables import ConfigError
from models import factory
from models.bundle import Bundle, with_head
from models.measure_table import INDEX
from wire.signing import PrivateKey, SignatureError, verify_request

CONFIG = """
[device]
name = "north"
data = "data"
{device}

[source]
kind = "simulator"

[source.simulator]
width = 200
height = 160

[acquisition]
project = "cast"
sample = "s1"
acquisition = "a1"
process = "p1"
instrument = "test"
pixel_um = 20.0

{more}
"""


def write(folder: Path, device: str = "", more: str = "") -> Path:
    path = folder / "edge.toml"
    path.write_text(CONFIG.format(device=device, more=more))
    return path


# --- status -----------------------------------------------------------------------------------


def test_status_before_the_first_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--config", str(write(tmp_path))]) == 3
    assert "has not run yet" in capsys.readouterr().err


def test_status_for_a_person_and_for_a_script(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(write(tmp_path, device='board = "zero2w"'))
    assert main(["run", "--config", path, "--frames", "2", "--once"]) == 0
    capsys.readouterr()
    assert main(["status", "--config", path]) == 0
    text = capsys.readouterr().out
    for words in (
        "north (Raspberry Pi Zero 2 W): not running",
        "2 done, 0 set aside",
        "no shore is configured",
        "from slot factory",
        "(from assumed figures)",
    ):
        assert words in text
    assert main(["status", "--config", path, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["frames_done"], found["running"]) == (2, False)
    assert found["pending"] == sum(found["pending_by_kind"].values())


def test_status_of_an_agent_that_was_killed_comes_from_the_outbox(tmp_path: Path) -> None:
    config = load(write(tmp_path))
    assert main(["run", "--config", str(tmp_path / "edge.toml"), "--frames", "2", "--once"]) == 0
    file = config.data / status.FILE
    stale = {**json.loads(file.read_text()), "frames_done": 0, "pending": 0, "frames": 0}
    file.write_text(json.dumps(stale))
    found = observe(config)
    assert found is not None
    assert (found["frames_done"], found["frames"]) == (2, 2)
    assert found["pending"] > 2


def test_ages_are_for_people(tmp_path: Path) -> None:
    main(["run", "--config", str(write(tmp_path)), "--frames", "1", "--once"])
    found = observe(load(tmp_path / "edge.toml"))
    assert found is not None
    now_s = 2_000_000_000.0
    far = {**found, "oldest_pending_ms": (now_s - 3 * 86400) * 1e3, "dead": 4}
    assert "the oldest 3 d old; 4 refused by the shore and kept" in as_text(far, now_s)


# --- doctor -----------------------------------------------------------------------------------


def levels(path: Path) -> dict[str, checks.Finding]:
    return {finding.name: finding for finding in checks.examine(load(path))}


def test_doctor_finds_this_machine_fit(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    found = {item["name"]: item["level"] for item in json.loads(capsys.readouterr().out)}
    assert found["python"] == found["sqlite"] == found["factory"] == found["runtime"] == "ok"


def test_doctor_and_a_wrong_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--config", str(tmp_path / "none.toml")]) == 2
    assert "no such file" in capsys.readouterr().err


def test_doctor_names_what_to_mend(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shore = '[shore]\nurl = "http://127.0.0.1:9"\n[outbox]\nmax_mb = 900000\n'
    path = write(tmp_path, device='board = "zero2w"', more=shore)
    Identity.load_or_make(tmp_path / "data" / "identity")
    (tmp_path / "data" / "identity" / "key").chmod(0o644)
    found = levels(path)
    assert found["key"].level == "fail"
    assert "chmod 600" in found["key"].remedy
    assert found["board"].level == ("ok" if os.uname().machine == "aarch64" else "warn")
    assert (found["shore"].level, found["claim"].level) == ("warn", "fail")
    assert found["disk"].level in ("warn", "ok")
    assert main(["doctor", "--config", str(path)]) == 1
    out = capsys.readouterr().out
    assert "FAIL  key" in out
    assert "-> chmod 600" in out


def test_doctor_never_makes_a_key(tmp_path: Path) -> None:
    path = write(tmp_path, more='[shore]\nurl = "http://127.0.0.1:9"\nclaim = "x"\n')
    assert levels(path)["key"].level == "ok"
    assert not (tmp_path / "data").exists()


def test_doctor_looks_into_the_slots(tmp_path: Path) -> None:
    path = write(tmp_path)
    folder = tmp_path / "data" / "releases"
    folder.mkdir(parents=True)
    state = {"active": "a", "slots": {"a": "ab" * 32}, "notices": []}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "a.seadrift").write_bytes(b"damaged")
    assert levels(path)["slot a"].level == "fail"


def test_doctor_says_when_a_release_needs_measures_that_are_switched_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = Bundle.load(factory.path())
    columns = np.append(bundle.head.columns[:-1], INDEX["fractal"]).astype(np.int32)
    costly = replace(bundle, head=replace(bundle.head, columns=columns))
    data = with_head(costly, costly.head, costly.classes, costly.card, "costly")
    (tmp_path / "costly.seadrift").write_bytes(data)
    monkeypatch.setattr(factory, "path", lambda: tmp_path / "costly.seadrift")
    assert levels(write(tmp_path))["measures"].level == "ok"
    found = levels(write(tmp_path, more='[measures]\ntier = "fast"\n'))["measures"]
    assert found.level == "warn"
    assert "uses fractal" in found.text


def test_a_check_that_breaks_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no such call")

    monkeypatch.setattr(checks.shutil, "disk_usage", broken)
    assert levels(write(tmp_path))["disk"].level == "fail"


# --- identity ---------------------------------------------------------------------------------


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    first = Identity.load_or_make(tmp_path / "identity")
    assert (tmp_path / "identity" / "key").stat().st_mode & 0o777 == 0o600
    assert Identity.load_or_make(tmp_path / "identity").public == first.public
    assert first.public.text not in repr(first._key)


def test_a_key_that_others_can_read_is_closed_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Identity.load_or_make(tmp_path)
    (tmp_path / "key").chmod(0o640)
    Identity.load_or_make(tmp_path)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert "others could read the private key" in caplog.text


@pytest.mark.parametrize("content", ["", "zz", "ab" * 31, "ab" * 33])
def test_a_damaged_key_is_no_new_identity(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_text(content)
    with pytest.raises(IdentityError, match=str(tmp_path / "key")):
        Identity.load_or_make(tmp_path)


def test_enrolment_is_kept_and_a_new_claim_means_a_new_one(tmp_path: Path) -> None:
    identity = Identity.load_or_make(tmp_path)
    assert identity.needs("claim")
    with pytest.raises(IdentityError, match="not enrolled yet"):
        identity.sign("GET", "/", b"")
    with pytest.raises(SignatureError):
        identity.enrol("d1", "no key", "claim")
    identity.enrol("d1", PrivateKey.make().public.text, "claim")
    again = Identity.load_or_make(tmp_path)
    assert not again.needs("claim")
    assert not again.needs("")
    assert again.needs("another claim")
    headers = again.sign("POST", "/v1/hello", b"x")
    assert verify_request(identity.public, headers, "POST", "/v1/hello", b"x") >= 1
    (tmp_path / "enrolment.json").write_text("{")
    with pytest.raises(IdentityError, match="remove it and enrol again"):
        Identity.load_or_make(tmp_path)


@pytest.mark.parametrize("content", [b"", b"zz", b"\xff" * 64])
def test_an_instrument_at_sea_goes_on_without_its_identity(tmp_path: Path, content: bytes) -> None:
    """A torn file must not end a mooring: it measures on, and waits to be enrolled again."""
    identity = Identity.load_or_make(tmp_path)
    identity.enrol("d1", PrivateKey.make().public.text, "claim")
    (tmp_path / "enrolment.json").write_bytes(content)
    again = Identity.load_or_renew(tmp_path)
    assert again.public.text == identity.public.text
    assert again.needs("claim")
    assert (tmp_path / "enrolment.json.damaged").read_bytes() == content
    again.enrol("d1", PrivateKey.make().public.text, "claim")
    (tmp_path / "key").write_bytes(content)
    another = Identity.load_or_renew(tmp_path)
    assert another.public.text != identity.public.text
    assert another.needs("claim")
    assert (tmp_path / "key.damaged").read_bytes() == content


def test_the_counter_never_repeats_over_restarts(tmp_path: Path) -> None:
    seen: list[int] = []
    for _ in range(4):
        counter = RequestCounter(tmp_path / "counter")
        seen += [counter.next() for _ in range(BLOCK + 5)]
    assert seen == sorted(set(seen))


def test_a_damaged_counter_goes_on_far_above(tmp_path: Path) -> None:
    counter = RequestCounter(tmp_path / "counter")
    last = [counter.next() for _ in range(10)][-1]
    (tmp_path / "counter").write_text("?")
    before_ms = time.time_ns() // 1_000_000
    assert RequestCounter(tmp_path / "counter").next() >= max(before_ms, last + 1)


# --- clock, files, health ---------------------------------------------------------------------


def test_the_clock_is_trusted_for_a_reason_only(tmp_path: Path) -> None:
    nobody = tmp_path / "nobody"
    clock = SystemClock(trust_system=False, synchronised=nobody)
    assert clock.utc_ms() is None
    clock.set_from_shore(5)  # no shore is in 1970
    assert clock.utc_ms() is None
    clock.set_from_shore(EARLIEST_MS + 10)
    assert (clock.utc_ms() or 0) >= EARLIEST_MS + 10
    nobody.touch()
    assert SystemClock(trust_system=False, synchronised=nobody).utc_ms() is not None


def test_a_person_who_vouches_for_the_clock_is_believed_before_the_shore() -> None:
    clock = SystemClock(trust_system=True)
    clock.set_from_shore(EARLIEST_MS + 1)
    found = clock.utc_ms()
    assert found is not None
    assert abs(found - time.time_ns() // 1_000_000) < 60_000
    assert clock.mono_ms() <= clock.mono_ms()


def test_a_failed_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state"
    write_atomic(path, b"old", mode=0o600)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_temperature_is_known_or_unknown(tmp_path: Path) -> None:
    (tmp_path / "temp").write_text("48250\n")
    assert health.processor_c(tmp_path / "temp") == 48.25
    assert health.processor_c(tmp_path / "none") is None
    (tmp_path / "odd").write_text("n/a")
    assert health.processor_c(tmp_path / "odd") is None


def test_a_passing_identity_cannot_sign(tmp_path: Path) -> None:
    from edge.config import ShoreConfig

    link = HttpsLink(ShoreConfig(url="http://127.0.0.1:9"), Identity.passing(), timeout_s=1.0)
    with pytest.raises(IdentityError):
        link.send(b"x")
    link.close()


# --- carriers ---------------------------------------------------------------------------------


def test_carriers_that_are_named_must_be_described(tmp_path: Path) -> None:
    shore = '[shore]\nurl = "http://127.0.0.1:9"\nclaim = "c"\n[link]\ncarriers = '
    for carriers, message in (
        ('["https", "mqtt"]', r"\[mqtt\] url: missing"),
        ('["satellite"]', r"\[satellite\] port: missing"),
        ('["https", "https"]', "each once"),
        ("[]", "at least one"),
        ('["pigeon"]', 'expected one of "https"'),
    ):
        with pytest.raises(ConfigError, match=message):
            load(write(tmp_path, more=shore + carriers))
    far = load(write(tmp_path, more=shore + '["satellite"]\n[satellite]\nport = "/dev/null"'))
    found = [f.text for f in checks.examine(far) if f.name == "carriers"]
    assert any("no claim can be made" in text for text in found)


def test_status_and_doctor_show_what_a_budget_holds_back(tmp_path: Path) -> None:
    path = write(tmp_path, more='[shore]\nurl = "http://127.0.0.1:9"\nclaim = "c"\n')
    config = load(path)
    with assemble(config) as parts:
        found = health.status(parts, health.Counters(), None, "capturing")
    amounts = {"https bytes": {"used": 16e5, "of": 2e6}, "joules": {"used": 7.0, "of": 9.0}}
    carrier = {**found.carriers[0], "held": "https bytes", "budgets": amounts}
    replace(found, carriers=[carrier]).write(config.data)
    shown = as_text({**(status.read(config.data) or {}), "running": True}, time.time())
    assert "https: not tried; 1.60 of 2 MB in 24 h; 7 of 9 joules in 24 h" in shown
    assert "held back by https bytes" in shown
    warned = [f.text for f in checks.examine(config) if (f.name, f.level) == ("carriers", "warn")]
    assert warned == ["https: not tried; the budget of https bytes holds records back"]


def test_status_and_doctor_say_that_the_keys_were_wiped(tmp_path: Path) -> None:
    path = write(tmp_path, more='[shore]\nurl = "http://127.0.0.1:9"\nclaim = "c"\n')
    config = load(path)
    Identity.load_or_make(config.data / "identity").wipe()
    with assemble(config) as parts:
        health.status(parts, health.Counters(), None, "capturing").write(config.data)
    found = status.read(config.data)
    assert found is not None
    assert found["wiped"] is True
    shown = as_text({**found, "running": True}, time.time())
    assert "the shore had this instrument's keys wiped: nothing is sent any more" in shown
    assert "not enrolled" not in shown
    key = levels(path)["key"]
    assert key.level == "fail"
    assert f"remove {config.data / 'identity' / 'wiped'}" in key.remedy


def test_a_budget_of_joules_spreads_frames_over_the_day() -> None:
    assert frame_period_s(marginal_j=0.5, joules_day=43_200.0) == 1.0
