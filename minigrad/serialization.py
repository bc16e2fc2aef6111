"""`save` and `load`: tensors, and dicts and lists of them, as one .npz file.

Such a file holds no code: loading one can't run anything. Inside are one array for each tensor, named by its path
('model/0.weight'; `numpy.load` reads them too), and 'structure', JSON that says how they hang together. A file is
written whole or not at all. parity/convert.py turns state dicts into torch's and back.
"""

from __future__ import annotations

import io
import json
import math
import operator
import os
import zipfile
from collections import Counter, OrderedDict, defaultdict
from typing import Any

import numpy as np

from . import dtypes
from .autograd.graph import wrap
from .nn.module import Module, Parameter
from .tensor import Tensor

SEQUENCES: dict[str, type] = {"list": list, "tuple": tuple, "set": set, "Size": dtypes.Size}
MAPPINGS: dict[str, type] = {"dict": dict, "OrderedDict": OrderedDict, "Counter": Counter}
NAMES: dict[type, str] = {kind: name for name, kind in (SEQUENCES | MAPPINGS).items()} | {defaultdict: "dict"}
DTYPES = {d.name: d for d in dtypes.ALL}


def save(
    obj: Any, f: Any, pickle_module: Any = None, pickle_protocol: Any = None,
    _use_new_zipfile_serialization: bool = True, _disable_byteorder_record: bool = False,
) -> None:  # fmt: skip
    """Write tensors, arrays, numbers, strings, and nested dicts, lists, tuples and sets of them to a path or open file.

    Tensors that share all their memory share it again after `load`. TypeError, before anything is written, for other
    objects; a module is saved by its `state_dict()`.
    """
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    structure = json.dumps(_encode(obj, "", arrays, {}))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, array in {"structure": np.frombuffer(structure.encode(), np.uint8), **arrays}.items():
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
    except BaseException:
        if os.path.exists(unfinished):
            os.remove(unfinished)
        raise


def _encode(obj: Any, path: str, arrays: dict[str, Any], seen: dict[int, str]) -> Any:
    """obj as JSON: None, bools, numbers and strings as they are, all else as {kind: content}."""
    if obj is None or type(obj) in (bool, int, float, str):
        return obj
    if isinstance(obj, Tensor):
        name = _store(obj._storage(), path or "tensor", arrays, seen)
        return {"tensor": name, "requires_grad": obj.requires_grad, "parameter": isinstance(obj, Parameter)}
    if isinstance(obj, np.ndarray | np.generic) and obj.dtype.kind in "buifc":
        kind = "array" if isinstance(obj, np.ndarray) else "scalar"
        return {kind: _store(np.asarray(obj), path or kind, arrays, seen)}
    if isinstance(obj, dtypes.dtype):
        return {"dtype": obj.name}
    if isinstance(obj, dtypes.device):
        return {"device": str(obj)}
    kind = NAMES.get(type(obj), "")
    below = path and path + "/"
    if kind in SEQUENCES:
        return {kind: [_encode(value, f"{below}{i}", arrays, seen) for i, value in enumerate(obj)]}
    if kind in MAPPINGS:
        pairs = [
            [_encode(key, f"{below}key", arrays, seen), _encode(value, f"{below}{key}", arrays, seen)]
            for key, value in obj.items()
        ]
        return {kind: pairs}
    advice = ": save its state_dict()" if isinstance(obj, Module) or hasattr(obj, "state_dict") else ""
    raise TypeError(
        f"can't save an object of type {type(obj).__name__}{advice}. minigrad saves tensors, NumPy arrays, numbers, "
        "strings, and dicts, lists, tuples and sets of them"
    )


def _store(array: np.ndarray[Any, Any], path: str, arrays: dict[str, Any], seen: dict[int, str]) -> str:
    """The name under which the array is in the file: the one it has already, or its path."""
    if id(array) not in seen:
        name = path
        while name in arrays or name == "structure":
            name += "_"
        seen[id(array)] = name
        arrays[name] = array
    return seen[id(array)]


def load(
    f: Any, map_location: Any = None, pickle_module: Any = None, *, weights_only: bool | None = None,
    mmap: bool | None = None,
) -> Any:  # fmt: skip
    """What `save` wrote to a path or open file. Nothing in a file is ever run, whatever `weights_only` says.

    RuntimeError for a file that is cut short, changed, or not written by `save`.
    """
    if isinstance(map_location, str | dtypes.device):
        dtypes.check_device(map_location)
    name = getattr(f, "name", f)
    try:
        with zipfile.ZipFile(f) as archive:
            if "structure.npy" not in archive.namelist():
                by_torch = any(n.endswith("data.pkl") for n in archive.namelist())
                raise ValueError(f"it was written by {'torch.save' if by_torch else 'another program'}")
            structure = json.loads(_read(archive, "structure").tobytes().decode())
            return _decode(structure, archive, {})
    except Exception as error:
        if isinstance(error, OSError) and error.filename is not None:  # it can't be opened
            raise
        reason = f"{type(error).__name__}: {error}"
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
    rest = data.getbuffer()[data.tell() :]
    if dtype.kind not in "buifc" or len(rest) != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{name} is said to be {dtype} of shape {shape}, which its {len(rest)} bytes are not")
    return np.frombuffer(rest, dtype).reshape(shape, order="F" if fortran else "C").copy("K")


def _decode(node: Any, archive: zipfile.ZipFile, tensors: dict[str, Tensor]) -> Any:
    if not isinstance(node, dict):
        if node is None or isinstance(node, bool | int | float | str):
            return node
        raise ValueError(f"the structure has a {type(node).__name__} where a value should be")
    if not node:
        raise ValueError("the structure has an empty value")
    kind, content = next(iter(node.items()))
    if kind in SEQUENCES:
        values = [_decode(value, archive, tensors) for value in content]
        return SEQUENCES[kind](map(operator.index, values) if kind == "Size" else values)
    if kind in MAPPINGS:
        return MAPPINGS[kind]({_decode(k, archive, tensors): _decode(v, archive, tensors) for k, v in content})
    if kind == "tensor":
        if content not in tensors:
            array = _read(archive, content)
            dtypes.from_numpy(array.dtype)
            tensors[content] = wrap(array)
        shared = tensors[content].detach()
        if node["parameter"]:
            return Parameter(shared, node["requires_grad"])
        return shared.requires_grad_(node["requires_grad"])
    if kind in ("array", "scalar"):
        array = _read(archive, content)
        return array if kind == "array" else array[()]
    if kind == "dtype":
        return DTYPES[content]
    if kind == "device":
        return dtypes.device(content)
    raise ValueError(f"the structure has an unknown kind {kind!r}")
