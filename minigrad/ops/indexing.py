"""x[...] by integers, slices, masks and index tensors, and assignment to them: what a key means in torch.

The rules are in rules/indexing.py. Here are also `Region`, which finds a view within its base, and the refusal of writes that would
read what they write. Next: matrix.py.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd import graph
from ..autograd.graph import Array, wrap
from ..rules import indexing as rules
from ..rules.indexing import INDEX, copy_slices, take_index, take_region
from .calling import check
from .layout import is_dense, slowest_first
from .shapes import alias, expand_error

NO_DIMENSION = (
    "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor to a "
    "number"
)
# ------------------------------------------------------------------ parts of a tensor, for writes in place


class Region:
    """Some elements of a tensor, as flat positions in C order; found when they are first needed."""

    def __init__(self, base: np.ndarray[Any, Any], part: np.ndarray[Any, Any], find: Callable[[], Any]) -> None:
        self._base_order, self._part_order, self._find = slowest_first(base), slowest_first(part), find

    @functools.cached_property
    def positions(self) -> Any:
        return self._find()

    def as_base(self, x: Any) -> Any:
        """x, of the base's shape, in the base's order of memory, as torch has the gradients of bases."""
        return _in_order(x, self._base_order)

    def as_part(self, x: Any) -> Any:
        """x, of the part's shape, in the part's order of memory."""
        return _in_order(x, self._part_order)

    @classmethod
    def of_key(cls, base: np.ndarray[Any, Any], part: np.ndarray[Any, Any], key: Any) -> Region:
        shape = base.shape
        return cls(base, part, lambda: np.arange(int(np.prod(shape))).reshape(shape)[key])

    @classmethod
    def of_view(cls, base: np.ndarray[Any, Any], view: np.ndarray[Any, Any]) -> Region:
        """Where the memory of `view` lies within that of `base`; both may have any strides."""
        size = base.itemsize
        start = (view.__array_interface__["data"][0] - base.__array_interface__["data"][0]) // size
        base_shape, base_steps = base.shape, [s // size for s in base.strides]
        shape, steps = view.shape, [s // size for s in view.strides]

        def find() -> Any:
            at = _places(base_shape, base_steps)
            flat = np.empty(at.max(initial=0) + 1, np.int64)  # the position of what lies at each place of the base's memory
            flat[at] = np.arange(at.size).reshape(base_shape)
            return flat[start + _places(shape, steps)]

        return cls(base, view, find)


def _in_order(x: Any, order: list[int]) -> Any:
    return np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order)) if x.ndim > 1 else x


def _places(shape: tuple[int, ...], steps: list[int]) -> Any:
    """Where elements of a shape lie in memory, `steps` apart along each dimension."""
    places = np.zeros(shape, np.int64)
    for along, step in zip(np.indices(shape, sparse=True), steps):
        places += along * step
    return places


def refuse_repeats(written: Any) -> None:
    """RuntimeError if several elements lie in one place of memory, as in what expand returns."""
    if 0 in written.strides and written.size and any([s == 0 and n > 1 for s, n in zip(written.strides, written.shape)]):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )


def refuse_overlap(written: Any, read: Any, even_with_itself: bool = False) -> None:
    """RuntimeError if two dense arrays share memory, but not each element with its counterpart: writing one from the other
    would give what the order of the writes makes of it."""
    if written is read and not even_with_itself:
        return
    if (written is not read and written.base is None and read.base is None) or not np.may_share_memory(written, read):
        return
    if written is not read and not (is_dense(written) and is_dense(read)):
        return  # torch does not ask either
    same = np.lib.array_utils.byte_bounds(written) == np.lib.array_utils.byte_bounds(read) and written.shape == read.shape
    same = same and all([s == t for n, s, t in zip(read.shape, written.strides, read.strides) if n > 1])
    if even_with_itself or not same:
        raise RuntimeError(
            "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory "
            "location. Please clone() the tensor before performing the operation."
        )


# ------------------------------------------------------------------ x[key]


def getitem(x: Any, key: Any) -> Any:
    """x[key] (Tensor.__getitem__). IndexError for a key that is out of range or of a wrong type."""
    basic, key, tensors = parse(x, key)
    try:
        if basic:
            op = rules.take_slice if isinstance(basic[-1], slice) else rules.take_new_axis if basic[-1] is None else rules.select
            x = op(x, basic)
        elif not tensors:
            x = alias(x)
        return take_index(x, tensors[0], key) if tensors else x
    except IndexError as error:
        raise _index_error(error, x) from None


def parse(x: Any, key: Any) -> tuple[Any, Any, list[Any]]:
    """The key of integers and slices to apply to x first, and then the key of tensors, with these tensors.

    Applied in this order an integer never takes part in NumPy's broadcasting of index arrays, as in torch.
    """
    if not isinstance(key, tuple):
        key = tuple(key) if isinstance(key, list) and _stands_for_tuple(key) else (key,)
    if all([isinstance(k, (int, slice)) and not isinstance(k, bool) for k in key]) and len(key) <= x.ndim:
        for k in key:  # the common case
            if isinstance(k, slice):
                _check_step(k)
        return key, (), []
    key = [_as_index(k) for k in key]
    used = sum([_width(k) for k in key])
    check(x.ndim or not any([isinstance(k, int) for k in key]), NO_DIMENSION, IndexError)
    check(used <= x.ndim, f"too many indices for tensor of dimension {x.ndim}", IndexError)
    ellipses = [i for i, k in enumerate(key) if k is Ellipsis]
    check(len(ellipses) <= 1, "an index can only have a single ellipsis ('...')", IndexError)
    for i in ellipses:
        key[i : i + 1] = [slice(None)] * (x.ndim - used)
    basic: list[Any] = []
    advanced: list[Any] = []
    axis = 0
    for k in key:
        n = _width(k)
        if not isinstance(k, graph.Tensor):
            basic.append(k)
            advanced += [] if isinstance(k, int) else [slice(None)]
        else:
            if k._array.dtype.kind == "b" and n and k._array.shape != x._array.shape[axis : axis + n]:
                raise IndexError(
                    f"The shape of the mask {list(k.shape)} at index 0 does not match the shape of the indexed tensor "
                    f"{list(x.shape)} at index {axis}"
                )
            basic += [slice(None)] * n if n else [None]
            advanced.append(k if n else wrap(np.reshape(k._array, 1)))  # a 0-d mask: one of one element, along a new axis
        axis += n
    tensors = [k for k in advanced if isinstance(k, graph.Tensor)]
    if not tensors:
        return tuple(key), (), []
    arrays = [INDEX if k is tensors[0] else np.array(k._array) if isinstance(k, graph.Tensor) else k for k in advanced]
    return () if all([k == slice(None) for k in basic]) else tuple(basic), tuple(arrays), tensors


def _width(k: Any) -> int:
    """How many dimensions an entry of a key stands for."""
    if isinstance(k, graph.Tensor) and k._array.dtype.kind == "b":
        return k.ndim  # type: ignore[no-any-return]
    return int(k is not None and k is not Ellipsis)


def _check_step(k: slice) -> None:
    if k.step is not None and k.step <= 0:
        raise ValueError("step must be greater than zero")


SEQUENCES = (list, tuple, range, np.ndarray)
INDEX_DTYPES = (np.int64, np.int32, np.bool_)


def _stands_for_tuple(key: list[Any]) -> bool:
    """Whether a list is a key for several dimensions, as in torch: if it is short, and holds anything but numbers."""
    return len(key) < 32 and any([k is None or k is Ellipsis or isinstance(k, (slice, graph.Tensor, *SEQUENCES)) for k in key])


def _as_index(k: Any) -> Any:
    """One entry of a key: int, slice, None, Ellipsis, or a Tensor of integers or bools."""
    if isinstance(k, slice):
        _check_step(k)
        return slice(*[None if v is None else int(v.__index__()) for v in (k.start, k.stop, k.step)])
    if k is None or k is Ellipsis:
        return k
    if isinstance(k, bool):
        return wrap(np.array(k))
    if isinstance(k, SEQUENCES):
        array = np.array(k)  # a copy: the array of the caller may be overwritten before backward
        k = wrap(array.astype(np.int64) if array.size == 0 or (array.dtype.kind in "iu" and array.dtype != np.uint8) else array)
    if isinstance(k, graph.Tensor):
        dtype = k._array.dtype
        if dtype == np.uint8:
            warnings.warn("indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.", stacklevel=5)
            return wrap(np.asarray(k._array != 0))
        if dtype.kind == "f" or (k.ndim and dtype not in INDEX_DTYPES):
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        return int(k._array) if k.ndim == 0 and dtype.kind != "b" else k
    try:
        return int(k.__index__())
    except AttributeError:
        raise IndexError(
            "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got "
            f"{type(k).__name__})"
        ) from None


def _index_error(error: IndexError, x: Any) -> IndexError:
    return IndexError(str(error).replace("for axis", "for dimension") if x.ndim else NO_DIMENSION)


def setitem_key(x: Any, basic: Any, rest: Any, tensors: list[Any]) -> Any:
    """The NumPy key of `x[key] = ...` that means what torch means by a key that `parse` gave."""
    if not tensors:
        return (*basic, ...)
    positions = np.arange(x._array.size).reshape(x._array.shape)
    if basic:
        positions = positions[(*basic, ...)]
    return np.unravel_index(positions[rules._filled(rest, tensors[0]._array)], x._array.shape or (1,))


def assignment_error(key: Any, target: Array, value: Any) -> RuntimeError:
    """torch's error for a value that does not fit where the key points."""
    shape, its = list(target.shape), list(value._array.shape)
    keys = key if isinstance(key, tuple) else (key,)
    if any([isinstance(k, (list, np.ndarray, graph.Tensor)) for k in keys]):
        return RuntimeError(f"shape mismatch: value tensor of shape {its} cannot be broadcast to indexing result of shape {shape}")
    return expand_error(value, shape, shape)
