"""save and load: what goes in comes out; a file is whole or not there; a file that is not ours is refused and never run."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path

import numpy as np
import pytest

import minigrad as torch
from minigrad import nn, serialization


def there_and_back(obj):
    stream = io.BytesIO()
    torch.save(obj, stream)
    stream.seek(0)
    return torch.load(stream)


def same(a, b):
    if type(a) is not type(b):
        return False
    if isinstance(a, torch.Tensor):
        return (
            a.dtype is b.dtype and a.shape == b.shape and a.requires_grad == b.requires_grad
            and a.detach().numpy().tobytes() == b.detach().numpy().tobytes()
        )  # fmt: skip
    if isinstance(a, dict):
        return len(a) == len(b) and all(same(k, m) and same(v, w) for (k, v), (m, w) in zip(a.items(), b.items()))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return a == b or (a != a and b != b)


DTYPES = [
    torch.float64, torch.float32, torch.float16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool,
]  # fmt: skip
THINGS = [
    None, True, 0, -5, 2**80, 1.5, float("inf"), float("nan"), -0.0, "", "text ∂ 😀", [], (), {}, set(), [1, [2, (3, {4})]],
    {"a": 1, 5: "b", 2.5: None, None: 1, (1, "x"): [1], True: 0}, OrderedDict([("b", 1), ("a", 2)]), Counter({3: 2}),
    torch.Size([2, 3]), np.float32(1.5), np.arange(3), np.array(2.0), np.bool_(True),
    torch.tensor(1.5), torch.tensor([]), torch.zeros(0, 3), torch.tensor([float("nan"), -0.0, float("inf")]),
    torch.ones(2, requires_grad=True), torch.arange(6.0).reshape(2, 3).t(), torch.arange(10)[2:8:3],
    nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2), requires_grad=False), [torch.ones(1), {"x/y": torch.zeros(1)}],
    {"structure": torch.ones(1), "a": torch.ones(2), "a_": torch.ones(3), "": torch.ones(4)},
    *[torch.tensor([0, 1, 2]).to(d) for d in DTYPES],
]  # fmt: skip


@pytest.mark.parametrize("thing", THINGS, ids=repr)
def test_everything_comes_back_as_it_was(thing):
    assert same(there_and_back(thing), thing)
    assert same(there_and_back({"deep": [thing]}), {"deep": [thing]})


def test_a_checkpoint_resumes_training_where_it_stopped(tmp_path):
    def session():
        torch.manual_seed(3)
        net = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Dropout(0.2), nn.Linear(4, 1))
        optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
        return net, optimizer, torch.optim.lr_scheduler.StepLR(optimizer, 2)

    def train(net, optimizer, schedule, steps):
        for _ in range(steps):
            x = torch.randn(8, 2)
            loss = nn.functional.mse_loss(net(x), x[:, :1])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        return loss.item()

    straight = session()
    train(*straight, 3)
    names = ("net", "optimizer", "schedule")
    checkpoint = {name: part.state_dict() for name, part in zip(names, straight)} | {"rng": torch.get_rng_state()}
    torch.save(checkpoint, tmp_path / "checkpoint.pt")
    expected = train(*straight, 3)
    resumed = session()
    loaded = torch.load(tmp_path / "checkpoint.pt")
    for name, part in zip(names, resumed):
        part.load_state_dict(loaded[name])
    torch.set_rng_state(loaded["rng"])
    assert train(*resumed, 3) == expected
    for a, b in zip(straight[0].state_dict().values(), resumed[0].state_dict().values()):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_numpy_reads_the_arrays_by_their_paths(tmp_path):
    net = nn.Linear(2, 1)
    torch.save({"model": net.state_dict(), "epoch": 3}, tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz") as file:
        assert set(file) == {"structure", "model/weight", "model/bias"}
        np.testing.assert_array_equal(file["model/weight"], net.weight.detach().numpy())


def test_shared_memory_is_stored_once_and_shared_again():
    big = torch.zeros(1000)
    stream = io.BytesIO()
    torch.save({"a": big, "b": big.detach()}, stream)
    assert len(stream.getvalue()) < 2 * big.numel() * 4
    loaded = there_and_back({"a": big, "b": big.detach()})
    loaded["a"][3] = 7
    assert loaded["b"][3].item() == 7


def test_paths_open_files_and_streams(tmp_path):
    for target in (str(tmp_path / "a"), tmp_path / "b.pt"):
        torch.save(torch.ones(2), target)
        assert torch.load(target).tolist() == [1, 1]
    with open(tmp_path / "c", "wb") as file:
        torch.save([1, 2], file)
    with open(tmp_path / "c", "rb") as file:
        assert torch.load(file, map_location="cpu", weights_only=True) == [1, 2]
    assert sorted(os.listdir(tmp_path)) == ["a", "b.pt", "c"]


class Foreign:
    pass


@pytest.mark.parametrize(
    "thing",
    [nn.Linear(1, 1), Foreign(), lambda: 1, {"a": [object()]}, {1, Foreign}, b"bytes", 1j, np.array(["a"]), type, ...],
)
def test_other_objects_are_refused_before_anything_is_written(thing, tmp_path):
    torch.save("old", tmp_path / "file")
    with pytest.raises(TypeError, match="can't save an object of type"):
        torch.save(thing, tmp_path / "file")
    with pytest.raises(TypeError):
        torch.save(thing, tmp_path / "new")
    assert os.listdir(tmp_path) == ["file"]
    assert torch.load(tmp_path / "file") == "old"


def test_a_module_s_refusal_says_what_to_save():
    with pytest.raises(TypeError, match=r"type Linear: save its state_dict\(\)"):
        torch.save(nn.Linear(1, 1), io.BytesIO())
    with pytest.raises(TypeError, match=r"type Adam: save its state_dict\(\)"):
        torch.save({"o": torch.optim.Adam([nn.Parameter(torch.ones(1))])}, io.BytesIO())


@pytest.mark.parametrize("failing", ["open", "replace", "write"])
def test_a_failed_save_leaves_the_old_file_and_no_other(failing, tmp_path, monkeypatch):
    path = tmp_path / "model.pt"
    torch.save("old", path)

    def fail(*args, **kwargs):
        raise OSError("disk full")

    if failing == "replace":
        monkeypatch.setattr(os, "replace", fail)
    else:

        class Full(io.FileIO):
            write = fail

        monkeypatch.setattr(
            serialization, "open", fail if failing == "open" else lambda p, mode: Full(p, mode), raising=False
        )
    with pytest.raises(OSError, match="disk full"):
        torch.save(torch.ones(3), path)
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["model.pt"]
    assert torch.load(path) == "old"


def test_missing_places_are_named(tmp_path):
    with pytest.raises(RuntimeError, match=r"Parent directory .*nowhere does not exist\."):
        torch.save(1, tmp_path / "nowhere" / "file")
    with pytest.raises(FileNotFoundError):
        torch.load(tmp_path / "nothing")


def whole():
    stream = io.BytesIO()
    torch.save({"w": torch.arange(20.0), "n": [1, "two"]}, stream)
    return stream.getvalue()


def test_a_file_cut_anywhere_is_refused():
    data = whole()
    for length in range(len(data)):
        with pytest.raises(RuntimeError, match="is not a whole file written by minigrad.save"):
            torch.load(io.BytesIO(data[:length]))


def test_a_file_with_any_byte_changed_is_refused_or_reads_the_same():
    """Checksums guard the contents; a changed byte in what zip itself does not need changes nothing."""
    data = whole()
    expected = torch.load(io.BytesIO(data))
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 0xFF
        try:
            loaded = torch.load(io.BytesIO(bytes(changed)))
        except RuntimeError as error:
            assert "is not a whole file written by minigrad.save" in str(error)
        else:
            assert same(loaded, expected), place


def archive(structure, arrays=(), compression=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as file:
        for name, content in {"structure": np.frombuffer(structure.encode(), np.uint8), **dict(arrays)}.items():
            member = io.BytesIO()
            if isinstance(content, bytes):
                member.write(content)
            else:
                np.lib.format.write_array(member, content, allow_pickle=True)
            file.writestr(f"{name}.npy", member.getvalue())
    return stream.getvalue()


class Runs:
    def __reduce__(self):
        return (os.abort, ())


def header(shape, descr="<f4"):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue()


TENSOR = '{"tensor": "x", "requires_grad": false, "parameter": false}'
HOSTILE = {
    "empty": b"",
    "text": b"hello",
    "zeros": bytes(10_000),
    "a pickle": pickle.dumps({"w": [1.0]}),
    "a pickle that runs": pickle.dumps(Runs()),
    "an array of objects": archive(TENSOR, {"x": np.array([Runs()], object)}),
    "an array of text": archive(TENSOR, {"x": np.array(["a"])}),
    "an array of dates": archive(TENSOR, {"x": np.array(["2020-01-01"], "M8[D]")}),
    "complex numbers as a tensor": archive(TENSOR, {"x": np.array([1j])}),
    "a shape of 4 TB": archive(TENSOR, {"x": header((10**12,)) + b"abcd"}),
    "a negative shape": archive(TENSOR, {"x": header((-1,)) + b"abcd"}),
    "too few bytes": archive(TENSOR, {"x": header((2,)) + b"abcd"}),
    "too many bytes": archive(TENSOR, {"x": header((1,)) + b"abcdefgh"}),
    "no header": archive(TENSOR, {"x": b"abcdefgh"}),
    "a header that is no dict": archive(TENSOR, {"x": b"\x93NUMPY\x01\x00\x10\x00" + b"__import__('os')"}),
    "compressed": archive(TENSOR, {"x": np.zeros(10**6, np.float32)}, zipfile.ZIP_DEFLATED),
    "no such array": archive(TENSOR),
    "no JSON": archive("{"),
    "deep": archive("[" * 100_000),
    "deep lists": archive('{"list": [' * 5000 + "]}" * 5000),
    "a bare list": archive("[1]"),
    "unknown kind": archive('{"eval": "1"}'),
    "no kind": archive("{}"),
    "unhashable key": archive('{"dict": [[{"list": []}, 1]]}'),
    "a key alone": archive('{"dict": [[1]]}'),
    "a list that is a number": archive('{"list": 5}'),
    "a tensor without flags": archive('{"tensor": "x"}', {"x": np.ones(2, np.float32)}),
    "integers that require grad": archive(TENSOR.replace("false,", "true,"), {"x": np.ones(2, np.int64)}),
    "unknown dtype": archive('{"dtype": "float7"}'),
    "unknown device": archive('{"device": "moon"}'),
    "a size of strings": archive('{"Size": ["a"]}'),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_foreign_and_hostile_files_are_refused_with_a_clear_error(name, tmp_path):
    path = tmp_path / "file.pt"
    path.write_bytes(HOSTILE[name])
    with pytest.raises(RuntimeError, match="file.pt' is not a whole file written by minigrad.save"):
        torch.load(str(path))


def test_a_file_of_torch_says_so(tmp_path):
    with zipfile.ZipFile(tmp_path / "torch.pt", "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps(1))
    with pytest.raises(RuntimeError, match="it was written by torch.save"):
        torch.load(tmp_path / "torch.pt")


def test_other_devices_are_refused(tmp_path):
    torch.save(1, tmp_path / "file")
    with pytest.raises(AssertionError, match="Torch not compiled with CUDA enabled"):
        torch.load(tmp_path / "file", map_location="cuda")


def test_the_structure_is_json_and_nothing_else(tmp_path):
    torch.save({"w": torch.ones(2), "lr": 0.1}, tmp_path / "file")
    with zipfile.ZipFile(tmp_path / "file") as file:
        assert sorted(file.namelist()) == ["structure.npy", "w.npy"]
    structure = json.loads(np.load(Path(tmp_path / "file"))["structure"].tobytes())
    assert structure == {
        "dict": [["w", {"tensor": "w", "requires_grad": False, "parameter": False}], ["lr", 0.1]],
    }
