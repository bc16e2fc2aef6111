"""Wrong calls: the exception is torch's, and its text says what was given and what was expected.

data/bad_input.json holds, for each wrong expression, torch 2.13's class of exception and how the text begins (torch's own
wherever minigrad's is the same). Then come files that are cut short or hostile, and wrong command lines.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad

HERE = Path(__file__).parent
ROWS: dict[str, list[str]] = json.loads((HERE / "data" / "bad_input.json").read_text())


def names(torch: Any) -> dict[str, Any]:
    def G(value: Any, **options: Any) -> Any:
        return torch.tensor(value, requires_grad=True, **options)

    return {
        "torch": torch, "nn": torch.nn, "F": torch.nn.functional, "np": np, "T": torch.tensor, "G": G, "ones": torch.ones,
        "zeros": torch.zeros,
    }  # fmt: skip


def test_the_table_is_long_enough_to_mean_something() -> None:
    assert len(ROWS) >= 200
    assert len({name for name, _ in ROWS.values()}) >= 6


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("source", ROWS)
def test_a_wrong_call_raises_torchs_error_and_says_why(source: str, capsys: Any) -> None:
    name, begins = ROWS[source]
    with pytest.raises(Exception) as caught:
        eval(source, names(minigrad))
    assert type(caught.value).__name__ == name
    assert str(caught.value).startswith(begins)
    assert caught.value.__context__ is None or caught.value.__suppress_context__ or isinstance(caught.value.__context__, Exception)
    said = capsys.readouterr()
    assert said.out == said.err == ""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("source", ROWS)
def test_the_class_of_error_is_that_of_torch_now(source: str) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("torch.utils.data")

    with pytest.raises(Exception) as caught:
        eval(source, names(torch))
    assert type(caught.value).__name__ == ROWS[source][0]


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.add_(minigrad.ones(5)),
        lambda x: x.__setitem__([0, 7], 1.0),
        lambda x: x.__setitem__(slice(0, 2), minigrad.ones(3)),
        lambda x: x.copy_(minigrad.ones(2)),
        lambda x: x.clamp_("a"),
        lambda x: minigrad.add(x, minigrad.ones(4), out=x),
        lambda x: minigrad.add(x, x, out=minigrad.tensor([1, 2, 3])),
        lambda x: x[:2].copy_(x[1:]),
    ],
)
def test_a_refused_write_changes_nothing(call: Any) -> None:
    x = minigrad.tensor([1.0, 2.0, 3.0])
    version = x._version
    with pytest.raises((RuntimeError, TypeError, IndexError)):
        call(x)
    assert x.tolist() == [1.0, 2.0, 3.0] and x._version == version and x.dtype is minigrad.float32


# ------------------------------------------------------------------ files


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    path = tmp_path / "model.npz"
    minigrad.save({"weight": minigrad.arange(12.0).reshape(3, 4), "step": 5}, path)
    return path


def test_a_file_that_is_cut_short_is_refused_wherever_it_is_cut(whole: Path) -> None:
    data = whole.read_bytes()
    for size in [*range(0, len(data) - 1, 37), len(data) - 1]:
        whole.write_bytes(data[:size])
        with pytest.raises(RuntimeError, match="is not a whole file written by minigrad.save"):
            minigrad.load(whole)


def test_a_changed_byte_is_refused_or_changes_nothing_that_was_saved(whole: Path) -> None:
    data = whole.read_bytes()
    for at in range(0, len(data), 11):
        whole.write_bytes(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
        try:
            back = minigrad.load(whole)
        except RuntimeError as error:
            assert "is not a whole file" in str(error)
        else:
            assert back["step"] == 5 and back["weight"].tolist() == np.arange(12.0).reshape(3, 4).tolist()


HOSTILE = {
    "nothing": b"",
    "text": b"weight = 5\n",
    "a pickle": b"cposix\nsystem\n(S'echo ran > ran'\ntR.",
    "a zip's head": b"PK\x03\x04" + b"\0" * 40,
    "zeros": b"\0" * 1000,
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_foreign_file_is_refused_and_nothing_in_it_is_run(content: bytes, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f").write_bytes(content)
    with pytest.raises(RuntimeError, match="'f' is not a whole file written by minigrad.save"):
        minigrad.load("f")
    assert os.listdir() == ["f"]


STRUCTURES = [
    "5 5", "[1, 2]", "{}", '{"tensor": "w"}', '{"tensor": "../w", "requires_grad": false, "parameter": false}', '{"os.system": "ls"}',
    '{"list": 5}', '{"dict": [[{"list": []}, 1]]}', '{"dtype": "object"}', "[" * 100_000, '{"Size": ["a"]}', '"' + "a" * 10 + "\\ud800",
]  # fmt: skip


@pytest.mark.parametrize("structure", STRUCTURES, ids=lambda s: s[:30])
def test_a_structure_that_save_does_not_write_is_refused(structure: str, tmp_path: Path) -> None:
    path = tmp_path / "f"
    with zipfile.ZipFile(path, "w") as archive, archive.open("structure.npy", "w") as member:
        np.lib.format.write_array(member, np.frombuffer(structure.encode("utf-8", "surrogatepass"), np.uint8))
    with pytest.raises(RuntimeError, match="is not a whole file written by minigrad.save"):
        minigrad.load(path)


def test_an_array_that_claims_to_be_larger_than_the_file_takes_no_memory(whole: Path) -> None:
    with zipfile.ZipFile(whole) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    members["weight.npy"] = members["weight.npy"].replace(b"(3, 4)", b"(9**9,)"[:6]).replace(b"(9**9,", b"(1<<40")
    members["weight.npy"] = members["weight.npy"].replace(b"(1<<40", b"(99999")
    with zipfile.ZipFile(whole, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(RuntimeError, match="is not a whole file"):
        minigrad.load(whole)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="none.npz"):
        minigrad.load(tmp_path / "none.npz")
    with pytest.raises(IsADirectoryError):
        minigrad.load(tmp_path)


@pytest.mark.parametrize(
    "thing",
    [object(), lambda: 5, {"a": [object()]}, 1j, minigrad.nn.Linear(1, 1)],
    ids=["object", "function", "inside", "complex", "module"],
)
def test_what_can_not_be_saved_leaves_the_old_file(thing: Any, whole: Path) -> None:
    before = whole.read_bytes()
    with pytest.raises(TypeError, match="can't save an object of type"):
        minigrad.save(thing, whole)
    assert whole.read_bytes() == before and os.listdir(whole.parent) == [whole.name]


def test_a_full_disk_leaves_the_old_file(whole: Path, monkeypatch: Any) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    before = whole.read_bytes()
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        minigrad.save([1], whole)
    assert whole.read_bytes() == before and os.listdir(whole.parent) == [whole.name]


# ------------------------------------------------------------------ command lines


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("minigrad", "usage"),
        ("minigrad no_such_file.py", "can't open file 'no_such_file.py'"),
        ("minigrad --nonsense", "usage"),
        ("minigrad .", "'.'"),
        ("demos no_such_lesson", "no_such_lesson"),
        ("demos --seed many", "many"),
        ("demos --nonsense", "--nonsense"),
        ("demos gradient_descent --out", "--out"),
    ],
)
def test_a_wrong_command_line_ends_with_2_and_names_what_was_wrong(command: str, says: str, tmp_path: Path) -> None:
    if command.startswith("demos"):
        pytest.importorskip("matplotlib")
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
    done = subprocess.run(
        [sys.executable, "-m", *command.split()], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert says in done.stderr and "Traceback" not in done.stderr and done.stdout == ""
    assert os.listdir(tmp_path) == []
