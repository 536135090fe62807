"""`seadrift train IMAGES`: a head from class folders; bad input is named and counted."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from models import factory
from models.bundle import Bundle
from models.labelled import ImageSetError, open_labelled
from models.measures import INDEX
from models.splitting import split_at_random
from server.cli import main
from server.learning import folder as learning

APRIL = 1_459_728_000


def png(shape: str, seed: int) -> bytes:
    """A disc, a bar or a ring of random place and size, dark on a grey background with noise."""
    random = np.random.default_rng(seed)
    y, x = np.ogrid[:48, :56]
    y0, x0, radius = random.uniform(20, 28), random.uniform(22, 34), random.uniform(9, 13)
    far = np.hypot(y - y0, x - x0)
    inside = {
        "disc": far <= radius,
        "ring": (far <= radius) & (far >= 0.6 * radius),
        "bar": (abs(y - y0) <= 2) & (abs(x - x0) <= 1.4 * radius),
    }[shape]
    picture = np.where(inside, 90, 200) + random.normal(0, 3, inside.shape)
    file = io.BytesIO()
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def images(each: int = 15, prefix: str = "", name: str = "{n}.png") -> dict[str, bytes]:
    return {
        f"{prefix}{shape}/{name.format(n=n, t=APRIL + 7200 * n)}": png(shape, 100 * k + n)
        for k, shape in enumerate(("disc", "ring", "bar"))
        for n in range(each)
    }


def folder_of(path: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def zip_of(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def trained(capsys: pytest.CaptureFixture[str], *words: str | Path) -> dict[str, Any]:
    assert main(["train", *map(str, words), "--json"]) == 0
    facts: dict[str, Any] = json.loads(capsys.readouterr().out)
    return facts


def test_a_folder_becomes_a_release_and_its_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = folder_of(tmp_path / "bay", images())
    out = tmp_path / "new" / "bay.seadrift"
    assert main(["train", str(source), "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "45 of 45 images" in said.err
    assert "drawn at random: a flattering split" in said.out
    bundle, base = Bundle.load(out), Bundle.load(factory.path())
    assert bundle.classes == ("bar", "disc", "ring")
    assert (bundle.name, bundle.manifest["network"]) == ("bay", base.manifest["network"])
    assert bundle.self_test("auto").ok
    card = out.with_name("bay.seadrift.card.md").read_text(encoding="utf-8")
    assert "seed 0" in card
    assert base.release_id in card
    assert sorted(p.name for p in out.parent.iterdir()) == [
        "bay.seadrift",
        "bay.seadrift.card.md",
    ]


def test_the_figures_are_of_images_that_were_held_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = zip_of(tmp_path / "bay.zip", images(20))
    facts = trained(capsys, source, "--out", tmp_path / "a.seadrift", "--seed", "3")
    assert (facts["n_train"], facts["n_test"], facts["split"]) == (48, 12, "random")
    assert facts["evaluation"]["objects"] == 12
    assert facts["evaluation"]["accuracy"] >= 0.9
    assert [taxon["support"] for taxon in facts["taxa"]] == [4, 4, 4]
    # Labels that say nothing about the images cannot be learnt: nothing leaks into the figures.
    shuffled = {
        f"{'ab'[int(np.random.default_rng(i).integers(2))]}/{i}.png": data
        for i, data in enumerate([png("disc", n) for n in range(120)])
    }
    none = trained(capsys, zip_of(tmp_path / "s.zip", shuffled), "--out", tmp_path / "s.seadrift")
    assert none["evaluation"]["accuracy"] < 0.85


def test_the_same_seed_gives_the_same_head(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = folder_of(tmp_path / "bay", images(8))
    heads = []
    for _ in range(2):
        out = tmp_path / "one.seadrift"
        facts = trained(capsys, source, "--out", out, "--seed", "1")
        heads.append((Bundle.load(out).head.to_bytes(), facts["taxa"]))
    assert heads[0] == heads[1]
    drawn = [split_at_random(["a"] * 20 + ["b"] * 5 + ["c"], seed) for seed in (1, 1, 2)]
    assert (drawn[0] == drawn[1]).all()
    assert (drawn[0] != drawn[2]).any()
    for held in drawn:
        assert [int(held[:20].sum()), int(held[20:25].sum()), bool(held[25])] == [4, 1, False]


def test_names_that_tell_the_time_are_split_by_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = images(30, name="SPC-PWSSC-{t}-0001-{n}-1-1-9-9.png")
    files["disc/SPC-PWSSC-0-0001-7-1-1-9-9.png"] = png("disc", 999)
    out = tmp_path / "a.seadrift"
    facts = trained(capsys, zip_of(tmp_path / "t.zip", files), "--out", out)
    assert (facts["split"], facts["n_test"]) == ("time", 18)
    card = Bundle.load(out).card
    assert card["split"].startswith("By time")
    assert card["details"]["files left out"] == {"without a time in the name": 1}


def test_folders_above_the_classes_and_rubbish_are_tolerated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = images(6, prefix="export/labelled/") | {
        "export/labelled/.DS_Store": b"x",
        "__MACOSX/export/labelled/disc/._0.png": b"x",
        "export/labelled/readme.txt": b"x",
        "export/labelled/overview.png": png("disc", 1),
    }
    facts = trained(capsys, zip_of(tmp_path / "n.zip", files), "--out", tmp_path / "a.seadrift")
    assert [taxon["taxon"] for taxon in facts["taxa"]] == ["bar", "disc", "ring"]
    assert facts["n_train"] + facts["n_test"] == 18
    assert facts["ignored"]["hidden files and what a Mac leaves"] == 2
    assert facts["ignored"]["images outside a class folder"] == 1
    assert sum(facts["ignored"].values()) == 4


def test_nested_classes_keep_their_path(tmp_path: Path) -> None:
    files = {"a/x/1.png": b"", "a/y/1.png": b"", "b/x/1.png": b""}
    with open_labelled(folder_of(tmp_path / "n", files)) as found:
        assert found.classes == {"a/x": 1, "a/y": 1, "b/x": 1}


def test_bad_images_and_small_classes_are_named_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deep = io.BytesIO()
    Image.fromarray(np.full((9, 9), np.nan, np.float32)).save(deep, "TIFF")
    blank = io.BytesIO()
    Image.new("L", (20, 20), 7).save(blank, "PNG")
    files = images(6) | {
        "disc/cut.png": png("disc", 1)[:60],
        "disc/empty.png": b"",
        "ring/nan.tif": deep.getvalue(),
        "ring/blank.png": blank.getvalue(),
        "rare/1.png": png("bar", 5),
        **{f"broken/{n}.png": b"no" for n in range(6)},
    }
    source = folder_of(tmp_path / "bad", files)
    out = tmp_path / "a.seadrift"
    assert main(["train", str(source), "--out", str(out), "--json"]) == 0
    said = capsys.readouterr()
    facts = json.loads(said.out)
    reasons = {item["name"]: item["reason"] for item in facts["set_aside"]}
    assert len(reasons) == 10
    assert "empty" in reasons["disc/empty.png"]
    assert "32 bits per channel" in reasons["ring/nan.tif"]
    assert "no contrast" in reasons["ring/blank.png"]
    assert "ring/blank.png: no contrast" in said.err
    assert facts["left_out"]["rare"] == 1
    assert Bundle.load(out).classes == ("bar", "disc", "ring")
    left = Bundle.load(out).card["details"]["files left out"]
    assert left["set aside, unreadable or blank"] == 10
    assert left["class rare: too few"] == 1


def test_a_measure_that_is_not_finite_is_refused_by_the_images_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = learning.measure_many

    def with_nan(objects: Any) -> Any:
        values = real(objects)
        values[2, INDEX["feret"]] = np.nan
        return values

    monkeypatch.setattr(learning, "measure_many", with_nan)
    source = folder_of(tmp_path / "bay", images(6))
    facts = trained(capsys, source, "--out", tmp_path / "a.seadrift")
    assert facts["set_aside"] == [
        {"name": "bar/2.png", "reason": "measure feret is nan, not finite"}
    ]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({f"disc/{n}.png": png("disc", n) for n in range(9)}, r"at least two classes.*disc \(9\)"),
        ({f"{n}.png": png("disc", n) for n in range(9)}, "no image in a class folder"),
        (
            {f"{c}/{n}.png": png("disc", n) for c in "abc" for n in range(4)},
            r"5 readable images each; there are 3 in all: a \(4\), b \(4\), c \(4\)",
        ),
        ({f"{c}/{n}.png": b"" for c in "ab" for n in range(9)}, "there are 0 in all: none"),
        ({"disc/notes.txt": b"x"}, "1 files that are no pictures"),
        ({}, "no such folder"),
    ],
)
def test_what_cannot_be_learnt_from_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], files: dict[str, bytes], said: str
) -> None:
    source = folder_of(tmp_path / "bad", files)
    out = tmp_path / "a.seadrift"
    assert main(["train", str(source), "--out", str(out)]) == 3
    assert re.search(said, capsys.readouterr().err)
    assert not out.exists()


def test_a_file_that_is_no_zip_and_a_broken_base_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = tmp_path / "odd.zip"
    odd.write_bytes(b"PK no zip")
    with pytest.raises(ImageSetError, match="neither a folder nor a zip"):
        open_labelled(odd)
    source = folder_of(tmp_path / "bay", images(5))
    flipped = bytearray(factory.path().read_bytes())
    flipped[len(flipped) // 2] ^= 1
    base = tmp_path / "base.seadrift"
    base.write_bytes(flipped)
    words = ["train", str(source), "--out", str(tmp_path / "a.seadrift"), "--base", str(base)]
    assert main(words) == 3
    assert "seadrift train:" in capsys.readouterr().err


def test_a_network_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch", reason="torch is not installed (extra [train])")
    source = folder_of(tmp_path / "bay", images(20))
    out = tmp_path / "bay.seadrift"
    words = (source, "--out", out, "--network", "new", "--minutes", "0.05")
    facts = trained(capsys, *words)
    bundle = Bundle.load(out)
    assert facts["release_id"] == bundle.release_id
    assert bundle.network.sha256 != Bundle.load(factory.path()).network.sha256
    assert facts["n_test"] == facts["evaluation"]["objects"] == 12
    assert "checkpoint" not in Path(facts["card"]).read_text()
    again = trained(capsys, *words, "--resume")
    assert again["evaluation"] == facts["evaluation"]


def test_a_network_that_cannot_be_learnt_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = folder_of(tmp_path / "bay", {f"disc/{n}.png": b"no picture" for n in range(9)})
    out = tmp_path / "a.seadrift"
    assert main(["train", str(source), "--out", str(out), "--network", "new"]) == 3
    said = capsys.readouterr().err
    assert "seadrift train:" in said
    assert "at least two taxa" in said or "torch" in said
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "neither was given"),
        (["x", "--project", "1"], "not both"),
        (["x"], "--out FILE"),
        (["x", "--out", "."], "is a folder"),
        (["x", "--out", "a", "--seed", "-1"], "--seed"),
        (["x", "--out", "a", "--parent", "p"], "--base"),
        (["--project", "1", "--out", "a"], "--out goes with IMAGES"),
        (["x", "--out", "a", "--minutes", "5"], "--minutes goes with --network new"),
        (["x", "--out", "a", "--network", "new", "--base", "b"], "--base goes with"),
        (["--project", "1", "--resume"], "--resume goes with IMAGES"),
    ],
)
def test_the_command_line_says_what_to_give(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["train", *words]) == 2
    assert said in capsys.readouterr().err
