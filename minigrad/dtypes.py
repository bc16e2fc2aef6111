"""Types of elements, shapes and devices, under torch's names.

`float32`, `int64`, ... are objects of their own, as in torch (they print as `torch.float32`), each standing for a NumPy
dtype. `promote_types` is torch's lattice: bool < integers < floats, so that int64 with float32 gives float32, where NumPy
would give float64. Who outranks whom between tensors of different rank is settled in `ops/promotion.py`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np


class dtype:
    """The type of a tensor's elements, e.g. `torch.float32`; compared by identity.

    Attributes: `numpy` (the np.dtype), `name` ('float32'), `itemsize` (bytes), `is_floating_point`, `legacy` (the name in
    old type strings and error texts: 'Float' for float32, as in `torch.FloatTensor`).
    """

    __slots__ = ("numpy", "name", "legacy", "itemsize", "is_floating_point")
    is_complex = False

    def __init__(self, name: str, legacy: str) -> None:
        self.numpy = np.dtype(name)
        self.name = name
        self.legacy = legacy
        self.itemsize = self.numpy.itemsize
        self.is_floating_point = self.numpy.kind == "f"

    @property
    def is_signed(self) -> bool:
        return self.numpy.kind in "if"

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return "bool_" if self.name == "bool" else self.name


bool_ = dtype("bool", "Bool")
uint8 = dtype("uint8", "Byte")
int8 = dtype("int8", "Char")
int16 = dtype("int16", "Short")
int32 = dtype("int32", "Int")
int64 = dtype("int64", "Long")
float16 = dtype("float16", "Half")
float32 = dtype("float32", "Float")
float64 = dtype("float64", "Double")

ALL = (bool_, uint8, int8, int16, int32, int64, float16, float32, float64)
_BY_NUMPY = {d.numpy: d for d in ALL}
_CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2}
_default = float32


def from_numpy(numpy_dtype: Any) -> dtype:
    """The torch name of a NumPy dtype; TypeError for those that have none (strings, objects, complex numbers)."""
    try:
        return _BY_NUMPY[np.dtype(numpy_dtype)]
    except KeyError:
        raise TypeError(
            f"can't convert np.ndarray of type numpy.{np.dtype(numpy_dtype).type.__name__}. The only supported types "
            f"are: {', '.join(d.name for d in ALL)}."
        ) from None


def as_dtype(value: Any) -> Any:
    """The dtype that Python's float, int or bool stands for; anything else as it is."""
    return {float: float64, int: int64, bool: bool_}.get(value, value) if isinstance(value, type) else value


def category(numpy_dtype: np.dtype[Any]) -> int:
    """0 for bool, 1 for integers, 2 for floats: a weaker operand only counts when its category is higher."""
    return _CATEGORY[numpy_dtype.kind]


def promote_types(a: dtype, b: dtype) -> dtype:
    """The type of `a + b` for two tensors of the same rank, from torch's promotion lattice."""
    if category(a.numpy) != category(b.numpy):
        return max(a, b, key=lambda d: category(d.numpy))
    return from_numpy(np.promote_types(a.numpy, b.numpy))


def get_default_dtype() -> dtype:
    """The float type of `torch.tensor(1.5)`, `torch.zeros(3)`, ...: float32 until `set_default_dtype`."""
    return _default


def set_default_dtype(d: dtype) -> None:
    """Make `d` the default float type. TypeError unless it is a floating type."""
    global _default
    if not isinstance(d, dtype) or not d.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    _default = d


class Size(tuple[int, ...]):
    """A shape: a tuple that prints as `torch.Size([2, 3])` and counts its elements."""

    __slots__ = ()

    def numel(self) -> int:
        return math.prod(self)

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    def __add__(self, other: Any) -> Any:
        return Size(tuple(self) + tuple(other))

    def __getitem__(self, index: Any) -> Any:
        item = tuple.__getitem__(self, index)
        return Size(item) if isinstance(index, slice) else item


class device:
    """`torch.device('cpu')`. Others can be named, and are refused where a tensor would be put on them."""

    __slots__ = ("type", "index")

    def __init__(self, type: Any, index: int | None = None) -> None:
        if isinstance(type, device):
            type, index = type.type, type.index
        if not isinstance(type, str):
            raise TypeError(f"device(): argument 'type' must be str, not {type.__class__.__name__}")
        name, _, number = type.partition(":")
        if name not in ("cpu", "cuda", "mps", "xpu", "meta") or (number and not number.isdigit()):
            raise RuntimeError(f"Invalid device string: '{type}'")
        self.type = name
        self.index = int(number) if number else index

    def __repr__(self) -> str:
        return f"device(type='{self.type}'" + (")" if self.index is None else f", index={self.index})")

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))


CPU = device("cpu")


def check_device(where: Any) -> None:
    """Accept None and the CPU; anything else raises what torch without CUDA raises."""
    if where is not None and device(where).type != "cpu":
        if device(where).type == "cuda":
            raise AssertionError("Torch not compiled with CUDA enabled")
        raise RuntimeError(f"minigrad computes on the CPU; there is no device '{where}'")


class finfo:
    """Limits of a float type, as `torch.finfo`: eps, max, min, tiny, bits."""

    def __init__(self, type: Any = None) -> None:
        info = np.finfo((type or _default).numpy)
        self.eps, self.max, self.min = info.eps.item(), info.max.item(), info.min.item()
        self.tiny = self.smallest_normal = info.tiny.item()
        self.bits, self.dtype, self.resolution = info.bits, (type or _default).name, 10.0**-info.precision

    def __repr__(self) -> str:
        shown = "resolution min max eps smallest_normal tiny"
        return f"finfo({', '.join(f'{name}={getattr(self, name):g}' for name in shown.split())}, dtype={self.dtype})"


class iinfo:
    """Limits of an integer type, as `torch.iinfo`: max, min, bits."""

    def __init__(self, type: dtype) -> None:
        info = np.iinfo(type.numpy)
        self.max, self.min, self.bits, self.dtype = info.max, info.min, info.bits, type.name

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
