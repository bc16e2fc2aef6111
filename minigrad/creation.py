"""Making tensors: from data (`tensor`, `from_numpy`), from a shape (`zeros`, `full`), from a rule (`arange`, `eye`)."""

from __future__ import annotations

import functools
import math
import warnings
from typing import Any

import numpy as np

from . import dtypes
from .autograd.graph import wrap
from .ops.calling import as_number, check, named, refuse_foreign, torch_function
from .ops.fused import multiply_add
from .ops.layout import laid_out
from .ops.shapes import alias, as_sizes
from .tensor import Tensor

SEQUENCES = (list, tuple, range)


def finish(array: Any, requires_grad: bool, device: Any) -> Any:
    """A leaf around `array`. RuntimeError if integers are to require grad."""
    dtypes.check_device(device)
    check(not requires_grad or array.dtype.kind == "f", "Only Tensors of floating point and complex dtype can require gradients")
    tensor = wrap(array)
    tensor.requires_grad = requires_grad
    return tensor


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """A leaf with a copy of data: a number, nested lists, an array or a tensor (torch.tensor).

    The dtype is int64 for ints, the default (float32) for floats, bool for bools, and an array's or NumPy scalar's own.
    ValueError for ragged lists, TypeError or RuntimeError for what is no number.
    """
    dtype = dtypes.as_dtype(dtype)
    if isinstance(data, Tensor):
        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
            stacklevel=2,
        )
        data = data._array
    array = _as_array(data, dtype)
    return finish(array if dtype is None else array.astype(dtype.numpy, copy=False), requires_grad, device)


def _as_array(data: Any, dtype: Any = None) -> np.ndarray[Any, Any]:
    if isinstance(data, (np.ndarray, np.generic)):
        array = np.array(data)
        return array.astype(dtypes.from_numpy(array.dtype).numpy)
    plain = _plain(data)
    kind = type(dtype).__name__
    check(dtype is None or kind == "dtype", f"tensor(): argument 'dtype' must be torch.dtype, not {kind}", TypeError)
    try:
        array = np.array(plain)
    except ValueError:
        raise _ragged(data) or ValueError("expected nested sequences of equal lengths") from None
    check(array.dtype.kind != "O" and array.dtype != np.uint64, "Overflow when unpacking long long", ValueError)
    if dtype is None:
        kinds = _dtypes_in(data)
        array = array.astype((functools.reduce(dtypes.promote_types, kinds) if kinds else dtypes.get_default_dtype()).numpy)
    overflow = dtype is dtypes.uint8 and array.size and array.max() > 255
    check(not overflow, "value cannot be converted to type uint8 without overflow")
    return array


def _plain(data: Any) -> Any:
    """data with the tensors in it as Python numbers; TypeError or RuntimeError for what is no number."""
    if type(data) in (float, int, bool):
        return data
    if isinstance(data, Tensor):
        check(data.numel() == 1, "only one element tensors can be converted to Python scalars", ValueError)
        return data.item()
    if not isinstance(data, SEQUENCES):
        kind = type(data).__name__
        check(not isinstance(data, str), f"new(): invalid data type '{kind}'", TypeError)
        check(isinstance(data, (bool, int, float, np.ndarray, np.generic)), f"Could not infer dtype of {kind}")
        return data
    if len(data) > 1 and isinstance(data[0], np.ndarray):
        warnings.warn(
            "Creating a tensor from a list of numpy.ndarrays is extremely slow. Please consider converting the list to a "
            "single numpy.ndarray with numpy.array() before converting to a tensor.",
            stacklevel=4,
        )
    plain = [_plain(d) for d in data]
    if data and isinstance(data[0], SEQUENCES):
        check(all([isinstance(d, (*SEQUENCES, np.ndarray, Tensor)) for d in data]), "not a sequence", TypeError)
    return plain


def _dtypes_in(data: Any) -> set[dtypes.dtype]:
    """The dtypes of the numbers in nested sequences: those of arrays, NumPy's numbers and tensors are their own."""
    if isinstance(data, SEQUENCES):
        kinds = {type(d): d for d in data}  # one of each type of Python's
        plain = kinds.keys() <= {float, int, bool}
        return set().union(*map(_dtypes_in, kinds.values() if plain else data))
    if isinstance(data, (np.ndarray, np.generic)):
        return {dtypes.from_numpy(data.dtype)}
    if isinstance(data, Tensor):
        return {data.dtype}
    return {dtypes.get_default_dtype() if isinstance(data, float) else dtypes.bool_ if isinstance(data, bool) else dtypes.int64}


def _ragged(data: Any, dim: int = 1) -> ValueError | None:
    """torch's error for nested sequences of different lengths."""
    lengths = [len(d) if isinstance(d, SEQUENCES) or np.ndim(d) else 0 for d in data]
    for n in lengths:
        if n != lengths[0]:
            return ValueError(f"expected sequence of length {lengths[0]} at dim {dim} (got {n})")
    return next((error for d in data if isinstance(d, SEQUENCES) and (error := _ragged(d, dim + 1))), None)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Any:
    """data as a tensor, sharing memory with an array or tensor where the dtype allows it."""
    dtype = dtypes.as_dtype(dtype)
    dtypes.check_device(device)
    if isinstance(data, np.ndarray):
        data = from_numpy(data)
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    return tensor(data, dtype=dtype)


def from_numpy(array: np.ndarray[Any, Any]) -> Any:
    """A tensor that shares the memory of `array`. TypeError for another object or an element type that torch lacks."""
    name = "numpy." * isinstance(array, np.generic) + type(array).__name__
    check(isinstance(array, np.ndarray), f"expected np.ndarray (got {name})", TypeError)
    dtype = dtypes.from_numpy(array.dtype)
    if any(s < 0 for s in array.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not currently "
            "supported. (You can probably work around this by making a copy of your array  with array.copy().) "
        )
    return wrap(array if array.dtype is dtype.numpy else array.view(dtype.numpy))


def legacy_tensor(args: tuple[Any, ...], dtype: Any, device: Any) -> Any:
    """torch.Tensor(2, 3), torch.FloatTensor([1, 2]): sizes make an uninitialised tensor (here zeros), a sequence is data."""
    if len(args) != 1 or isinstance(args[0], (int, dtypes.Size)):
        return zeros(*(args or (0,)), dtype=dtype, device=device)
    (data,) = args
    check(isinstance(data, (*SEQUENCES, np.ndarray, Tensor)), f"new(): invalid data type '{type(data).__name__}'", TypeError)
    if isinstance(data, Tensor):
        check(data.dtype is dtype, f"expected a tensor of {dtype} (got {data.dtype}); use Tensor.to(dtype)", TypeError)
        return alias(data)
    return tensor(data, dtype=dtype, device=device)


class LegacyType(type):
    """torch.FloatTensor and its like: called, they make tensors of a dtype; isinstance asks for it."""

    dtype: dtypes.dtype

    def __call__(cls, *args: Any, device: Any = None) -> Any:
        return legacy_tensor(args, cls.dtype, device)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype


BoolTensor, ByteTensor, CharTensor, ShortTensor, IntTensor, LongTensor, HalfTensor, FloatTensor, DoubleTensor = [
    LegacyType(f"{d.legacy}Tensor", (), {"dtype": d}) for d in dtypes.ALL
]


def dtype_of_type(t: Any) -> Any:
    """The dtype of an old type, as torch.FloatTensor, or of the name of one; None for anything else."""
    return t.dtype if isinstance(t, LegacyType) else next((d for d in dtypes.ALL if t == f"torch.{d.legacy}Tensor"), None)


def set_default_tensor_type(t: Any) -> None:
    """The old way to set the default dtype, by a type as torch.DoubleTensor or its name; deprecated in torch."""
    warnings.warn(
        "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use torch.set_default_dtype() and "
        "torch.set_default_device() as alternatives.",
        stacklevel=2,
    )
    dtypes.set_default_dtype(dtype_of_type(t))


def set_default_device(device: Any) -> None:
    """Where new tensors go: the CPU. Another device is refused."""
    dtypes.check_device(device)


def get_default_device() -> dtypes.device:
    return dtypes.CPU


# ------------------------------------------------------------------ from a shape


def _shape(size: tuple[Any, ...], name: str) -> tuple[int, ...]:
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = tuple(size[0])
    for i, n in enumerate(size, 1):
        whole = hasattr(n, "__index__") and not isinstance(n, bool)
        check(whole, f"{name}(): argument 'size' (position {i}) must be tuple of ints, not {type(n).__name__}", TypeError)
    check(all([n >= 0 for n in size]), f"{name}: Dimension size must be non-negative.")
    return as_sizes(size)


def _filled(name: str, value: Any) -> Any:
    def make(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
        array = np.full(_shape(size, name), value, (dtype or dtypes.get_default_dtype()).numpy)
        return finish(array, requires_grad, device)

    return named(make, name, f"({value} everywhere) of the given sizes, of the default float type or of `dtype`")


zeros, ones, empty = _filled("zeros", 0), _filled("ones", 1), _filled("empty", 0)


@torch_function
def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """A tensor of a size filled with one number, whose type it takes."""
    value = as_number("full", "fill_value", fill_value)
    kind = type(size).__name__
    check(isinstance(size, (tuple, list)), f"full(): argument 'size' (position 1) must be tuple of ints, not {kind}", TypeError)
    refuse_foreign("full", [("size", size), ("fill_value", value)])
    array = np.full(_shape((size,), "full"), value).astype((dtype or tensor(value).dtype).numpy)
    return finish(array, requires_grad, device)


def _like(make: Any) -> Any:
    def make_like(
        input: Any, *fill_value: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **_: Any
    ) -> Any:
        out = make(input._array.shape, *fill_value, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)
        out._array = laid_out(out._array, input._array)
        return out

    return named(make_like, f"{make.__name__}_like", "of the shape and dtype of `input`")


zeros_like, ones_like, empty_like, full_like = _like(zeros), _like(ones), _like(empty), _like(full)


# ------------------------------------------------------------------ from a rule


@torch_function
def arange(start: Any = 0, end: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """start, start + step, ... below end: arange(end), arange(start, end), arange(start, end, step).

    int64 if all three are ints, else the default float type. RuntimeError for a step of 0 or of the wrong sign.
    """
    if end is None:
        start, end = 0, start
    start, end, step = (as_number("arange", "end", v) for v in (start, end, step))
    check(all([math.isfinite(v) for v in (start, end, step)]), f"unsupported range: {start} -> {end}")
    if dtype is dtypes.int64:
        start, end, step = int(start), int(end), int(step)
    check(step != 0, "step must be nonzero")
    check((end - start) * step >= 0, "upper bound and lower bound inconsistent with step sign")
    if dtype is None:
        dtype = dtypes.int64 if all([isinstance(v, (int, np.integer)) for v in (start, end, step)]) else dtypes.get_default_dtype()
    size = math.ceil((end - start) / step)
    if dtype in (dtypes.float32, dtypes.float64):
        return finish(_steps(start, step, np.arange(size), dtype.numpy), requires_grad, device)
    start, step = (start, step) if dtype.is_floating_point else (int(start), int(step))
    return finish((start + step * np.arange(size)).astype(dtype.numpy), requires_grad, device)


def _steps(start: float, step: float, i: Any, kind: np.dtype[Any]) -> Any:
    """start + i * step as torch computes it: in vectors, from a first number that is rounded to the dtype, two vectors at a time;
    what is left over one by one."""
    lanes, double = 32 // kind.itemsize, np.dtype(np.float64).type
    steps = np.full(i.shape, double(step))
    first = multiply_add(steps, (i // lanes * lanes).astype(double), double(start)).astype(kind).astype(double)
    in_vectors, alone = multiply_add(steps, (i % lanes).astype(double), first), multiply_add(steps, i.astype(double), double(start))
    return np.where(i < len(i) // (2 * lanes) * (2 * lanes), in_vectors, alone).astype(kind)


@torch_function
def linspace(start: Any, end: Any, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """`steps` numbers from start to end, both included, at equal distances."""
    check(steps.__index__() >= 0, "number of steps must be non-negative")
    kind = (dtype or dtypes.get_default_dtype()).numpy
    step_kind = kind if kind.kind == "f" else np.dtype(np.float64)
    first, last = (step_kind.type(as_number("linspace", "end", v)) for v in (start, end))
    if kind.kind != "f":
        first, last = np.trunc(first), np.trunc(last)
    step = (last - first) / step_kind.type(max(steps - 1, 1))
    i = np.arange(steps)
    at_start = (i < steps // 2) | (steps == 1)  # torch counts from both ends, so that they are exact
    count = np.where(at_start, i, steps - 1 - i).astype(step_kind)
    values = multiply_add(np.where(at_start, step, -step), count, np.where(at_start, first, last))
    return finish(values.astype(kind), requires_grad, device)


@torch_function
def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Ones on the diagonal of an (n, m) matrix of zeros."""
    for name, size in (("n", n), ("m", n if m is None else m)):
        check(size >= 0, f"{name} must be greater or equal to 0, got {size}")
    return finish(np.eye(n, m, dtype=(dtype or dtypes.get_default_dtype()).numpy), requires_grad, device)
