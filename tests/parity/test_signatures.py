"""Every public function and method has the arguments of torch's: names, order, defaults; and torch's names are not misused.

torch's builtins have no Python signature; their docstrings begin with one for each way to call them.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

import minigrad

torch = pytest.importorskip("torch")

# Arguments of torch that say how memory is laid out or who computes
NOT_HERE = {"out", "layout", "pin_memory", "memory_format", "output_size", "non_blocking", "kwargs", "generator"}
# Names that torch's texts use for an argument which its parser calls otherwise
TEXTS = {
    "value": "other",
    "divisor": "other",
    "dividend": "input",
    "tensor2": "other",
    "batch2": "mat2",
    "dimension": "dim",
    "y": "other",
}
TEXTS |= {
    "axis0": "dim0",
    "axis1": "dim1",
    "shape": "size",
    "src": "other",
    "tensor1": "input",
    "ndarray": "array",
    "type1": "a",
    "type2": "b",
    "self": "input",
    "tensor": "other",
}

# What differs on purpose: the README shows this table ("What is not here")
DIFFERENT = {
    "Tensor.uniform_": "`from` is a word of Python: give it by position, or as **{'from': 0}",
    "Tensor.cuda": "there is no GPU: it raises torch's error, whatever its arguments",
}


def torch_signatures(name: str, doc: str | None) -> list[str]:
    """The argument lists that a docstring gives."""
    text = re.sub(r"\s*\n\s+(?=[^\n]*\)\s*(->|$))", " ", doc or "", count=1)
    return [
        m.group(1)
        for m in re.finditer(
            rf"^\s*(?:\.\. (?:function|method):: )?(?:torch\.)?{name}\((.*?)\)\s*(?:->.*)?$", text, re.M
        )
    ]


def parsed(text: str) -> tuple[list[tuple[str, str | None]], set[str]]:
    """The positional arguments with their defaults, and the names of the keyword arguments."""
    positional, keywords, target = [], set(), "positional"
    text = re.sub(r": (Tensor|Optional\[.*\])", "", text)
    for part in re.split(r",\s*(?![^(\[]*[)\]])", text):
        part = part.strip()
        if part in ("*", "\\*"):
            target = "keyword"
        elif part and part != "...":
            name, _, default = part.partition("=")
            name = re.sub(r"\s*:.*", "", name).strip().lstrip("*")
            if target == "keyword":
                keywords.add(name)
            else:
                positional.append((TEXTS.get(name, name), default.strip() or None))
    return positional, keywords


def own(function: Any) -> tuple[list[tuple[str, str | None]], set[str]]:
    """The same of a function of minigrad."""
    function = inspect.unwrap(function)
    renamed = {"x": "input", **TEXTS}
    positional, keywords = [], set()
    for p in inspect.signature(getattr(function, "forward", function)).parameters.values():
        default = None if p.default is p.empty else repr(p.default)
        if p.kind is p.KEYWORD_ONLY:
            keywords.add(p.name)
        elif p.kind is p.VAR_POSITIONAL:
            positional.append((TEXTS.get(p.name, p.name), None))
        elif p.kind is p.VAR_KEYWORD:
            keywords.add("**")
        else:
            positional.append((renamed.get(p.name, p.name), default))
    return positional, keywords


def functions(module: Any, twin: Any) -> list[str]:
    return [
        name for name in dir(module)
        if not name.startswith("_") and inspect.isfunction(getattr(module, name)) and hasattr(twin, name)
    ]  # fmt: skip


def same_default(mine: str | None, theirs: str | None) -> bool:
    if mine is None or theirs is None:  # what one way to call torch requires, another leaves out
        return True
    values = [re.sub(r"torch\.|^['\"]|['\"]$", "", v) for v in (mine, theirs)]
    try:
        return float(values[0]) == float(values[1])
    except ValueError:
        return values[0] == values[1] or {values[0], values[1]} == {"()", "None"}


def misfit(mine: Any, theirs: str) -> str | None:
    """What is wrong with our arguments, if torch's are these."""
    ours, keywords = mine
    positional, wanted = parsed(theirs)
    for (a, default), (b, its) in zip(ours, positional):
        if a != b or not same_default(default, its):
            return f"{a}={default} for {b}={its}"
    missing = [n for n, _ in positional[len(ours) :]] + sorted(wanted)
    missing = [
        n
        for n in missing
        if n not in keywords and n not in NOT_HERE and n not in dict(ours) and n.lstrip("*") not in keywords
    ]
    return f"no {', '.join(missing)}" if missing and "**" not in keywords else None


def differences() -> dict[str, str]:
    found = {}
    for prefix, module, twin in (("torch", minigrad, torch), ("Tensor", minigrad.Tensor, torch.Tensor)):
        for name in functions(module, twin):
            signatures = torch_signatures(name, getattr(twin, name).__doc__)
            mine = own(getattr(module, name))
            if prefix == "Tensor":
                mine = (mine[0][1:], mine[1])
            problems = [misfit(mine, s) for s in signatures]
            if problems and None not in problems:
                found[f"{prefix}.{name}"] = f"{problems[0]}   [torch: {signatures}]  [ours: {mine}]"
    return found


def test_the_arguments_of_every_function_are_torchs() -> None:
    found = differences()
    assert not {name: problem for name, problem in found.items() if name not in DIFFERENT}


def test_the_table_of_differences_holds_nothing_else() -> None:
    assert set(DIFFERENT) <= set(differences())


def test_most_functions_are_compared() -> None:
    """The texts of torch can be read: else the comparison would be empty."""
    names = functions(minigrad, torch)
    assert len([n for n in names if torch_signatures(n, getattr(torch, n).__doc__)]) > 0.9 * len(names)


CALLS = """x.copy_(other=x)|torch.broadcast_to(x, size=(2, 2))|x.expand(size=(2, 2))|x.type_as(other=x)|m.bmm(mat2=m)|x.mul(other=x)|x.fmod(other=x)|
x.floor_divide(other=x)|x.where(x > 0, other=x)|m.swapaxes(axis0=0, axis1=1)|x.matmul(other=x)|torch.true_divide(x, other=x)|
x.remainder(other=x)|x.dot(tensor=x)|x.mul_(other=x)|x.split(split_size=1)|torch.split(x, split_size_or_sections=1)|x.reshape(shape=(2,))|x.view(size=(2,))|
x.permute(dims=(0,))|x.repeat(repeats=(2,))|x.flip(dims=(0,))|x.unsqueeze(axis=0)|x.argsort(axis=0)|x.softmax(axis=0)|torch.cat([x], axis=0)|torch.stack([x], axis=0)|
x.squeeze(axis=0)|x.unbind(axis=0)|x.gather(axis=0, index=torch.tensor([0]))|x.std(0, keepdims=True)|torch.exp(input=x)|
torch.sum(input=x, axis=0, keepdims=True)|torch.add(input=x, other=x, alpha=2)|torch.pow(input=x, exponent=2)|torch.mm(input=m[0], mat2=m[0])|torch.where(condition=x > 0, input=x, other=x)|
torch.clamp(input=x, min=0, max=1)|torch.norm(input=x, p=2)|torch.cat(tensors=[x], dim=0)|torch.full(size=(2,), fill_value=1.)|torch.zeros(size=(2,))|torch.linspace(start=0, end=1, steps=3)|
torch.eye(n=2)|torch.tensor(data=[1])|torch.transpose(input=m, dim0=0, dim1=1)|x.div_(2, rounding_mode='floor')|x.pow_(exponent=2)|x.masked_fill_(mask=x > 0, value=1)|x.clamp_(max=1)|
torch.max(input=m, dim=1)|torch.argmax(input=x, dim=0)|torch.topk(input=x, k=1)|torch.softmax(input=x, dim=0)|torch.index_select(input=x, dim=0, index=torch.tensor([0]))""".replace(
    "\n", ""
).split("|")


@pytest.mark.parametrize("call", CALLS)
def test_keywords_that_torch_takes_are_taken(call: str) -> None:
    for module in (torch, minigrad):
        eval(call, {"torch": module, "x": module.ones(2), "m": module.ones(1, 2, 2)})


if __name__ == "__main__":
    for name, problem in differences().items():
        print(name, problem)
