"""Threads: each has its own grad mode; they may build graphs over shared leaves; gradients that meet in a leaf all count."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import minigrad as torch


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads change as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """work(0), .. work(count - 1), started together; what they raise is raised here."""
    start, errors = threading.Barrier(count), []

    def run(i: int) -> None:
        try:
            start.wait()
            work(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_grad_mode_is_each_threads_own(restless: None) -> None:
    x = torch.ones(1, requires_grad=True)

    def work(i: int) -> None:
        assert torch.is_grad_enabled()
        for _ in range(300):
            if i % 2:
                with torch.no_grad():
                    assert not (x * 2).requires_grad
            assert (x * 2).requires_grad

    with torch.no_grad():
        in_threads(4, work)
        assert not torch.is_grad_enabled()


@pytest.mark.parametrize("shape", [(), (3,), (300, 300)], ids=str)
def test_gradients_of_several_threads_that_meet_in_one_leaf_all_count(shape: tuple[int, ...], restless: None) -> None:
    x = torch.ones(shape, dtype=torch.float64, requires_grad=True)
    count = 200 if len(shape) < 2 else 30
    cotangents = [torch.from_numpy(np.random.default_rng(i).integers(-8, 8, shape).astype(float)) for i in range(4)]

    def work(i: int) -> None:
        for _ in range(count):
            (x * 2.0).backward(cotangents[i])

    in_threads(4, work)
    assert np.array_equal(x.grad.numpy(), 2.0 * count * sum(c.numpy() for c in cotangents))  # whole numbers: exact in any order


def test_graphs_over_shared_leaves_and_shared_interior_nodes_are_right(restless: None) -> None:
    x = torch.linspace(-1, 1, 5, dtype=torch.float64).requires_grad_()
    shared = x.tanh() * x
    wanted = [torch.autograd.grad(shared.sin(), x, torch.full((5,), i + 1.0, dtype=torch.float64), retain_graph=True) for i in range(4)]
    got: list[list[Any]] = [[] for _ in range(4)]

    def work(i: int) -> None:
        for _ in range(50):
            g = torch.full((5,), i + 1.0, dtype=torch.float64)
            got[i].append(torch.autograd.grad(shared.sin(), x, g, retain_graph=True)[0])

    in_threads(4, work)
    for i in range(4):
        assert all(np.array_equal(g.numpy(), wanted[i][0].numpy()) for g in got[i])


def test_a_write_in_another_thread_is_seen_by_backward(restless: None) -> None:
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    z = y * y

    def work(i: int) -> None:
        y.detach().add_(1.0)

    in_threads(1, work)
    with pytest.raises(RuntimeError, match="is at version 1; expected version 0"):
        z.backward(torch.ones(3))


def test_training_of_separate_models_in_threads_gives_what_it_gives_alone(restless: None) -> None:
    def train(seed: int) -> list[float]:
        generator = torch.Generator().manual_seed(seed)
        w = torch.randn(3, generator=generator).requires_grad_()
        data = torch.randn(20, 3, generator=generator)
        optimizer = torch.optim.Adam([w], lr=0.1)
        for _ in range(30):
            optimizer.zero_grad()
            ((data @ w - 1) ** 2).mean().backward()
            optimizer.step()
        return w.tolist()  # type: ignore[no-any-return]

    alone = [train(i) for i in range(4)]
    together: dict[int, list[float]] = {}

    def work(i: int) -> None:
        together[i] = train(i)

    in_threads(4, work)
    assert [together[i] for i in range(4)] == alone
