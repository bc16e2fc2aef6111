"""A generator function under `@torch.no_grad()`: recording is off in its body alone, as in torch."""

from typing import Any

import pytest

import minigrad

torch = pytest.importorskip("torch")


def trace(t: Any, decorator: str) -> list[Any]:
    """What the body of a decorated generator, and whoever resumes it, see and exchange."""
    seen: list[Any] = []
    x = t.ones(2, requires_grad=True)

    @eval(decorator, {"torch": t})
    def body(n):
        try:
            for i in range(n):
                try:
                    sent = yield (x * i).requires_grad
                except KeyError as error:
                    sent = error.args
                seen.append(("body", t.is_grad_enabled(), t.is_inference_mode_enabled(), sent))
        finally:
            seen.append(("closed", t.is_grad_enabled()))
        return "end"

    def whole():
        return (yield from body(2))

    seen.append((body.__name__, list(body(2)), t.is_grad_enabled()))
    steps = body(3)
    seen.append((t.is_grad_enabled(), next(steps), t.is_grad_enabled(), steps.send("word"), steps.throw(KeyError("k"))))
    with pytest.raises(StopIteration) as stop:
        next(steps)
    seen.append(stop.value.value)
    with t.enable_grad():
        broken = body(2)
        seen.append((next(broken), (x * 1).requires_grad))
        with pytest.raises(ValueError, match="wrong"):
            broken.throw(ValueError("wrong"))
    with t.no_grad():
        left = body(2)
        next(left)
    left.close()
    driven = whole()
    seen.append((next(driven), next(driven), t.is_grad_enabled()))
    with pytest.raises(StopIteration) as stop:
        next(driven)
    seen.append((stop.value.value, t.is_grad_enabled()))
    return seen


@pytest.mark.parametrize(
    "decorator",
    ["torch.no_grad()", "torch.no_grad", "torch.enable_grad()", "torch.set_grad_enabled(False)", "torch.inference_mode()"],
)
def test_a_decorated_generator_switches_recording_each_time_it_is_resumed(decorator):
    assert trace(minigrad, decorator) == trace(torch, decorator)


def test_a_generator_that_will_not_close_is_told_so():
    for t in (torch, minigrad):

        @t.no_grad()
        def stubborn(t=t):
            for _ in range(2):
                try:
                    yield t.is_grad_enabled()
                except GeneratorExit:
                    pass

        steps = stubborn()
        assert next(steps) is False
        with pytest.raises(RuntimeError, match="generator ignored GeneratorExit"):
            steps.close()
        assert t.is_grad_enabled()
