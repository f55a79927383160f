"""The inputs of a case: drawn once, given to both sides, and written to files for ours."""
import math
import zlib

import numpy
import torch

from cases import BARE


class Problem:
    """x and the weights of a block, or θ, φ and g of the bare operation; all float32 and seeded."""

    def __init__(self, case):
        self.case = case
        self.random = torch.Generator().manual_seed(zlib.crc32(case.name.encode()))
        if case.kind == BARE:
            self.operands = [self._normal(case.shape) for _ in "θφg"]
        else:
            self.x = self._normal(case.shape)
            self.weights = self._block_weights()

    def _normal(self, shape, deviation=1.0):
        return torch.randn(shape, generator=self.random) * deviation

    def _block_weights(self):
        """He initialisation, as the paper has it, and biases that are not zero."""
        case, weights = self.case, {}
        for layer in ("g", "out") if case.pairwise == "gaussian" else ("theta", "phi", "g", "out"):
            rows, columns = (case.channels, case.d) if layer == "out" else (case.d, case.channels)
            weights[layer] = self._normal((rows, columns), math.sqrt(2 / columns))
            weights[layer + "_bias"] = self._normal((rows,), 0.1)
        if case.pairwise == "concatenation":
            weights["w_f"] = self._normal((2 * case.d,), math.sqrt(1 / case.d))
        if case.groups:
            weights["norm"] = 1 + self._normal((case.channels,), 0.3)
            weights["norm_bias"] = self._normal((case.channels,), 0.3)
        return weights

    def write(self, x_path, weights_path):
        """The files that `nonlocal run` reads; returns the options that go with them."""
        from safetensors.torch import save_file  # which reading a problem does without

        x, state, options = self._bare_files() if self.case.kind == BARE else self._block_files()
        numpy.save(x_path, x.numpy())
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, weights_path)
        return options

    def _block_files(self):
        case, names = self.case, {"theta": "theta.conv", "phi": "phi.conv", "g": "g.conv", "out": "conv_out.conv"}
        options = ["--pairwise", case.pairwise, "--subsample", case.subsample, "--scope", case.scope]
        if case.groups:
            names = {"theta": "to_q", "phi": "to_k", "g": "to_v", "out": "to_out.0", "norm": "group_norm"}
            options = ["--dialect", "diffusers"]
        elif case.pairwise != "concatenation":
            options += ["--scale", case.scale]
        state = {}
        for name, tensor in self.weights.items():
            if name == "w_f":
                state["concat_project.conv.weight"] = tensor.reshape(1, -1, 1, 1)
                continue
            layer, end = (name.removesuffix("_bias"), ".bias") if name.endswith("_bias") else (name, ".weight")
            convolution = tensor.dim() == 2 and not case.groups
            state[names[layer] + end] = (
                tensor.reshape(*tensor.shape, *[1] * (len(case.shape) - 2)) if convolution else tensor)
        return self.x, state, options

    def _bare_files(self):
        """A block whose result is y alone. x holds θ, φ, g and zeros; the weights, ones and zeros, pick them out
        and put y where the zeros were: all of it exact."""
        d = self.case.d
        x = torch.cat([*self.operands, torch.zeros_like(self.operands[0])], dim=1)
        state, identity = {}, torch.eye(d)
        for index, layer in enumerate(("theta", "phi", "g")):
            weight = torch.zeros(d, 4 * d)
            weight[:, index * d:(index + 1) * d] = identity
            state[layer + ".weight"] = weight[:, :, None]
        state["W.weight"] = torch.cat([torch.zeros(3 * d, d), identity])[:, :, None]
        return x, state, ["--dialect", "alexhex7", "--subsample", "none", "--scale", self.case.scale]
