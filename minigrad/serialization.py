"""`save` and `load`: tensors, and dicts and lists of them, as one .npz file.

Such a file holds no code: loading one can't run anything. Inside are one array for each tensor, named by its path
('model/0.weight'; `numpy.load` reads them too), and 'structure', JSON that says how they hang together. A file is
written whole or not at all. parity/convert.py turns state dicts into torch's and back.
"""

from __future__ import annotations

import io
import json
import math
import os
import zipfile
from collections import Counter, OrderedDict, defaultdict
from typing import Any

import numpy as np

from . import dtypes
from .autograd.graph import wrap
from .nn.module import Parameter
from .tensor import Tensor

SEQUENCES: dict[str, type] = {"list": list, "tuple": tuple, "set": set, "Size": dtypes.Size}
MAPPINGS: dict[str, type] = {"dict": dict, "OrderedDict": OrderedDict, "Counter": Counter}
NAMES: dict[type, str] = {kind: name for name, kind in (SEQUENCES | MAPPINGS).items()} | {defaultdict: "dict"}


def save(obj: Any, f: Any, pickle_module: Any = None, pickle_protocol: Any = None,
         _use_new_zipfile_serialization: bool = True, _disable_byteorder_record: bool = False) -> None:  # fmt: skip
    """Write tensors, arrays, numbers, strings, and nested dicts, lists, tuples and sets of them to a path or open file.

    Tensors that share all their memory share it again after `load`. TypeError, before anything is written, for other
    objects; a module is saved by its `state_dict()`.
    """
    arrays = {"structure": np.zeros(0, np.uint8)}
    structure = json.dumps(_encode(obj, "", arrays, {}))
    arrays["structure"] = np.frombuffer(structure.encode(), np.uint8)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    if hasattr(f, "write"):
        f.write(stream.getbuffer())
        return
    path = os.fspath(f)
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise RuntimeError(f"Parent directory {os.path.dirname(path)} does not exist.")
    unfinished = f"{path}.{os.getpid()}.unfinished"
    try:
        with open(unfinished, "xb") as file:
            file.write(stream.getbuffer())
        os.replace(unfinished, path)
    finally:
        if os.path.exists(unfinished):
            os.remove(unfinished)


def _encode(obj: Any, path: str, arrays: dict[str, Any], seen: dict[int, str]) -> Any:
    """obj as JSON: None, bools, numbers and strings as they are, all else as {kind: content}; arrays by their names."""
    if obj is None or type(obj) in (bool, int, float, str):
        return obj
    if isinstance(obj, Tensor):
        name = _store(obj._storage(), path or "tensor", arrays, seen)
        return {"tensor": name, "requires_grad": obj.requires_grad, "parameter": isinstance(obj, Parameter)}
    if isinstance(obj, np.ndarray | np.generic) and obj.dtype.kind in "buifc":
        kind = "array" if isinstance(obj, np.ndarray) else "scalar"
        return {kind: _store(np.asarray(obj), path or kind, arrays, seen)}
    kind, below = NAMES.get(type(obj), ""), path and path + "/"

    def part(key: Any, value: Any) -> Any:
        return _encode(value, f"{below}{key}", arrays, seen)

    if kind in SEQUENCES:
        return {kind: [part(i, value) for i, value in enumerate(obj)]}
    if kind in MAPPINGS:
        return {kind: [[part("key", key), part(key, value)] for key, value in obj.items()]}
    advice = ": save its state_dict()" if hasattr(obj, "state_dict") else ""
    raise TypeError(
        f"can't save an object of type {type(obj).__name__}{advice}. minigrad saves tensors, NumPy arrays, numbers, "
        "strings, and dicts, lists, tuples and sets of them"
    )


def _store(array: np.ndarray[Any, Any], name: str, arrays: dict[str, Any], seen: dict[int, str]) -> str:
    """The name under which the array is in the file: the one it has already, or this one."""
    if id(array) not in seen:
        while name in arrays:
            name += "_"
        seen[id(array)], arrays[name] = name, array
    return seen[id(array)]


def load(f: Any, map_location: Any = None, pickle_module: Any = None, *, weights_only: bool | None = None,
         mmap: bool | None = None) -> Any:  # fmt: skip
    """What `save` wrote to a path or open file. Nothing in a file is ever run, whatever `weights_only` says.

    RuntimeError for a file that is cut short, changed, or not written by `save`.
    """
    if isinstance(map_location, str | dtypes.device):
        dtypes.check_device(map_location)
    try:
        with zipfile.ZipFile(f) as archive:
            if "structure.npy" not in archive.namelist():
                by_torch = any(name.endswith("data.pkl") for name in archive.namelist())
                raise ValueError(f"it was written by {'torch.save' if by_torch else 'another program'}")
            return _decode(json.loads(_read(archive, "structure").tobytes().decode()), archive, {})
    except Exception as error:
        if isinstance(error, OSError) and error.filename is not None:  # it can't be opened
            raise
        reason, name = f"{type(error).__name__}: {error}", getattr(f, "name", f)
        raise RuntimeError(f"{name!r} is not a whole file written by minigrad.save ({reason})") from error


def _read(archive: zipfile.ZipFile, name: str) -> np.ndarray[Any, Any]:
    """One array of the file. Its size is checked before memory is taken for it; objects are refused."""
    entry = archive.getinfo(f"{name}.npy")
    if entry.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is compressed")
    data = io.BytesIO(archive.read(entry))
    if np.lib.format.read_magic(data) != (1, 0):
        raise ValueError(f"{name} has an unknown format")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(data)
    rest = data.read()
    if dtype.kind not in "buifc" or len(rest) != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{name} is said to be {dtype} of shape {shape}, which its {len(rest)} bytes are not")
    return np.frombuffer(rest, dtype).reshape(shape, order="F" if fortran else "C").copy("K")


def _decode(node: Any, archive: zipfile.ZipFile, tensors: dict[str, Tensor]) -> Any:
    if node is None or isinstance(node, bool | int | float | str):
        return node
    if not isinstance(node, dict) or not node:
        raise ValueError(f"the structure has {node!r:.50} where a value should be")
    kind, content = next(iter(node.items()))
    if kind in SEQUENCES:
        values = [_decode(value, archive, tensors) for value in content]
        if kind == "Size" and not all(type(value) is int for value in values):
            raise ValueError("a size is made of integers")
        return SEQUENCES[kind](values)
    if kind in MAPPINGS:
        return MAPPINGS[kind]({_decode(k, archive, tensors): _decode(v, archive, tensors) for k, v in content})
    if kind == "tensor":
        if content not in tensors:
            tensors[content] = wrap(_read(archive, content))
        shared = tensors[content].detach()
        dtypes.from_numpy(shared._array.dtype)  # TypeError for a type that no tensor has
        return Parameter(shared, node["requires_grad"]) if node["parameter"] else shared.requires_grad_(node["requires_grad"])
    if kind in ("array", "scalar"):
        array = _read(archive, content)
        return array if kind == "array" else array[()]
    raise ValueError(f"the structure has an unknown kind {kind!r}")
