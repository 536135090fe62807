"""What a person who hands in a table learns of it before anything is written."""

import io
import json
import re
import struct
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edge.cli import main as edge
from server.cli import main
from server.ecotaxa import values
from server.ecotaxa.check import Checked, check_upload
from server.ecotaxa.problems import SHOWN_MOST, Problems
from server.ecotaxa.upload import UploadError, open_upload

HEAD = ("img_file_name", "img_rank", "object_id", "object_lat", "object_lon", "object_date",
        "object_time", "object_area", "object_note", "object_annotation_status",
        "object_annotation_category", "sample_id", "acq_id")  # fmt: skip
KINDS = ("[t]", "[f]", "[t]", "[f]", "[f]", "[t]", "[t]", "[f]", "[t]", "[t]", "[t]", "[t]", "[t]")
GOOD = ("a.png", "0", "o1", "43.5", "7.25", "20260102", "102030", "12.5", "fine", "validated",
        "Copepoda", "s1", "a1")  # fmt: skip


def png(mode: str = "L") -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (9, 7), 120).save(stream, "png")
    return stream.getvalue()


def noisy() -> bytes:
    stream = io.BytesIO()
    Image.effect_noise((64, 64), 90).save(stream, "png")
    return stream.getvalue()


def tsv(*rows: dict[str, str], head: tuple[str, ...] = HEAD) -> str:
    lines = ["\t".join(head), "\t".join(KINDS)]
    for row in rows:
        lines.append("\t".join({**dict(zip(HEAD, GOOD, strict=True)), **row}[n] for n in head))
    return "\n".join(lines) + "\n"


def zipped(path: Path, files: dict[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def looked_at(path: Path) -> tuple[Checked, Problems]:
    problems = Problems()
    with open_upload(path, problems) as upload:
        return check_upload(upload, problems, pictures=True), problems


def told(tmp_path: Path, table: str | bytes, name: str = "ecotaxa_a.tsv") -> list[str]:
    path = zipped(tmp_path / "upload.zip", {name: table, "a.png": png()})
    return list(looked_at(path)[1].lines())


def test_a_good_zip_and_the_same_folder_say_the_same(tmp_path: Path) -> None:
    table = "\ufeff" + tsv({}, {"object_id": "o2", "object_annotation_category": "Detritus"})
    path = zipped(tmp_path / "u.zip", {"s1/ecotaxa_s1.tsv": table, "s1/a.png": png()})
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "folder")
    for place in (path, tmp_path / "folder"):
        found, problems = looked_at(place)
        assert problems.lines() == []
        assert (found.objects, found.images, found.statuses) == (2, 1, {"V": 2})
        assert set(found.categories) == {"Copepoda", "Detritus"}
        assert found.free_columns == {"object_area": "f", "object_note": "t"}


def test_uvp6_nests_a_zip_of_images_in_the_zip(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("ecotaxa_cast.tsv", tsv({"img_file_name": "sub/v.png"}))
        archive.writestr("sub/v.png", png())
    found, problems = looked_at(zipped(tmp_path / "u.zip", {"cast_Images.zip": inner.getvalue()}))
    assert problems.lines() == []
    assert (found.tables, found.objects, found.images) == (1, 1, 1)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"object_area": "big"}, "line 3, object_area 'big': expected a number; write a number"),
        ({"object_area": "1,5"}, "expected a number"),
        ({"object_lat": "143"}, "line 3, object_lat '143': expected -90 to 90 degrees"),
        ({"object_lon": "-200"}, "expected -180 to 180 degrees"),
        ({"object_date": "02/01/2026"}, "expected a date; write YYYYMMDD"),
        ({"object_date": "20260231"}, "expected a date"),
        ({"object_time": "25:00"}, "expected a time"),
        ({"object_note": "x" * 251}, "251 characters, and EcoTaxa takes 250; shorten it"),
        ({"object_annotation_status": "sure"}, "no status of EcoTaxa's; write validated"),
        ({"object_annotation_status": ""}, "a category without a status"),
        ({"object_annotation_category": ""}, "validated as what?"),
        ({"img_file_name": "b.png"}, "no such file; put the image beside the table"),
        ({"object_id": ""}, "line 3, object_id '': missing"),
        ({"sample_id": ""}, "sample_id '': missing"),
        ({"object_area": "inf"}, "not finite; kept here as it is"),
    ],
)
def test_one_wrong_cell_is_named_with_its_remedy(
    tmp_path: Path, change: dict[str, str], says: str
) -> None:
    lines = told(tmp_path, tsv(change))
    assert len(lines) == 1
    assert lines[0].startswith("ecotaxa_a.tsv line 3")
    assert says in lines[0]


def test_every_problem_comes_at_once(tmp_path: Path) -> None:
    rows = [{"object_id": f"o{n}", "object_area": "x", "object_lat": "north"} for n in range(800)]
    path = zipped(tmp_path / "u.zip", {"ecotaxa_a.tsv": tsv(*rows), "a.png": png()})
    problems = looked_at(path)[1]
    assert problems.errors == 1600
    assert len(problems.shown) == SHOWN_MOST
    assert problems.lines()[-1] == "and 600 more"


def test_what_belongs_together_is_looked_at_over_rows_and_tables(tmp_path: Path) -> None:
    kinds = "\t".join(KINDS)
    text_alone = "\t".join((*KINDS[:7], "[t]", *KINDS[8:]))
    files: dict[str, bytes | str] = {
        "ecotaxa_1.tsv": tsv({}, {}, {"object_id": "o2", "sample_id": "s2"}),
        "ecotaxa_2.tsv": tsv({"object_id": "o3"}).replace(kinds, text_alone),
        "Ecotaxa_3.tsv": tsv({}),
        "a.png": png(),
    }  # fmt: skip
    lines = "\n".join(looked_at(zipped(tmp_path / "u.zip", files))[1].lines())
    assert "object and image are in ecotaxa_1.tsv line 3 already" in lines
    assert "acquisition of sample 's1' too" in lines
    assert "ecotaxa_2.tsv line 2, object_area: [t] here, [f] in another table" in lines
    assert "Ecotaxa_3.tsv: a table by its name, but not quite; write ecotaxa in lower" in lines


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (tsv({}).replace("\n" + "\t".join(KINDS), "", 1), "line 2.*no row of types"),
        (tsv({}).encode("utf-16"), "UTF-16; save the table as UTF-8"),
        (tsv({"object_note": "caf\u00e9"}).encode("latin-1"), "line 3.*not UTF-8; save as UTF-8"),
        (tsv({"object_note": "a\0b"}), "line 3.*a NUL byte"),
        (tsv({"object_note": "a\tb"}), "line 3.*14 cells, but 13 columns"),
        (tsv({}).replace("object_note", "object_area"), "line 1, object_area: named 2 times"),
        (tsv({}).replace("object_note", "obj_note"), "obj_note: no column of EcoTaxa's"),
        (tsv({}).replace("object_id", "object_idx"), "object_id: missing: each object needs one"),
        (tsv({}).replace("acq_id", "acq_px"), "acq_id: missing: needed by the other acq_"),
        ("", "no rows"),
    ],
)
def test_a_table_that_cannot_be_read_says_where_and_why(
    tmp_path: Path, table: str | bytes, says: str
) -> None:
    text = "\n".join(told(tmp_path, table))
    assert re.search(says, text), text


def test_shuffled_columns_and_a_shorter_last_row_are_no_problem(tmp_path: Path) -> None:
    order = tuple(reversed(range(len(HEAD))))
    head, kinds, row = ([side[n] for n in order] for side in (HEAD, KINDS, GOOD))
    table = "\r\n".join("\t".join(part) for part in (head, kinds, row))
    assert told(tmp_path, table) == []


def test_the_21st_text_column_is_a_warning_that_names_it(tmp_path: Path) -> None:
    more = [f"object_t{n}" for n in range(21)]
    table = "\n".join(
        "\t".join((*base, *(fill(name) for name in more)))
        for base, fill in ((HEAD, str), (KINDS, lambda _: "[t]"), (GOOD, lambda _: "x"))
    )
    [line] = told(tmp_path, table)
    assert "object_t19: the 21th free object_t column, and EcoTaxa keeps 20" in line


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("../../etc/passwd", "a name that points out of the zip"),
        ("/etc/passwd", "a name that points out of the zip"),
        ("a\\b.png", "a name that points out of the zip"),
        ("new\nline.png", "control characters in the name"),
    ],
)
def test_names_that_climb_out_are_refused(tmp_path: Path, name: str, says: str) -> None:
    files = {"ecotaxa_a.tsv": tsv({}), "a.png": png(), name: b"x"}
    lines = looked_at(zipped(tmp_path / "u.zip", files))[1].lines()
    assert any(says in line for line in lines)


def test_links_bombs_and_lies_about_size_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "u.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ecotaxa_a.tsv", tsv({}))
        archive.writestr("a.png", png())
        link = zipfile.ZipInfo("link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("bomb.png", bytes(20 << 20))
    lines = "\n".join(looked_at(path)[1].lines())
    assert "link.png: a link, which may point anywhere" in lines
    assert "bomb.png: packed so tightly that it looks like a bomb" in lines
    data = bytearray(path.read_bytes())
    place = data.rindex(b"PK\x01\x02", 0, data.rindex(b"bomb.png"))
    struct.pack_into("<I", data, place + 24, 0xF0000000)  # 3.7 GB declared
    path.write_bytes(data)
    assert "more than 2147483648" in "\n".join(looked_at(path)[1].lines())


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"no picture", "expected one of PNG"),
        (noisy()[:900], "damaged"),
        (b"", "expected one of PNG"),
    ],
)
def test_an_image_that_is_none_is_named(tmp_path: Path, data: bytes, says: str) -> None:
    path = zipped(tmp_path / "u.zip", {"ecotaxa_a.tsv": tsv({}), "a.png": data})
    [line] = looked_at(path)[1].lines()
    assert "img_file_name 'a.png'" in line
    assert says in line


def test_what_is_no_upload_at_all_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04 and then nothing")
    for name, says in (("cut.zip", "not a zip"), ("none.zip", "no such file")):
        with pytest.raises(UploadError, match=says), open_upload(tmp_path / name, Problems()):
            pass


@given(st.binary(max_size=400), st.sampled_from(["ecotaxa_a.tsv", "ecotaxa_b.txt"]))
def test_any_bytes_as_a_table_are_problems_and_never_a_crash(data: bytes, name: str) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, data)
    problems = Problems()
    with zipfile.ZipFile(stream) as archive, TemporaryDirectory() as folder:
        archive.extractall(folder)
        with open_upload(Path(folder), problems) as upload:
            check_upload(upload, problems, pictures=False)
    assert problems.errors


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("43.5", 43.5),
        ("43°30 0", 43.5),
        ("-43°30.0", -43.5),
        ("43°30.0'S", -43.5),
        ("7°15'36\"E", 7.26),
    ],
)
def test_positions_in_degrees_and_minutes(text: str, value: float) -> None:
    assert values.degrees(text, 90) == pytest.approx(value)


@pytest.mark.parametrize("text", ["1020", "102000", "10:20", "10:20:00", "10:20:00.75", "10:20Z"])
def test_times_in_every_form(text: str) -> None:
    assert values.time(text).isoformat() == "10:20:00"
    assert values.fraction_cut(text) == (".75" in text)


def test_a_time_that_lost_its_leading_zero() -> None:
    assert values.time("920").isoformat() == "09:20:00"
    assert values.time("92005").isoformat() == "09:20:05"


def test_the_command_says_it_in_words_and_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = zipped(tmp_path / "good.zip", {"ecotaxa_a.tsv": tsv({}), "a.png": png()})
    bad = zipped(tmp_path / "bad.zip", {"ecotaxa_a.tsv": tsv({"object_lat": "99"})})
    assert main(["check", str(good)]) == 0
    assert capsys.readouterr().out.endswith(
        "1 objects in 1 table, 1 images; 0 errors, 0 warnings\n"
    )
    assert main(["check", "--json", str(bad)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["errors"] == 2
    assert told["problems"][0]["column"] == "object_lat"
    assert main(["check", str(tmp_path / "none.zip")]) == 3
    assert "no such file" in capsys.readouterr().err


def test_what_our_own_instrument_writes_is_in_order(tmp_path: Path) -> None:
    frames = ["--out", str(tmp_path / "frames"), "--frames", "1", "--width", "640"]
    assert edge(["simulate", *frames, "--height", "480"]) == 0
    assert edge(["process", str(tmp_path / "frames"), "--out", str(tmp_path / "out")]) == 0
    [path] = (tmp_path / "out").glob("ecotaxa_*.zip")
    found, problems = looked_at(path)
    assert problems.lines() == []
    assert found.objects == found.images > 0
