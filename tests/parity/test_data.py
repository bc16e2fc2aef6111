"""Datasets, samplers and loaders against torch: the same samples in the same order, the same draws, the same errors."""

from __future__ import annotations

import collections
import contextlib
import io
import warnings

import numpy as np
import pytest

import minigrad
import minigrad.utils.data

torch = pytest.importorskip("torch")
import torch.utils.data  # noqa: E402

MODULES = (minigrad, torch)

PREPARED = """
from collections import OrderedDict, namedtuple
D = torch.utils.data
X = torch.arange(20.0).reshape(10, 2)
Y = torch.arange(10)
pairs = D.TensorDataset(X, Y)
class Squares(D.Dataset):
    def __init__(self, n): self.n = n
    def __len__(self): return self.n
    def __getitem__(self, i): return i, float(i * i)
class Stream(D.IterableDataset):
    def __iter__(self): return iter(range(7))
class Sized(Stream):
    def __len__(self): return 7
def after(): return torch.rand(2).tolist()
"""


def outcome(program, module, seed):
    names = {"torch": module, "np": np, "collections": collections}
    printed = io.StringIO()
    error = None
    module.manual_seed(seed)
    with contextlib.redirect_stdout(printed), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            exec(PREPARED + program, names)
        except Exception as e:
            error = (type(e).__name__, str(e))
    return printed.getvalue(), [str(w.message) for w in caught], error


PROGRAMS = {
    "in order": "print([b for b in D.DataLoader(pairs, 4)], after())",
    "shuffled, three epochs": "l = D.DataLoader(pairs, 3, shuffle=True)\nfor _ in range(3): print([b for b in l], after())",
    "shuffled with a generator": """
g = torch.Generator().manual_seed(5); l = D.DataLoader(pairs, 3, shuffle=True, generator=g)
for _ in range(3): print([b for b in l], after(), torch.rand(1, generator=g))
""",
    "in order with a generator": """
g = torch.Generator().manual_seed(5); print(len(list(D.DataLoader(pairs, 3, generator=g))), after(), torch.rand(1, generator=g))
""",
    "two iterators at once": """
l = D.DataLoader(pairs, 4, shuffle=True); a, b = iter(l), iter(l)
print(next(a), next(b), next(a), next(b), after())
""",
    "what a break leaves": "l = D.DataLoader(pairs, 4, shuffle=True)\nfor b in l: break\nprint(b, after(), next(iter(l)), after())",
    "drawing between batches": "for b in D.DataLoader(pairs, 4, shuffle=True): print(b, torch.randn(2), torch.randperm(3))",
    "drop_last": "l = D.DataLoader(pairs, 4, drop_last=True); print(len(l), [b for b in l], len(D.DataLoader(pairs, 4)))",
    "batch as large as the data": "print(next(iter(D.DataLoader(pairs, 10))), len(D.DataLoader(pairs, 100, drop_last=True)))",
    "samples of a dataset": "print(pairs[3], pairs[-1], pairs[2:4], len(pairs))",
    "a dataset of one's own": "l = D.DataLoader(Squares(5), 2, shuffle=True); print([b for b in l], len(l), after())",
    "a list": "print(list(D.DataLoader([1.5, 2.5, 3.5], 2)), list(D.DataLoader(range(6), 2, True)), after())",
    "list of pairs": "print(list(D.DataLoader([(torch.ones(2) * i, i) for i in range(4)], 2)))",
    "arrays and numbers": """
print(list(D.DataLoader([{'a': np.ones(2, np.float32), 'b': np.float64(2), 'c': 'x', 'd': True, 'e': (1, 2.0)}] * 3, 2)))
P = namedtuple('P', 'x y'); print(list(D.DataLoader([P(1, 'a'), P(2, 'b')], 2)))
print(list(D.DataLoader([OrderedDict(a=1), OrderedDict(a=2)], 2)), list(D.DataLoader([[1, 2], [3, 4]], 2)))
print(D.default_collate([b'x', b'y']), D.default_collate([np.int32(1), np.int32(2)]), D.default_collate([None or 1, 2]))
""",
    "no batching": "print(list(D.DataLoader(Squares(3), batch_size=None)), list(D.DataLoader([np.ones(2), {'a': np.float32(1)}], batch_size=None)))",
    "collate_fn": "print(list(D.DataLoader(pairs, 4, collate_fn=lambda samples: [len(samples), samples[0][1]])))",
    "collate_fn without batching": "print(list(D.DataLoader(Squares(3), batch_size=None, collate_fn=lambda s: s[0] + 1)))",
    "sampler": "print(list(D.DataLoader(pairs, 3, sampler=[5, 1, 1, 7])), list(D.DataLoader(pairs, 3, sampler=D.SubsetRandomSampler([2, 4, 6, 8]))), after())",
    "batch_sampler": """
l = D.DataLoader(pairs, batch_sampler=[[0, 1], [5], []][:2]); print(list(l), len(l), l.batch_size)
print(list(D.DataLoader(pairs, batch_sampler=D.BatchSampler(D.RandomSampler(pairs), 4, True))), after())
""",
    "streams": """
print(list(D.DataLoader(Stream(), 3)), list(D.DataLoader(Stream(), 3, drop_last=True)), list(D.DataLoader(Stream(), None)), after())
print(len(D.DataLoader(Sized(), 3)), len(D.DataLoader(Sized(), 3, drop_last=True)), len(D.DataLoader(Sized(), None)))
""",
    "a stream without length": "len(D.DataLoader(Stream(), 3))",
    "samplers": """
print(list(D.SequentialSampler(range(4))), list(D.RandomSampler(range(6))), after())
print(list(D.RandomSampler(range(6), num_samples=15)), after(), list(D.RandomSampler(range(6), num_samples=3)), after())
print(list(D.RandomSampler(range(6), replacement=True)), after(), list(D.RandomSampler(range(6), True, 70)), after())
g = torch.Generator().manual_seed(1)
print(list(D.RandomSampler(range(6), generator=g)), list(D.RandomSampler(range(6), generator=g, num_samples=6)), torch.rand(1, generator=g), after())
print(list(D.SubsetRandomSampler([3, 1, 4])), list(D.SubsetRandomSampler('abc', generator=g)), torch.rand(1, generator=g), after())
print(list(D.WeightedRandomSampler([0.1, 0.9, 0.4], 5)), list(D.WeightedRandomSampler([0.1, 0.9, 0.4], 2, replacement=False)), after())
print(list(D.BatchSampler(range(7), 3, False)), list(D.BatchSampler(range(7), 3, True)), len(D.BatchSampler(range(7), 3, False)), len(D.BatchSampler(range(7), 3, True)))
print(len(D.RandomSampler(range(6))), len(D.SubsetRandomSampler([1])), len(D.SequentialSampler(range(3))))
""",
    "random_split": """
for lengths in ([6, 4], [3, 3, 4], [0.5, 0.5], [0.3, 0.3, 0.4], [0.15, 0.85], [10, 0]):
    parts = D.random_split(pairs, lengths); print([p.indices for p in parts], [len(p) for p in parts], after())
g = torch.Generator().manual_seed(2); a, b = D.random_split(range(10), [7, 3], generator=g); print(list(a), list(b), torch.rand(1, generator=g), after())
print([b for b in D.DataLoader(D.random_split(pairs, [6, 4])[0], 4, shuffle=True)])
""",
    "random_split, an empty part": "print([len(p) for p in D.random_split(range(2), [0.1, 0.9])])",
    "random_split, wrong sum": "D.random_split(range(10), [5, 4])",
    "random_split, wrong fraction": "D.random_split(range(10), [1.5, -0.5])",
    "subsets": "s = D.Subset(pairs, [4, 2]); print(s[0], s[1], s[[0, 1]], len(s), list(D.DataLoader(D.Subset(D.Subset(Squares(9), [8, 6, 4, 2]), [1, 3]), 2)))",
    "concatenated": """
c = D.ConcatDataset([Squares(3), Squares(2)]); print(list(c[i] for i in range(5)), c[-1], len(c), c.cumulative_sizes)
print([b for b in D.DataLoader(pairs + pairs, 7, shuffle=True)], after(), len(Squares(2) + Squares(3) + Squares(4)))
""",
    "concatenated, out of range": "D.ConcatDataset([Squares(3)])[-4]",
    "nothing concatenated": "D.ConcatDataset([])",
    "streams concatenated": "D.ConcatDataset([Stream()])",
    "sizes that differ": "D.TensorDataset(X, Y[:3])",
    "shuffled stream": "D.DataLoader(Stream(), shuffle=True)",
    "stream with sampler": "D.DataLoader(Stream(), sampler=[1])",
    "sampler and shuffle": "D.DataLoader(pairs, sampler=[1], shuffle=True)",
    "batch_sampler and batch_size": "D.DataLoader(pairs, 3, batch_sampler=[[1]])",
    "no batches to drop": "D.DataLoader(pairs, None, drop_last=True)",
    "batch of zero": "D.DataLoader(pairs, 0)",
    "batch of a fraction": "D.DataLoader(pairs, 2.5)",
    "drop_last of a number": "D.DataLoader(pairs, 2, drop_last=1)",
    "negative workers": "D.DataLoader(pairs, num_workers=-1)",
    "empty and shuffled": "D.DataLoader([], shuffle=True)",
    "empty": "print(list(D.DataLoader([])), len(D.DataLoader([])))",
    "no samples": "D.RandomSampler(range(3), num_samples=0)",
    "replacement of a number": "D.RandomSampler(range(3), replacement=1)",
    "weights of two dimensions": "D.WeightedRandomSampler([[0.1]], 2)",
    "weights, no samples": "D.WeightedRandomSampler([0.1], 0)",
    "dataset without getitem": "D.Dataset()[0]",
    "collate unequal lists": "D.default_collate([[1, 2], [3]])",
    "collate unequal tensors": "D.default_collate([torch.ones(2), torch.ones(3)])",
    "worker info": "print(D.get_worker_info())",
    "changed after the fact": "l = D.DataLoader(pairs, 2); l.batch_size = 3",
    "typed": "class T(D.Dataset[int]): pass\nprint(issubclass(T, D.Dataset))",
    "gradients flow to the data": """
x = torch.ones(4, 2, requires_grad=True)
for (b,) in D.DataLoader(D.TensorDataset(x), 3, shuffle=True): (b * b).sum().backward()
print(x.grad)
""",
    "batches are copies": """
for order in ({}, {'shuffle': True}):
    x = torch.zeros(4, 1)
    for (b,) in D.DataLoader(D.TensorDataset(x), 2, **order): b += 1
    print(x)
""",
}


@pytest.mark.parametrize("seed", [0, 1, 42, -5, 2**40 + 3])
@pytest.mark.parametrize("name", PROGRAMS)
def test_program_prints_and_raises_what_it_does_under_torch(name, seed):
    ours, theirs = (outcome(PROGRAMS[name], module, seed) for module in MODULES)
    assert ours == theirs


@pytest.mark.parametrize("samples", [(object(), object()), (None, None), (np.array(["a"]), np.array(["b"]))])
def test_samples_that_make_no_batch_are_refused(samples):
    for module in MODULES:
        with pytest.raises(TypeError, match="default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists"):
            module.utils.data.default_collate(list(samples))


def test_workers_are_replaced_by_the_calling_process_which_says_so_once(monkeypatch):
    data = minigrad.utils.data
    monkeypatch.setattr(data.DataLoader, "_warned", False)
    with pytest.warns(UserWarning, match="num_workers=2 has no effect"):
        loader = data.DataLoader(range(5), 2, num_workers=2, persistent_workers=True, prefetch_factor=4)
    assert [b.tolist() for b in loader] == [[0, 1], [2, 3], [4]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data.DataLoader(range(5), 2, num_workers=3)


@pytest.mark.parametrize("n", [1, 2, 7, 100, 1000])
def test_long_shuffles_agree(n):
    orders = []
    for module in MODULES:
        module.manual_seed(n)
        loader = module.utils.data.DataLoader(module.utils.data.TensorDataset(module.arange(n)), 13, shuffle=True)
        orders.append([[i for (b,) in loader for i in b.tolist()] for _ in range(3)])
    assert orders[0] == orders[1]
