"""`thmverify fit`: instance files from CSV and NPZ, and what it says of data that give none."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.datasets import load_iris

from thmverify.cli import main
from thmverify.data.reading import MAX_BYTES
from thmverify.instances import read_instance

IRIS = load_iris()
HEADER = "length,width,petal length,petal width,species\n"
ROWS = [f"{','.join(map(str, x))},{IRIS.target_names[k]}\n" for x, k in zip(IRIS.data, IRIS.target, strict=True)]


@pytest.fixture
def iris(tmp_path):
    (tmp_path / "iris.csv").write_text(HEADER + "".join(ROWS))
    np.savez(tmp_path / "iris.npz", X=IRIS.data, y=IRIS.target)
    return tmp_path


def test_an_instance_from_data_is_decided(iris, capsys):
    out = iris / "iris.json"
    assert main(["fit", str(iris / "iris.csv"), "--labels", "species", "--centre", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "setosa, versicolor, virginica" in " ".join(said.split())
    assert "S_F of 2" in said
    assert main(["decide", "infonce-equality", str(out)]) == 0


def test_csv_and_npz_give_the_same_instance(iris, capsys):
    found = []
    for arguments in (["iris.csv", "--labels", "species"], ["iris.npz"], ["iris.npz", "--labels", "y"]):
        assert main(["fit", str(iris / arguments[0]), *arguments[1:], "--rank", "2", "--bias", "7/10"]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0] == found[1] == found[2]
    assert (found[0]["rank"], found[0]["bias"]) == (2, "7/10")


def test_without_out_the_instance_alone_is_on_stdout(iris, capsys):
    assert main(["fit", str(iris / "iris.npz"), "--components", "2", "--covariance", "full", "--digits", "3"]) == 0
    captured = capsys.readouterr()
    assert "rounded" in captured.err
    (iris / "two.json").write_text(captured.out)
    assert read_instance(iris / "two.json").pairs.mixture.components == 2


def test_json_holds_the_instance_and_what_was_changed(iris, capsys):
    assert main(["fit", str(iris / "iris.csv"), "--labels", "species", "--json"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert captured.err == ""
    assert found["instance"]["model"] == "shared-gmm"
    assert found["changes"]
    assert (found["dimension"], found["intended"], found["warnings"]) == (3, 3, [])


def test_columns_without_a_header_are_numbers_and_other_delimiters_are_read(tmp_path, capsys):
    data = tmp_path / "iris.tsv"
    data.write_text("".join(ROWS).replace(",", "\t"))
    assert main(["fit", str(data), "--labels", "5"]) == 0
    assert json.loads(capsys.readouterr().out)["weights"] == ["1/3"] * 3


TWO = "a,b,c\n1,2,x\n2,4,y\n"
# what is wrong: (content of the file, options, exact field, part of the rule or the remedy)
BAD = {
    "empty": ("", ["--components", "1"], "file", "is empty"),
    "header alone": ("a,b\n", ["--components", "1"], "file", "holds no data"),
    "one row": ("a,b\n1,2\n", ["--components", "1"], "file", "has one row"),
    "constant": ("a\n1\n1\n", ["--components", "1"], "file", "no column that varies"),
    "no labels, no components": ("a\n1\n2\n", [], "--components", "--labels"),
    "NaN": ("a,b\n1,2\n3,nan\n", ["--components", "1"], "line 3, column b", "is not a finite number"),
    "missing": ("a,b\n1,2\n3,\n", ["--components", "1"], "line 3, column b", "fill it in"),
    "infinite": ("a,b\n1,1e999\n3,2\n", ["--components", "1"], "line 2, column b", "is not a finite number"),
    "strings": (TWO, ["--components", "1"], "line 2, column c", '--labels "c"'),
    "decimal comma": ("a;b\n1,5;2\n", ["--components", "1"], "line 2, column a", "write 1.5"),
    "ragged": ("a,b\n1,2\n3\n", ["--components", "1"], "line 3", "must have 2"),
    "labels: no column": (TWO, ["--labels", "d"], "--labels", "its columns are a, b, c"),
    "labels: one class": ("a,c\n1,x\n2,x\n", ["--labels", "c"], "--labels", "different ones"),
    "labels: missing": ("a,c\n1,x\n2,\n", ["--labels", "c"], "line 3, column c", "has no label"),
    "labels: twice": ("a,c,c\n1,x,x\n2,y,y\n", ["--labels", "c"], "--labels", "more than one column"),
    "labels: alone": ("c\nx\ny\n", ["--labels", "c"], "file", "no column of numbers"),
    "constant within": (TWO, ["--labels", "c"], "column a", "constant within every label"),
    "labels and components": ("a,c\n1,x\n2,y\n", ["--labels", "c", "--components", "3"], "--components", "2 labels"),
    "more components than points": ("a\n1\n2\n", ["--components", "3"], "--components", "from 1 to 2"),
    "covariance": ("a\n1\n2\n", ["--components", "1", "--covariance", "round"], "--covariance", "choose tied"),
    "spherical": ("a,c\n1,x\n2,x\n3,y\n", ["--labels", "c", "--covariance", "spherical"], "--covariance", "not fitted"),
    "collinear": ("a,b,c\n1,1,x\n2,2,x\n3,3,y\n5,5,y\n", ["--labels", "c"], "covariance", "is singular"),
    "bias": ("a\n1\n2\n", ["--components", "1", "--bias", "0.5%"], "--bias", 'write "1/200"'),
    "bias above 1": ("a\n1\n2\n", ["--components", "1", "--bias", "2"], "bias", "must lie in [0, 1]"),
    "quotes": ('a\n"1\n2\n', ["--components", "1"], "line 3, column a", "is not a number"),
    "null byte": ("a\n1\0\n2\n", ["--components", "1"], "", ""),
    "not UTF-8": (b"a\n\xff\n", ["--components", "1"], "file", "is not UTF-8"),
    "huge": (b"1\n" * (MAX_BYTES // 2 + 1), ["--components", "1"], "file", "is larger than"),
    "wide": (",".join("1" * 10_001) + "\n", ["--components", "1"], "file", "more than 10000"),
    "too wide for a covariance": ("1," * 200 + "1\n" + "2," * 200 + "2\n", ["--components", "1"], "file", "diag"),
}


@pytest.mark.parametrize("name", BAD)
def test_data_that_give_no_mixture_are_one_line_on_stderr(name, tmp_path, capsys):
    content, options, field, rule = BAD[name]
    path = tmp_path / "data.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert main(["fit", str(path), *options]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert f"{field}: " in captured.err
    assert rule in captured.err


class Bomb:
    def __reduce__(self):
        return (print, ("run",))


ARRAYS = {
    "no points": ({"a": np.zeros(3)}, [], "has no array X"),
    "two candidates": ({"a": np.eye(3), "b": np.eye(3)}, [], "has no array X"),
    "flat": ({"X": np.arange(3.0)}, ["--components", "1"], "is not n × d numbers"),
    "complex": ({"X": np.eye(3) * 1j}, ["--components", "1"], "is not n × d numbers"),
    "text": ({"X": np.array([["a"]])}, ["--components", "1"], "is not n × d numbers"),
    "NaN": ({"X": np.array([[1.0], [np.nan]])}, ["--components", "1"], "is not a finite number"),
    "labels of another length": ({"X": np.eye(3), "y": np.arange(2)}, [], "one label for each of the 3 points"),
    "labels missing": ({"X": np.eye(3)}, ["--labels", "y"], "its arrays are X"),
    "labels NaN": ({"X": np.eye(2), "y": np.array([1.0, np.nan])}, [], "is not a label"),
    "objects": ({"X": np.array([[Bomb()]], dtype=object)}, ["--components", "1"], "without running it"),
    "unpacks to much": ({"X": np.zeros((MAX_BYTES // 80 + 1, 10))}, ["--components", "1"], "unpacks to more"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_that_give_no_mixture_are_one_line_on_stderr(name, tmp_path, capsys):
    arrays, options, rule = ARRAYS[name]
    path = tmp_path / "data.npz"
    np.savez_compressed(path, **arrays)
    assert main(["fit", str(path), *options]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert rule in captured.err


@pytest.mark.parametrize(
    ("name", "rule"),
    [("x.npz", "is not an .npz file"), ("x.pkl", "from_sklearn"), ("x.parquet", "neither .csv nor .npz")],
)
def test_other_files_are_refused(name, rule, tmp_path, capsys):
    (tmp_path / name).write_bytes(b"PK\x03\x04 no archive")
    assert main(["fit", str(tmp_path / name), "--components", "1"]) == 2
    assert rule in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("x.csv", "thmverify fit"), ("x.npz", "thmverify fit"), ("x.pkl", "from_sklearn"), ("x.npy", "from_floats")],
)
def test_data_where_an_instance_is_meant_get_a_sentence_that_helps(name, remedy, tmp_path, capsys):
    (tmp_path / name).write_bytes(b"\x80\x04 whatever")
    assert main(["decide", "infonce-equality", str(tmp_path / name)]) == 2
    captured = capsys.readouterr()
    assert remedy in captured.err
    assert captured.err.count("\n") == 1


DATA = {"iris": (3, 4, 2), "wine": (3, 13, 2), "breast_cancer": (2, 30, 1)}


@pytest.mark.parametrize("name", DATA)
def test_the_table_of_data_sets_is_what_is_decided(name, tmp_path, capsys):
    import sklearn.datasets

    points, labels = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
    np.savez(tmp_path / "data.npz", X=points, y=labels)
    out = tmp_path / "data.json"
    assert main(["fit", str(tmp_path / "data.npz"), "--centre", "--out", str(out)]) == 0
    components, dimension, fisher = DATA[name]
    said = " ".join(capsys.readouterr().out.split())
    assert f"{components} components in {dimension} dimensions, S_F of {fisher}" in said
    for claim, verdict, code in [
        ("infonce-equality", "proved", 0),
        ("spectral-equality", "proved", 0),
        ("pca-equality", "refuted", 3),
    ]:
        assert main(["decide", claim, str(out), "--json"]) == code
        assert json.loads(capsys.readouterr().out)["verdict"] == verdict
