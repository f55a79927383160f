"""Errors against float64, and the rule that bounds them."""
import torch

import formulas
from cases import BARE

EPSILON = 2.0 ** -24
REFERENCE_OPERATIONS = 1e10  # in float64, before only some positions are compared


class Reference:
    """The float64 result at chosen positions of every batch item (the first and the last among them)."""

    def __init__(self, problem):
        self.case = case = problem.case
        if case.kind == BARE:
            theta, phi, g = (tensor.double().transpose(1, 2) for tensor in problem.operands)
            self.rows = self._choose(theta.shape[0], theta.shape[1])
            y = formulas.softmax_rows(theta[:, self.rows], phi, g, case.d ** -0.5)
            self.expected, self.largest_x = y.transpose(1, 2), 0.0
            self.largest = y.abs().max().item()
        else:
            x = formulas.fold(problem.x.double(), case.scope)
            self.rows = self._choose(x.shape[0], x[0, 0].numel())
            form = "outer sum" if case.pairwise == "concatenation" else "direct"
            self.expected = formulas.Block(problem, form).double().rows(x, self.rows)
            self.largest_x = problem.x.abs().max().item()
            self.largest = (self.expected - x.flatten(2)[:, :, self.rows]).abs().max().item()

    def _choose(self, groups, positions):
        count = int(REFERENCE_OPERATIONS / (4 * groups * positions * self.case.d))
        return torch.linspace(0, positions - 1, min(positions, max(count, 16))).round().long()

    def error(self, result):
        """max|z − z64| / max|z64 − x|; infinite if anything is not finite."""
        if self.case.kind != BARE:
            result = formulas.fold(result, self.case.scope)
        difference = (result.flatten(2)[:, :, self.rows].double() - self.expected).abs().max().item()
        return difference / self.largest if difference == difference else float("inf")

    def limit(self, peer_error):
        """max(2 × PyTorch float32's error, 8·2⁻²⁴·(1 + max|x| / max|z − x|))"""
        return max(2 * peer_error, 8 * EPSILON * (1 + self.largest_x / self.largest))
