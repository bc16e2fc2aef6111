"""Plain descent, momentum and Adam race down the same narrow valley."""

import torch


def valley(p):
    x, y = p
    return 0.5 * x**2 + 10 * (y - torch.sin(x)) ** 2


def race(name, make_optimizer, steps=80):
    point = torch.tensor([-2.5, 1.5], requires_grad=True)
    optimizer = make_optimizer([point])
    path = [point.detach().clone()]
    for step in range(steps):
        optimizer.zero_grad()
        loss = valley(point)
        loss.backward()
        optimizer.step()
        path.append(point.detach().clone())
        if step % 20 == 0:
            print(f"{name:9s} step {step:2d}  loss {loss.item():.4f}  |gradient| {point.grad.norm().item():.4f}")
    path = torch.stack(path)
    length = (path[1:] - path[:-1]).norm(dim=1).sum()
    x, y = path[-1].tolist()
    print(f"{name:9s} ended at ({x:.4f}, {y:.4f}) after a path of {length.item():.4f}")
    return valley(point).item()


final = {
    "plain": race("plain", lambda params: torch.optim.SGD(params, lr=0.02)),
    "momentum": race("momentum", lambda params: torch.optim.SGD(params, lr=0.02, momentum=0.9)),
    "nesterov": race("nesterov", lambda params: torch.optim.SGD(params, lr=0.02, momentum=0.9, nesterov=True)),
    "Adam": race("Adam", lambda params: torch.optim.Adam(params, lr=0.2)),
}
for name, loss in sorted(final.items(), key=lambda item: item[1]):
    print(f"{name}: {loss:.4f}")

# momentum by hand gives the same as the optimizer
p = torch.tensor([-2.5, 1.5], requires_grad=True)
q = torch.tensor([-2.5, 1.5], requires_grad=True)
velocity = torch.zeros(2)
optimizer = torch.optim.SGD([q], lr=0.02, momentum=0.9)
for _ in range(10):
    (g,) = torch.autograd.grad(valley(p), p)
    velocity = 0.9 * velocity + g
    with torch.no_grad():
        p -= 0.02 * velocity
    optimizer.zero_grad()
    valley(q).backward()
    optimizer.step()
print("by hand", [f"{v:.4f}" for v in p.tolist()], torch.allclose(p, q))
