"""The Jacobian of polar coordinates: row by row, with autograd.functional, against the formula; and Newton's method."""

import torch
from torch.autograd.functional import hessian, jacobian, jvp, vjp


def polar(p):
    radius, angle = p[0], p[1]
    return torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)])


p = torch.tensor([2.0, 0.6], requires_grad=True)
out = polar(p)
print(out)
rows = []
for i in range(2):
    (row,) = torch.autograd.grad(out[i], p, retain_graph=True)
    rows.append(row)
J = torch.stack(rows)
print("row by row", J, sep="\n")

c, s = torch.cos(p[1]).item(), torch.sin(p[1]).item()
formula = torch.tensor([[c, -2 * s], [s, 2 * c]])
print("functional", torch.allclose(jacobian(polar, p), J), "formula", torch.allclose(J, formula))
determinant = J[0, 0] * J[1, 1] - J[0, 1] * J[1, 0]
print(f"determinant {determinant.item():.4f}, the radius")

u, v = torch.tensor([1.0, -1.0]), torch.tensor([0.5, 0.25])
print("u J", vjp(polar, p, u)[1], "J v", jvp(polar, p, v)[1])
print("again", u @ J, J @ v)


def height(p):
    x, y = p
    return (x - 1) ** 4 + x * y + y**2


print("hessian", hessian(height, torch.tensor([2.0, 1.0])), sep="\n")
H = jacobian(lambda p: jacobian(height, p, create_graph=True), torch.tensor([2.0, 1.0]))
print("twice jacobian", torch.allclose(H, hessian(height, torch.tensor([2.0, 1.0]))))

q = torch.tensor([2.0, 1.0])
for step in range(6):
    g, H = jacobian(height, q), hessian(height, q)
    det = H[0, 0] * H[1, 1] - H[0, 1] * H[1, 0]
    inverse = torch.stack([torch.stack([H[1, 1], -H[0, 1]]), torch.stack([-H[1, 0], H[0, 0]])]) / det
    q = q - inverse @ g
    print(f"step {step}  at ({q[0].item():.4f}, {q[1].item():.4f})  |gradient| {g.norm().item():.4f}")
