"""Making tensors: from data (`tensor`, `from_numpy`), from a shape (`zeros`, `full`), from a rule (`arange`, `eye`)."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from . import dtypes
from .autograd.graph import wrap
from .ops.calling import store
from .ops.shapes import as_sizes
from .tensor import Tensor


def finish(array: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Any:
    """A leaf around `array`, in `dtype` if that is given. RuntimeError if integers are to require grad."""
    dtypes.check_device(device)
    if dtype is not None:
        array = array.astype(dtype.numpy, copy=False)
    if requires_grad and array.dtype.kind != "f":
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    tensor = wrap(array)
    tensor.requires_grad = requires_grad
    return tensor


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """A leaf with a copy of data: a number, nested lists, an array or a tensor (torch.tensor).

    The dtype is int64 for ints, the default (float32) for floats, bool for bools, and an array's or NumPy scalar's own.
    ValueError for ragged lists, TypeError or RuntimeError for what is no number.
    """
    if isinstance(data, Tensor):
        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
            stacklevel=2,
        )
        data = data._array
    return finish(_as_array(data, dtype), dtype, requires_grad, device)


def _as_array(data: Any, dtype: Any = None) -> np.ndarray[Any, Any]:
    if isinstance(data, (np.ndarray, np.generic)):
        array = np.array(data)
        return array.astype(dtypes.from_numpy(array.dtype).numpy)
    _check_data(data)
    if dtype is not None and not isinstance(dtype, dtypes.dtype):
        raise TypeError(f"tensor(): argument 'dtype' must be torch.dtype, not {type(dtype).__name__}")
    numpy_kind = _kind(data)
    plain = _plain(data)
    try:
        array = np.array(plain)
    except ValueError:
        raise _ragged(data) from None
    if array.dtype.kind == "O" or array.dtype == np.uint64:
        raise ValueError("Overflow when unpacking long long")
    if array.size == 0 or numpy_kind is not None:
        array = array.astype(dtypes.get_default_dtype().numpy if numpy_kind is None else numpy_kind)
    elif array.dtype.kind == "f":
        array = array.astype((dtype or dtypes.get_default_dtype()).numpy)
    if dtype is dtypes.uint8 and array.size and array.max() > 255:
        raise RuntimeError("value cannot be converted to type uint8 without overflow")
    return array


def _plain(data: Any) -> Any:
    """data with the tensors in it as Python numbers or lists."""
    if isinstance(data, (list, tuple, range)):
        return [_plain(d) for d in data]
    if isinstance(data, Tensor):
        if data.numel() != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return data.item()
    return data


def _kind(data: Any) -> Any:
    """The NumPy dtype that arrays, NumPy scalars or tensors inside the lists prescribe; None for plain numbers."""
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    if isinstance(data, Tensor):
        return data._array.dtype
    return data.dtype if isinstance(data, (np.ndarray, np.generic)) else None


def _check_data(data: Any) -> None:
    if isinstance(data, (list, tuple, range)):
        if len(data) > 1 and isinstance(data[0], np.ndarray):
            warnings.warn(
                "Creating a tensor from a list of numpy.ndarrays is extremely slow. Please consider converting the list to a "
                "single numpy.ndarray with numpy.array() before converting to a tensor.",
                stacklevel=4,
            )
        lengths = [len(d) if isinstance(d, (list, tuple, range)) else None for d in data]
        for d, n in zip(data, lengths):
            _check_data(d)
            if lengths[0] is not None and n is None and not isinstance(d, (np.ndarray, Tensor)):
                raise TypeError("not a sequence")
    elif isinstance(data, str):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    elif not isinstance(data, (bool, int, float, np.ndarray, np.generic, Tensor)):
        raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")


def _ragged(data: Any, dim: int = 0) -> ValueError:
    lengths = [np.shape(d)[:1] for d in data]
    for n in lengths:
        if n != lengths[0]:
            return ValueError(f"expected sequence of length {lengths[0][0]} at dim {dim + 1} (got {n[0] if n else 0})")
    for d in data:
        try:
            np.array(_plain(d))
        except ValueError:
            return _ragged(d, dim + 1)
    return ValueError("expected nested sequences of equal lengths")


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Any:
    """data as a tensor, sharing memory with an array or tensor where the dtype allows it."""
    dtypes.check_device(device)
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    if isinstance(data, np.ndarray):
        return from_numpy(data) if dtype is None else from_numpy(data).to(dtype)
    return tensor(data, dtype=dtype)


def from_numpy(array: np.ndarray[Any, Any]) -> Any:
    """A tensor that shares the memory of `array`. TypeError for another object or an element type that torch lacks."""
    if not isinstance(array, np.ndarray):
        name = f"numpy.{type(array).__name__}" if isinstance(array, np.generic) else type(array).__name__
        raise TypeError(f"expected np.ndarray (got {name})")
    dtype = dtypes.from_numpy(array.dtype)
    if any(s < 0 for s in array.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not currently "
            "supported. (You can probably work around this by making a copy of your array  with array.copy().) "
        )
    return wrap(array if array.dtype is dtype.numpy else array.view(dtype.numpy))


def legacy_tensor(args: tuple[Any, ...], dtype: Any, device: Any = None) -> Any:
    """torch.Tensor(2, 3), torch.FloatTensor([1, 2]): sizes make an uninitialised tensor (here zeros), a sequence is data."""
    if len(args) == 1 and not isinstance(args[0], int):
        if isinstance(args[0], Tensor) and args[0].dtype is not dtype:
            raise TypeError(f"expected a tensor of {dtype} (got {args[0].dtype}); use Tensor.to(dtype)")
        if isinstance(args[0], dtypes.Size):
            return zeros(args[0], dtype=dtype, device=device)
        if not isinstance(args[0], (list, tuple, range, np.ndarray, Tensor)):
            raise TypeError(f"new(): invalid data type '{type(args[0]).__name__}'")
        data = args[0]._array if isinstance(args[0], Tensor) else args[0]
        return finish(_as_array(data, dtype), dtype, False, device)
    return zeros(*(args or (0,)), dtype=dtype, device=device)


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


def set_default_tensor_type(t: Any) -> None:
    """The old way to set the default dtype, by a type as torch.DoubleTensor or its name; deprecated in torch."""
    named = [d for d in dtypes.ALL if t == f"torch.{d.legacy}Tensor"]
    warnings.warn(
        "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use torch.set_default_dtype() and "
        "torch.set_default_device() as alternatives.",
        stacklevel=2,
    )
    kind = t.dtype if isinstance(t, LegacyType) else named[0] if named else None
    if kind is None or not kind.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    dtypes.set_default_dtype(kind)


def set_default_device(device: Any) -> None:
    """Where new tensors go: the CPU. Another device is refused."""
    dtypes.check_device(device)


def get_default_device() -> dtypes.device:
    return dtypes.CPU


def _shape(size: tuple[Any, ...], name: str) -> tuple[int, ...]:
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = tuple(size[0])
    for i, n in enumerate(size):
        if not isinstance(n, int) and not hasattr(n, "__index__") or isinstance(n, bool):
            raise TypeError(f"{name}(): argument 'size' (position {i + 1}) must be tuple of ints, not {type(n).__name__}")
    sizes = as_sizes(size)
    if any(n < 0 for n in sizes):
        raise RuntimeError(f"{name}: Dimension size must be non-negative.")
    return sizes


def _filled(name: str, value: Any) -> Any:
    def make(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, out: Any = None, **named: Any) -> Any:
        shape = _shape((named.pop("size"),) if "size" in named else size, name)
        if named:
            raise TypeError(f"{name}() got an unexpected keyword argument '{next(iter(named))}'")
        kind = (dtype or dtypes.get_default_dtype()).numpy
        made = finish(np.full(shape, value, kind), None, requires_grad and out is None, device)
        return made if out is None else store(made, out, name)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"A tensor of the given sizes, {name} of the default float type or of `dtype` (torch.{name})."
    return make


zeros = _filled("zeros", 0)
ones = _filled("ones", 1)
empty = _filled("empty", 0)


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """A tensor of a size filled with one number, whose type it takes."""
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"full(): argument 'size' (position 1) must be tuple of ints, not {type(size).__name__}")
    if not isinstance(value, (bool, int, float, np.number)):
        raise TypeError(f"full(): argument 'fill_value' (position 2) must be Number, not {type(value).__name__}")
    kind = (dtype or tensor(value).dtype).numpy
    return finish(np.full(_shape((size,), "full"), value).astype(kind), None, requires_grad, device)


def _like(make: Any) -> Any:
    name = f"{make.__name__}_like"

    def make_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **_: Any) -> Any:
        if not isinstance(input, Tensor):
            raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
        return make(input._array.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)

    make_like.__name__ = make_like.__qualname__ = name
    make_like.__doc__ = f"`{make.__name__}` of the shape and dtype of `input`."
    return make_like


zeros_like, ones_like, empty_like = _like(zeros), _like(ones), _like(empty)


def full_like(input: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """A tensor of the shape and dtype of `input`, filled with one number."""
    return full(input._array.shape, fill_value, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def _bounds(start: Any = 0, end: Any = None, step: Any = 1) -> list[Any]:
    values = [v.item() if isinstance(v, Tensor) else v for v in (start, end, step)]
    for position, (name, value) in enumerate(zip(("start", "end", "step"), values), 1):
        if not isinstance(value, (int, float, np.number)):
            raise TypeError(f"arange(): argument '{name}' (position {position}) must be Number, not {type(value).__name__}")
    return values


def arange(*bounds: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, out: Any = None, **named: Any) -> Any:
    """start, start + step, ... below end: arange(end), arange(start, end), arange(start, end, step).

    int64 if all three are ints, else the default float type. RuntimeError for a step of 0 or of the wrong sign.
    """
    start, end, step = _bounds(end=bounds[0], **named) if len(bounds) == 1 and "end" not in named else _bounds(*bounds, **named)
    if not all(math.isfinite(v) for v in (start, end, step)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if dtype is None:
        dtype = dtypes.int64 if all(isinstance(v, (int, np.integer)) for v in (start, end, step)) else dtypes.get_default_dtype()
    array = (start + step * np.arange(math.ceil((end - start) / step))).astype(dtype.numpy)
    made = finish(array, None, requires_grad, device)
    return made if out is None else store(made, out, "arange")


def linspace(start: Any, end: Any, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """`steps` numbers from start to end, both included, at equal distances."""
    if not isinstance(steps, int):
        raise TypeError(f"linspace(): argument 'steps' (position 3) must be int, not {type(steps).__name__}")
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    kind = (dtype or dtypes.get_default_dtype()).numpy
    step_kind = kind if kind.kind == "f" else np.dtype(np.float64)
    first, last = (step_kind.type(v.item() if isinstance(v, Tensor) else v) for v in (start, end))
    step = (last - first) / step_kind.type(max(steps - 1, 1))
    i = np.arange(steps, dtype=step_kind)
    from_end = last - step * (step_kind.type(steps - 1) - i)  # torch counts from both ends, so that they are exact
    values = np.where(i < steps // 2, first + step * i, from_end) if steps > 1 else np.full(steps, first)
    return finish(values.astype(kind), None, requires_grad, device)


def logspace(
    start: Any, end: Any, steps: int, base: float = 10.0, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Any:
    """base ** linspace(start, end, steps)."""
    exponents = linspace(start, end, steps, dtype=dtypes.float64)._array
    return finish((base**exponents).astype((dtype or dtypes.get_default_dtype()).numpy), None, requires_grad, device)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
    """Ones on the diagonal of an (n, m) matrix of zeros."""
    for position, (name, size) in enumerate((("n", n), ("m", n if m is None else m)), 1):
        if not isinstance(size, int):
            raise TypeError(f"eye(): argument '{name}' (position {position}) must be int, not {type(size).__name__}")
        if size < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {size}")
    return finish(np.eye(n, m, dtype=(dtype or dtypes.get_default_dtype()).numpy), None, requires_grad, device)
