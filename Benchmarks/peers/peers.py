"""PyTorch's side: for each case the ways to compute it there, as functions without arguments."""
import importlib.metadata
import os
import shutil
import signal
import time
from fractions import Fraction

import torch
from torch import nn

import formulas
from cases import BARE

COMPILE_LIMIT = 60  # seconds for one


class Skipped(Exception):
    """Why a peer was not run."""


class Compiler:
    """torch.compile within limits of time; the time is spent in the first call."""

    def __init__(self, seconds):
        self.left = seconds
        self.reason = None if shutil.which("g++") or shutil.which("c++") else "no C++ compiler"
        torch._inductor.config.compile_threads = 1
        torch._inductor.config.freezing = True

    def compile(self, function, *arguments):
        """A compiled function of no arguments."""
        if self.reason or self.left <= 0:
            raise Skipped(self.reason or "time for compiling used up")
        torch._dynamo.reset()
        compiled = torch.compile(function, dynamic=False)
        start = time.monotonic()
        before = signal.signal(signal.SIGALRM, self._too_late)
        signal.alarm(COMPILE_LIMIT)
        try:
            compiled(*arguments)
        except Skipped:
            raise
        except Exception as error:
            raise Skipped(f"does not compile: {type(error).__name__}") from error
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
            self.left -= time.monotonic() - start
        return lambda: compiled(*arguments)

    @staticmethod
    def _too_late(*_):
        raise Skipped(f"not compiled within {COMPILE_LIMIT} s")


def make(name, problem, compiler):
    """The peer of that name as a function that gives z, or y [B, d, N] for the bare operation."""
    case = problem.case
    _check_memory(name, case)
    if case.kind == BARE:
        return _bare(name, problem, compiler)
    if name == "compile":
        return compiler.compile(formulas.Block(problem, "direct").eval(), problem.x)
    if name == "eager" and mmcv_has(case):
        module = _mmcv(problem)
    elif name == "diffusers":
        module = _diffusers(problem)
    else:
        module = formulas.Block(problem, "direct" if name == "eager" else name)
    module.eval()
    return lambda: module(problem.x)


def _bare(name, problem, compiler):
    """Each gets the operands as it likes them best, positions first."""
    operands = [tensor.transpose(1, 2).contiguous() for tensor in problem.operands]
    scale = problem.case.d ** -0.5
    function = formulas.softmax_fused if name == "sdpa" else formulas.softmax_rows
    if name == "compile":
        run = compiler.compile(function, *operands, scale)
    else:
        run = lambda: function(*operands, scale)
    return lambda: run().transpose(1, 2)


def _check_memory(name, case):
    """Most forms hold all pairs of positions, twice; mmcv's concatenation each with 2d channels."""
    if name in ("sdpa", "re-associated", "Gram", "diffusers"):
        return
    positions = formulas.fold(torch.empty(case.shape, device="meta"), case.scope)
    pairs = positions.shape[0] * positions[0, 0].numel() ** 2
    each = 2 * case.d if case.pairwise == "concatenation" and name == "eager" else 1
    needed, there = 8 * each * pairs, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > there / 2:
        raise Skipped(f"would take {needed / 2**30:.0f} GiB")


# ---------------------------------------------------------------------------- packages

def version(package):
    """The version of a package that imports, or none."""
    module = {"mmcv-lite": "mmcv.cnn", "diffusers": "diffusers.models.attention_processor"}.get(package, package)
    try:
        __import__(module)
        return importlib.metadata.version(package)
    except Exception:  # a package that is there may fail in many ways when imported
        return None


def mmcv_has(case):
    """Whether mmcv is there and its block computes this case as it comes."""
    return (
        case.scope == "spacetime" and case.subsample != "pool-first" and case.groups is None
        and version("mmcv-lite") is not None)


def _mmcv(problem):
    from mmcv.cnn.bricks import non_local

    case = problem.case
    kind = getattr(non_local, f"NonLocal{len(case.shape) - 2}d")
    module = kind(
        case.channels, reduction=Fraction(case.channels, case.d), use_scale=case.scale == "sqrt",
        mode=case.pairwise.replace("-", "_"), sub_sample=case.subsample == "conv-first", norm_cfg=None)
    layers = {"g": module.g, "out": module.conv_out}
    if case.pairwise != "gaussian":
        layers |= {"theta": module.theta, "phi": module.phi}
    for name, layer in layers.items():
        _fill((layer[0] if isinstance(layer, nn.Sequential) else layer).conv, problem.weights, name)
    if case.pairwise == "concatenation":
        weight = module.concat_project.conv.weight
        weight.data = problem.weights["w_f"].reshape(weight.shape)
    return module


def _diffusers(problem):
    """diffusers' attention, or where it can't be had its formula, which uses the same fused kernel."""
    if version("diffusers") is None:
        return formulas.Block(problem, "sdpa")
    from diffusers.models.attention_processor import Attention

    case = problem.case
    module = Attention(
        case.channels, heads=1, dim_head=case.d, bias=True, out_bias=True, norm_num_groups=case.groups, eps=1e-6,
        residual_connection=True, rescale_output_factor=1.0)
    layers = {"norm": module.group_norm, "theta": module.to_q, "phi": module.to_k, "g": module.to_v,
              "out": module.to_out[0]}
    for name, layer in layers.items():
        _fill(layer, problem.weights, name)
    return module


def _fill(layer, weights, name):
    layer.weight.data = weights[name].reshape(layer.weight.shape)
    layer.bias.data = weights[name + "_bias"].clone()
