"""Softmax regression, written out, on pictures of digits: seven-segment digits of 5 by 3 pixels with noise."""

import torch
import torch.nn.functional as F

torch.manual_seed(1)
SHAPES = """
###  .#.  ###  ###  #.#  ###  ###  ###  ###  ###
#.#  .#.  ..#  ..#  #.#  #..  #..  ..#  #.#  #.#
#.#  .#.  ###  ###  ###  ###  ###  ..#  ###  ###
#.#  .#.  #..  ..#  ..#  ..#  #.#  ..#  #.#  ..#
###  .#.  ###  ###  ..#  ###  ###  ..#  ###  ###
"""
rows = [line.split() for line in SHAPES.strip().splitlines()]
digits = torch.tensor([[[float(c == "#") for c in row[d]] for row in rows] for d in range(10)])
print(digits.shape, digits[4])


def pictures(n):
    labels = torch.randint(0, 10, (n,))
    return digits[labels].flatten(1) + 0.3 * torch.randn(n, 15), labels


def log_softmax(scores):
    scores = scores - scores.max(dim=1, keepdim=True).values
    return scores - scores.exp().sum(dim=1, keepdim=True).log()


def main():
    x, y = pictures(300)
    x_test, y_test = pictures(100)
    W = (0.01 * torch.randn(15, 10)).requires_grad_()
    b = torch.zeros(10, requires_grad=True)
    for epoch in range(1, 41):
        scores = x @ W + b
        loss = -log_softmax(scores)[torch.arange(len(y)), y].mean()
        assert torch.allclose(loss, F.cross_entropy(scores, y))
        loss.backward()
        with torch.no_grad():
            W -= W.grad
            b -= b.grad
        W.grad = b.grad = None
        if epoch % 10 == 0:
            right = ((x_test @ W + b).argmax(1) == y_test).sum().item()
            print(f"epoch {epoch}: loss {loss.item():.4f}, {right} of 100 right")

    print("the 8 as the model sees it:", W.detach()[:, 8].reshape(5, 3), sep="\n")
    with torch.no_grad():
        values, indices = F.softmax(x_test[0] @ W + b, dim=0).topk(3)
    print("best guesses", indices.tolist(), [f"{v:.4f}" for v in values.tolist()], "truth", y_test[0].item())


main()
