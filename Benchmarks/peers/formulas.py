"""The operation in PyTorch, as one would write it: what is timed where no package has it, and in float64 what all
results are compared with. Shapes: x [G, C, …], θ and φ [G, d, …], G being the batch with the scope folded in."""
import torch
from torch import nn
from torch.nn import functional as F


def fold(x, scope):
    """[B, C, T, H, W] with frames (`space`) or pixels (`time`) made batch items."""
    if scope == "spacetime":
        return x
    b, c, t, h, w = x.shape
    if scope == "space":
        return x.permute(0, 2, 1, 3, 4).reshape(b * t, c, h, w)
    return x.permute(0, 3, 4, 1, 2).reshape(b * h * w, c, t)


def unfold(z, shape, scope):
    """The reverse, to x's shape."""
    if scope == "spacetime":
        return z.reshape(shape)
    b, c, t, h, w = shape
    if scope == "space":
        return z.reshape(b, t, c, h, w).permute(0, 2, 1, 3, 4)
    return z.reshape(b, h, w, c, t).permute(0, 3, 4, 1, 2)


def pool(x):
    """Maxima over 2, 2×2 or 1×2×2 positions."""
    return [F.max_pool1d, F.max_pool2d, F.max_pool3d][x.dim() - 3](x, [(2,), (2, 2), (1, 2, 2)][x.dim() - 3])


def softmax_rows(theta, phi, g, scale):
    """y = softmax(s θᵀφ) gᵀ; positions first, [G, N, d], in and out."""
    return torch.softmax(torch.matmul(theta * scale, phi.transpose(1, 2)), dim=-1) @ g


def softmax_fused(theta, phi, g, scale):
    """The same by PyTorch's own fused kernel, which takes [G, heads, N, d]."""
    return F.scaled_dot_product_attention(theta[:, None], phi[:, None], g[:, None], scale=scale)[:, 0]


class Block(nn.Module):
    """A whole block. `form` says how y comes about: direct, sdpa, re-associated, Gram or outer sum."""

    def __init__(self, problem, form):
        super().__init__()
        self.case, self.form = problem.case, form
        for name, tensor in problem.weights.items():
            self.register_parameter(name, nn.Parameter(tensor.clone(), requires_grad=False))

    def forward(self, x):
        folded = fold(x, self.case.scope)
        if self.form == "Gram":
            z = self._gram(folded.flatten(2))
        else:
            z = self.rows(folded)
        return unfold(z, x.shape, self.case.scope)

    def rows(self, x, chosen=None):
        """z of folded x, [G, C, n], at all positions or at the chosen ones."""
        case = self.case
        normed = F.group_norm(x, case.groups, self.norm, self.norm_bias, eps=1e-6) if case.groups else x
        queries, residual = normed.flatten(2), x.flatten(2)
        if chosen is not None:
            queries, residual = queries[:, :, chosen], residual[:, :, chosen]
        source = pool(normed) if case.subsample == "pool-first" else normed
        phi = source if case.pairwise == "gaussian" else self._project("phi", source)
        g = self._project("g", source)
        if case.subsample == "conv-first":
            phi, g = pool(phi), pool(g)
        theta = queries if case.pairwise == "gaussian" else self._project("theta", queries)
        y = self._aggregate(*(t.flatten(2).transpose(1, 2) for t in (theta, phi, g)))
        return self._project("out", y.transpose(1, 2)) + residual

    def _project(self, layer, x):
        """A convolution over single positions, [G, C, …] to [G, rows, …]."""
        y = F.conv1d(x.flatten(2), getattr(self, layer)[:, :, None], getattr(self, layer + "_bias"))
        return y.reshape(*y.shape[:2], *x.shape[2:])

    def _aggregate(self, theta, phi, g):
        pairwise, keys = self.case.pairwise, phi.shape[1]
        if pairwise == "dot-product":
            if self.form == "re-associated":
                return theta @ (phi.transpose(1, 2) @ g / keys)
            return (theta @ phi.transpose(1, 2) / keys) @ g
        if pairwise == "concatenation":
            if self.form == "direct":
                return self._concatenated(theta, phi) / keys @ g
            d = self.case.d
            return torch.relu(theta @ self.w_f[:d, None] + (phi @ self.w_f[d:])[:, None]) / keys @ g
        scale = self.case.d ** -0.5 if self.case.scale == "sqrt" else 1.0
        return (softmax_fused if self.form == "sdpa" else softmax_rows)(theta, phi, g, scale)

    def _concatenated(self, theta, phi):
        """ReLU(w_fᵀ[θ_i; φ_j]) with every pair written out, as mmcv and others have it."""
        queries, keys = theta.shape[1], phi.shape[1]
        pairs = torch.cat([
            theta.transpose(1, 2)[:, :, :, None].repeat(1, 1, 1, keys),
            phi.transpose(1, 2)[:, :, None].repeat(1, 1, queries, 1)], dim=1)
        return torch.relu(F.conv2d(pairs, self.w_f[None, :, None, None]))[:, 0]

    def _gram(self, x):
        """z = x + W_z W_g (X Xᵀ) W_φᵀ W_θ X / N + b, the biases of θ, φ and g through a row of ones in X."""
        ones = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
        theta, phi, g = (
            torch.cat([getattr(self, layer), getattr(self, layer + "_bias")[:, None]], dim=1)
            for layer in ("theta", "phi", "g"))
        gram = ones @ ones.transpose(1, 2) / x.shape[2]
        return x + (self.out @ (g @ gram @ phi.T) @ theta) @ ones + self.out_bias[:, None]
