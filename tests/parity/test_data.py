"""Datasets, samplers and loaders against torch: the same samples in the same order, the same draws, the same errors."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import minigrad
import minigrad.utils.data

torch = pytest.importorskip("torch")
pytest.importorskip("torch.utils.data")
sys.path.insert(0, str(Path(__file__).parents[1] / "engine" / "data"))
from programs import TABLES, outcome

MODULES = (minigrad, torch)


@pytest.mark.parametrize("seed", [0, 1, 42, -5, 2**40 + 3])
@pytest.mark.parametrize("name", TABLES["loading"])
def test_program_prints_and_raises_what_it_does_under_torch(name, seed):
    ours, theirs = (outcome(TABLES["loading"][name], module, seed) for module in MODULES)
    assert ours == theirs


@pytest.mark.parametrize("samples", [(object(), object()), (None, None), (np.array(["a"]), np.array(["b"]))])
def test_samples_that_make_no_batch_are_refused(samples):
    for module in MODULES:
        with pytest.raises(
            TypeError, match="default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists"
        ):
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
