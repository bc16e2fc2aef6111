"""Datasets, samplers and DataLoader (torch.utils.data): the order of the samples, and how they become batches.

A map-style dataset has `__getitem__` and `__len__`; an IterableDataset has `__iter__`. A sampler yields indices, a
BatchSampler lists of them, and `default_collate` turns a list of samples into one batch. Shuffled orders are torch's:
each iteration of a loader draws from the generators what torch draws, in the same order. Draws: random.py.
"""

from __future__ import annotations

import bisect
import contextlib
import copy
import itertools
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence, Sized
from typing import Any, Generic, TypeVar

import numpy as np

from .. import random
from ..autograd.graph import wrap
from ..creation import as_tensor, tensor
from ..dtypes import float64
from ..ops.shapes import stack
from ..random import Generator, default_generator
from ..tensor import Tensor

__all__ = [
    "Dataset", "IterableDataset", "TensorDataset", "Subset", "ConcatDataset", "random_split", "default_collate",
    "default_convert", "Sampler", "SequentialSampler", "RandomSampler", "SubsetRandomSampler", "WeightedRandomSampler",
    "BatchSampler", "DataLoader", "get_worker_info",
]  # fmt: skip

T = TypeVar("T", covariant=True)


# ------------------------------------------------------------------ datasets


class Dataset(Generic[T]):
    """A collection of samples: a subclass defines `__getitem__` and, for most samplers, `__len__`."""

    def __getitem__(self, index: Any) -> T:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Dataset[Any]) -> ConcatDataset[Any]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T]):
    """A stream of samples: a subclass defines `__iter__`."""


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Sample i is the tuple of the i-th rows of the tensors. AssertionError if their first sizes differ."""

    def __init__(self, *tensors: Tensor) -> None:
        if any(t.size(0) != tensors[0].size(0) for t in tensors):
            raise AssertionError("Size mismatch between tensors")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple([t[index] for t in self.tensors])

    def __len__(self) -> int:
        return int(self.tensors[0].size(0))


class Subset(Dataset[T]):
    """The samples of `dataset` at `indices`."""

    def __init__(self, dataset: Dataset[T], indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, idx: Any) -> Any:
        return self.dataset[[self.indices[i] for i in idx] if isinstance(idx, list) else self.indices[idx]]

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset[T]):
    """Datasets one after the other."""

    def __init__(self, datasets: Iterable[Dataset[T]]) -> None:
        self.datasets: list[Any] = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(d, IterableDataset) for d in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = list(itertools.accumulate(map(len, self.datasets)))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, idx: int) -> Any:
        if idx < -len(self):
            raise ValueError("absolute value of index should not exceed dataset length")
        idx = idx + len(self) if idx < 0 else idx
        which = bisect.bisect_right(self.cumulative_sizes, idx)
        return self.datasets[which][idx - (self.cumulative_sizes[which - 1] if which else 0)]


def random_split(dataset: Any, lengths: Sequence[int | float],
                 generator: Generator | None = default_generator) -> list[Subset[Any]]:  # fmt: skip
    """Split at random into subsets of these lengths, or of fractions that add up to 1, whose remainder goes round from
    the first. ValueError if the lengths don't add up to the dataset's."""
    n = len(dataset)
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        for i, fraction in enumerate(lengths):
            if not 0 <= fraction <= 1:
                raise ValueError(f"Fraction at index {i} is not between 0 and 1")
        floors = [math.floor(n * fraction) for fraction in lengths]
        rest = n - sum(floors)
        lengths = [size + rest // len(floors) + (i < rest % len(floors)) for i, size in enumerate(floors)]
    if sum(lengths) != n:
        raise ValueError("Sum of input lengths does not equal the length of the input dataset!")
    order = iter((generator or default_generator).permutation(n).tolist())
    return [Subset(dataset, list(itertools.islice(order, int(length)))) for length in lengths]


# ------------------------------------------------------------------ samplers


class Sampler(Generic[T]):
    """Base class of what yields the indices, or lists of indices, of an epoch."""


class SequentialSampler(Sampler[int]):
    """0, 1, 2, ..."""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """A random order, or with `replacement` num_samples independent draws; a new one each time."""

    def __init__(self, data_source: Sized, replacement: bool = False, num_samples: int | None = None,
                 generator: Generator | None = None) -> None:  # fmt: skip
        self.data_source, self.replacement, self.generator = data_source, replacement, generator
        self._num_samples = num_samples
        _positive("num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, wanted = len(self.data_source), self.num_samples
        generator = self.generator or Generator().manual_seed(_draw_seed(default_generator))
        size = 32 if self.replacement else n
        for count in [size] * (wanted // size) + [wanted % size]:
            drawn = generator.integers(count, 0, n) if self.replacement else generator.permutation(n)[:count]
            yield from drawn.tolist()

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given indices in a random order."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        order = (self.generator or default_generator).permutation(len(self.indices)).tolist()
        return iter([self.indices[i] for i in order])

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """num_samples indices, each drawn with a probability proportional to its weight."""

    def __init__(self, weights: Sequence[float], num_samples: int, replacement: bool = True,
                 generator: Generator | None = None) -> None:  # fmt: skip
        _positive("num_samples", num_samples)
        self.weights = as_tensor(weights, dtype=float64)
        if self.weights.ndim != 1:
            shape = tuple(self.weights.shape)
            raise ValueError(f"weights should be a 1d sequence but given weights have shape {shape}")
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator

    def __iter__(self) -> Iterator[int]:
        drawn = random.multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        return iter(drawn.tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Lists of batch_size indices from another sampler; with `drop_last` a shorter last one is left out."""

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        _positive("batch_size", batch_size)
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        samples = len(self.sampler)  # type: ignore[arg-type]
        return samples // self.batch_size if self.drop_last else -(-samples // self.batch_size)


def _positive(name: str, value: Any) -> None:
    if type(value) is not int or value <= 0:
        raise ValueError(f"{name} should be a positive integer value, but got {name}={value}")


def _draw_seed(generator: Generator) -> int:
    """One draw of `random_()` for int64."""
    return int(generator.words(1, 64)[0]) % 2**63


# ------------------------------------------------------------------ loading


def default_collate(batch: Sequence[Any]) -> Any:
    """One batch of a list of samples: tensors are stacked, numbers become a tensor, tuples and dicts are done by entry.

    TypeError for samples of other types, RuntimeError for sequences of different lengths.
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(batch, 0)
    if isinstance(first, np.ndarray) and first.dtype.kind in "buif":
        return stack([as_tensor(b) for b in batch], 0)
    if isinstance(first, np.bool_ | np.number):
        return as_tensor(np.array(batch))
    if isinstance(first, float | int):
        return tensor(batch, dtype=float64 if isinstance(first, float) else None)
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, MutableMapping):
        (like := copy.copy(first)).update({key: default_collate([sample[key] for sample in batch]) for key in first})
        return like
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = [default_collate(column) for column in zip(*batch)]
        return type(first)(*columns) if hasattr(first, "_fields") else columns
    text = "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found "
    raise TypeError(f"{text}{type(first)}")


def default_convert(data: Any) -> Any:
    """A sample, without batching: arrays of numbers inside it become tensors, all else stays as it is."""
    if isinstance(data, np.ndarray | np.number | np.bool_):
        return data if data.dtype.kind in "SUO" else as_tensor(data)
    if isinstance(data, MutableMapping):
        (like := copy.copy(data)).update({key: default_convert(value) for key, value in data.items()})
        return like
    if isinstance(data, list | tuple):
        entries = [default_convert(entry) for entry in data]
        return type(data)(*entries) if hasattr(data, "_fields") else entries
    return data


def get_worker_info() -> None:
    """None, as in torch's main process: there are no workers."""


class DataLoader(Generic[T]):
    """Batches of a dataset: `for x, y in DataLoader(TensorDataset(xs, ys), batch_size=10, shuffle=True)`.

    shuffle or sampler gives the order, drop_last leaves a shorter last batch out, collate_fn makes a batch of a list of
    samples, batch_size=None gives single samples, batch_sampler gives lists of indices in place of all these. generator
    is where the order is drawn from. Loading happens in the calling process whatever num_workers says, and what is only
    of use with workers or a GPU is accepted and has no effect.
    """

    _warned = False
    _fixed: tuple[str, ...] = ()

    def __init__(self, dataset: Any, batch_size: int | None = 1, shuffle: bool | None = None,
                 sampler: Iterable[Any] | None = None, batch_sampler: Iterable[Any] | None = None, num_workers: int = 0,
                 collate_fn: Callable[[Any], Any] | None = None, pin_memory: bool = False, drop_last: bool = False,
                 timeout: float = 0, worker_init_fn: Callable[[int], None] | None = None,
                 multiprocessing_context: Any = None, generator: Generator | None = None, *,
                 prefetch_factor: int | None = None, persistent_workers: bool = False, pin_memory_device: str = "",
                 in_order: bool = True) -> None:  # fmt: skip
        if num_workers < 0:
            raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
        if num_workers > 0 and not DataLoader._warned:
            DataLoader._warned = True
            text = f"minigrad loads data in the calling process: num_workers={num_workers} has no effect"
            warnings.warn(text, stacklevel=2)
        self._stream = isinstance(dataset, IterableDataset)
        for name, value in (("shuffle", shuffle), ("sampler", sampler), ("batch_sampler", batch_sampler)):
            if self._stream and value:
                text = f"expected unspecified {name} option, but got {name}={value}"
                raise ValueError(f"DataLoader with IterableDataset: {text}")
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
            text = "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
            raise ValueError(text)
        if batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
        if self._stream:
            sampler = dataset  # which gives samples, not indices
        elif sampler is None:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_sampler is not None:
            batch_size = None
        elif batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.dataset, self.batch_size, self.drop_last, self.generator = dataset, batch_size, drop_last, generator
        self.sampler, self.batch_sampler, self.num_workers = sampler, batch_sampler, num_workers
        self.pin_memory, self.timeout, self.worker_init_fn = pin_memory, timeout, worker_init_fn
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self._order: Any = sampler if batch_sampler is None else batch_sampler
        self._fixed = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._fixed:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    def __len__(self) -> int:
        """How many batches an epoch has (samples, without batching)."""
        return len(self._order)

    def __iter__(self) -> Iterator[Any]:
        _draw_seed(self.generator or default_generator)  # the seed that torch draws for its workers
        return map(self.collate_fn if self._stream else self._fetch, self._order)

    def _fetch(self, index: Any) -> Any:
        """The batch of a list of indices, or, without batching, the sample of one."""
        dataset = self.dataset
        if self.batch_sampler is None:
            return self.collate_fn(dataset[index])
        while type(dataset) is Subset:
            index, dataset = [dataset.indices[i] for i in index], dataset.dataset
        if self.collate_fn is default_collate and type(dataset).__getitem__ is TensorDataset.__getitem__:
            rows = np.array(index)
            if rows.dtype.kind == "i":
                with contextlib.suppress(IndexError):  # which row by row says it in torch's words
                    return [t[rows] if t.requires_grad else wrap(t._array.take(rows, 0)) for t in dataset.tensors]
        return self.collate_fn([dataset[i] for i in index])
