#!/usr/bin/env python3
"""Golden results: non-local blocks computed by other people's code, one safetensors file per case.

How to run (Python 3.11; ten seconds, one thread):

    python3 -m venv /tmp/golden
    /tmp/golden/bin/pip install --no-deps -r requirements.txt
    /tmp/golden/bin/python make_golden.py            # all cases, into cases/ beside this file
    /tmp/golden/bin/python make_golden.py ldm mmcv-1d  # only names that contain one of these

`torch==2.13.0+cpu` is PyTorch's CPU build. If pip does not find it, point pip at PyTorch's own index for
CPU wheels, or take plain `torch==2.13.0` (larger; the numbers may then differ in the last bit).
`--no-deps` because the list is complete, and because mmcv-lite and pytorchvideo ask for video libraries
that nothing here uses. No network, no model files: every weight is random, seeded by the case's name,
so a case does not depend on the others, and a second run on the same machine gives identical files.

Who computes what (README.md has versions and licences):
    mmcv, alexhex7       mmcv's NonLocal1d/2d/3d. The formula of AlexHex7's class is mmcv's with
                         use_scale=False and a bias on W in front of the batch norm, so its cases are made
                         by mmcv and saved under AlexHex7's names.
    slowfast, caffe2,    pytorchvideo's NonLocal; the first two saved under their own names. (Caffe2's affine
    pytorchvideo         layer is written out here: y = s·x + b.)
    ldm, diffusers       diffusers' Attention with one head and a group norm; ldm under LDM's names.
    keras                NOT other people's code: titu1994's block written out in PyTorch (`keras_formula`).

Set by hand, and said in each file's `source`: pooling with another kernel or before the convolutions (the
module's own pooling layers exchanged), another scale (its θ multiplied), scopes `space` and `time` (frames or
pixels folded into the batch, then the module called as it is).

Every case was compared once, in float64, with the formulas written again in NumPy: 8e-14 at most. The
AlexHex7, SlowFast and LDM cases also agree with those projects' own classes, to 4e-15.

Where peers differ from one another or from the paper; none of these contradicts a formula used here:
  - mmcv scales by 1/√d in `embedded_gaussian` only; pytorchvideo likewise in `softmax` only.
  - All divide dot products by M, the number of keys AFTER sub-sampling.
  - mmcv drops the bias of conv_out when there is a norm; AlexHex7 keeps it.
  - mmcv's concat_project is a 2-D convolution for 1-D and 3-D blocks too, and has no bias.
  - titu1994 pools in the embedded mode only. Its other modes with `flat` here are the same formula, pooled.
  - PyTorch's float32 group norm computes x·a + b with a = γ/√(variance + eps): where a group is constant,
    that cancels badly (error 5e-5 in ldm-2d-32-groups-one-position; (x − mean)·a would be exact).
"""
import copy
import functools
import json
import math
import re
import struct
import sys
import warnings
import zlib
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path

import safetensors.torch
import torch
from torch import nn

warnings.filterwarnings("ignore")
from diffusers.models.attention_processor import Attention
from mmcv.cnn.bricks.non_local import NonLocal1d, NonLocal2d, NonLocal3d
from pytorchvideo.layers.nonlocal_net import create_nonlocal

CASES = Path(__file__).resolve().parent / "cases"
WEIGHT_TYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
only, written = sys.argv[1:], set()


# ---------------------------------------------------------------------------- making and writing one case

def generator(name):
    return torch.Generator().manual_seed(zlib.crc32(name.encode()))


def normal(rng, shape, scale=1.0, shift=0.0):
    return torch.randn(shape, generator=rng) * scale + shift


class Affine(nn.Module):
    """Caffe2's AffineNd: a scale and a shift for each channel. Takes what a batch norm takes."""

    def __init__(self, num_features, eps=0, momentum=0):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))

    def forward(self, x):
        shape = (1, -1) + (1,) * (x.dim() - 2)
        return x * self.weight.view(shape) + self.bias.view(shape)


def randomise(module, rng, *, logit_gain=1.0, out_gain=1.0, small_variance=False, identity=False, weights="F32"):
    """Fills all parameters and running statistics, so that activations are of order 1."""
    batch_norm = nn.modules.batchnorm._BatchNorm
    for name, layer in module.named_modules():
        if isinstance(layer, (nn.modules.conv._ConvNd, nn.Linear)):
            gain = logit_gain if re.search(r"theta|phi|to_q|to_k", name) else 1.0
            gain = out_gain if re.search(r"out", name) else gain
            layer.weight.data = normal(rng, layer.weight.shape, gain / math.sqrt(layer.weight[0].numel()))
            if layer.bias is not None:
                layer.bias.data = normal(rng, layer.bias.shape, 0.5 * gain)
        elif isinstance(layer, (batch_norm, nn.GroupNorm, Affine)):
            layer.weight.data = normal(rng, layer.weight.shape, 0.3, 1.0)
            layer.bias.data = normal(rng, layer.bias.shape, 0.3)
            if identity:
                layer.weight.data.zero_()
                layer.bias.data.zero_()
            if isinstance(layer, batch_norm):
                layer.running_mean = normal(rng, layer.running_mean.shape, 0.3)
                u = torch.rand(layer.running_var.shape, generator=rng)
                layer.running_var = 10 ** (4 * u - 7) if small_variance else 0.2 + 1.8 * u
                layer.num_batches_tracked.fill_(zlib.crc32(name.encode()) % 9000)
    if identity == "zero-out":
        for p in module.conv_out.parameters():
            p.data.zero_()
    for tensor in list(module.parameters()) + list(module.buffers()):
        if tensor.is_floating_point():
            tensor.data = tensor.data.to(WEIGHT_TYPES[weights]).float()
    module.requires_grad_(False)
    return module.eval()


def in_scope(module, x, scope):
    """Runs the module on all of x, on each frame, or on each pixel's own column."""
    if scope == "spacetime":
        return module(x)
    b, c, t, h, w = x.shape
    if scope == "space":
        y = module(x.permute(0, 2, 1, 3, 4).reshape(b * t, c, 1, h, w))
        return y.reshape(b, t, c, h, w).permute(0, 2, 1, 3, 4)
    y = module(x.permute(0, 3, 4, 1, 2).reshape(b * h * w, c, t, 1, 1))
    return y.reshape(b, h, w, c, t).permute(0, 3, 4, 1, 2)


def finish(name, x, module, state, *, scope="spacetime", weights="F32", source, **metadata):
    """Runs the module and writes the case; `state` holds its weights under their names in the file."""
    if only and not any(o in name for o in only):
        return
    state = {k: v.clone() for k, v in state.items()}   # before .double() changes them
    z32 = in_scope(module.float(), x, scope)
    z64 = in_scope(module.double(), x.double(), scope)
    assert z64.isfinite().all() and z64.shape == x.shape, name
    difference = (z64 - x.double()).abs().max().item()

    def error(z):
        return (z.double() - z64).abs().max().item() / difference if difference else 0.0
    tensors = {k: v.to(WEIGHT_TYPES[weights]) if v.is_floating_point() else v for k, v in state.items()}
    tensors.update(x=x, z=z64)
    source += {"spacetime": "", "space": "; frames folded into the batch", "time": "; pixels folded into the batch"}[scope]
    errors = {"float32": error(z32)}
    for kind in (torch.float16, torch.bfloat16):
        z = in_scope(copy.deepcopy(module).to(kind), x.to(kind), scope)
        errors[str(kind).removeprefix("torch.")] = error(z) if z.isfinite().all() else math.inf
    metadata.update({f"torch_{kind}_error": f"{e:.6e}" if e else "0" for kind, e in errors.items()})
    metadata.update(scope=scope, weights=weights, source=source)
    metadata.setdefault("layout", "channels-first")
    metadata.setdefault("groups", "")
    write(name, tensors, metadata)
    print(f"{name:60}", *(f"{e:.1e}" for e in errors.values()))


def write(name, tensors, metadata):
    """By the safetensors package; then the metadata are put in a fixed order, which it leaves open."""
    data = safetensors.torch.save({k: v.contiguous() for k, v in tensors.items()}, metadata)
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header = {"__metadata__": dict(sorted(header.pop("__metadata__").items())), **header}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=True).encode()
    text += b" " * (-len(text) % 8)
    path = CASES / f"{name}.safetensors"
    assert path not in written, name
    written.add(path)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + size:])
    safetensors.torch.load_file(path)


def make_input(rng, shape, kind, x_scale, x_shift):
    if kind == "constant":   # every position of an item the same: all rows equal
        column = normal(rng, shape[:2] + [1] * (len(shape) - 2), x_scale, x_shift)
        return column.expand(shape).contiguous()
    return normal(rng, shape, x_scale, x_shift)


def pool_text(kernel):
    """t,h,w, whatever the dimensions: a 2-D pool is 1,h,w and a 1-D pool is 1,1,w."""
    return ",".join(map(str, (1,) * (3 - len(kernel)) + tuple(kernel)))


# ---------------------------------------------------------------------------- mmcv and AlexHex7

class FlatPool(nn.Module):
    """Maximum over runs of k flattened positions; what is left over at the end is dropped."""

    def __init__(self, k):
        super().__init__()
        self.k = k

    def forward(self, x):
        y = nn.functional.max_pool1d(x.flatten(2), self.k)
        return y.reshape(*x.shape[:2], *[1] * (x.dim() - 3), -1)


def mmcv(name, shape, d=None, pairwise="embedded-gaussian", subsample="none", *, pool=None, flat=None, norm=False,
         bias=True, scale=None, kind="normal", x_scale=1.0, x_shift=0.0, wf_bias=None, scope="spacetime",
         dialect="mmcv", prefix="", decoy=None, weights="F32", **values):
    rng = generator(name)
    shape = list(shape)
    nd, channels = len(shape) - 2, shape[1]
    mode = pairwise.replace("-", "_")
    own_scale = "sqrt" if dialect == "mmcv" and pairwise == "embedded-gaussian" else "none"
    scale = scale or own_scale
    d = d or max(channels // 2, 1)
    default_pool = [(2,), (2, 2), (1, 2, 2)][nd - 1]
    by_hand = subsample == "pool-first" or (subsample == "conv-first" and (flat or pool))
    changes = []

    m = [NonLocal1d, NonLocal2d, NonLocal3d][nd - 1](
        channels, sub_sample=subsample != "none" and not by_hand, reduction=Fraction(channels, d),
        use_scale=scale == "sqrt", mode=mode, zeros_init=False,
        norm_cfg=dict(type=["BN1d", "BN2d", "BN3d"][nd - 1]) if norm else None)
    assert m.inter_channels == d

    if by_hand:
        kernel = pool or default_pool
        layer = FlatPool(flat) if flat else [nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d][nd - 1](kernel, kernel)
        first = subsample == "pool-first"
        m.g = nn.Sequential(layer, m.g) if first else nn.Sequential(m.g, layer)
        if pairwise == "gaussian":
            m.phi, m.sub_sample = layer, True
        else:
            m.phi = nn.Sequential(layer, m.phi) if first else nn.Sequential(m.phi, layer)
        changes.append("pooling layers set by hand" + (", before the convolutions" if first else ""))
    if scale != own_scale or (scale == "sqrt" and pairwise != "embedded-gaussian"):
        if not (pairwise == "embedded-gaussian" and scale in ("none", "sqrt")):
            width = channels if pairwise == "gaussian" else d
            factor = 1 / math.sqrt(width) if scale == "sqrt" else float(scale)
            peer = getattr(m, mode)
            setattr(m, mode, lambda theta, phi: peer(theta * factor, phi))
            changes.append("theta multiplied by the scale")
    convolutions = [l for l in m.modules() if isinstance(l, nn.modules.conv._ConvNd)]
    if not bias:
        for layer in convolutions:
            layer.bias = None
        changes.append("biases removed")
    elif dialect == "alexhex7" and norm:
        m.conv_out.conv.bias = nn.Parameter(torch.zeros(channels))
    if wf_bias is not None:
        m.concat_project.conv.bias = nn.Parameter(torch.zeros(1))
        changes.append("bias added to concat_project")

    randomise(m, rng, weights=weights, **values)
    if wf_bias is not None:
        m.concat_project.conv.bias.data.fill_(wf_bias)

    def file_name(k):
        k = re.sub(r"^(phi|g)\.1\.", r"\1.", k)   # pooled first: named as if not pooled
        if dialect == "alexhex7":
            k = k.replace("conv_out.bn.", "W.1.").replace("conv_out.conv.", "W.0." if norm else "W.")
            k = k.replace("concat_project.conv.", "concat_project.0.").replace(".conv.", ".")
        return k

    source = f"mmcv-lite {version('mmcv-lite')} {type(m).__name__}, torch {version('torch')}"
    source += "".join("; " + c for c in changes)
    if dialect == "alexhex7":
        source += "; use_scale=False, saved under AlexHex7's names"
    state = {prefix + file_name(k): v for k, v in m.state_dict().items()}
    if decoy:   # a second block in the same file, which a reader has to leave alone
        state |= {decoy + k: normal(rng, v.shape) for k, v in m.state_dict().items() if v.is_floating_point()}
    finish(name, make_input(rng, shape, kind, x_scale, x_shift), m, state, scope=scope, weights=weights, prefix=prefix,
           dialect=dialect, pairwise=pairwise, subsample=subsample, scale=str(scale), inner=str(d),
           pool="" if subsample == "none" else f"flat,{flat}" if flat else pool_text(pool or default_pool),
           norm="batch" if norm else "none", eps="1e-05" if norm else "", source=source)


alexhex7 = functools.partial(mmcv, dialect="alexhex7", prefix="nl_2.")


# ---------------------------------------------------------------------------- pytorchvideo, SlowFast, Caffe2

def pytorchvideo(name, shape, d=None, pairwise="embedded-gaussian", pool=None, *, norm="batch", bias=True,
                 kind="normal", x_scale=1.0, x_shift=0.0, scope="spacetime", dialect="pytorchvideo",
                 prefix="blocks.3.", weights="F32", **values):
    rng = generator(name)
    channels = shape[1]
    d = d or max(channels // 2, 1)
    eps = 1.0000001e-5 if dialect == "caffe2" else 1e-5
    m = create_nonlocal(dim_in=channels, dim_inner=d, pool_size=pool, norm_eps=eps,
                        instantiation="softmax" if pairwise == "embedded-gaussian" else "dot_product",
                        norm={"batch": nn.BatchNorm3d, "affine": Affine, "none": None}[norm])
    if not bias:
        for layer in (m.conv_theta, m.conv_phi, m.conv_g, m.conv_out):
            layer.bias = None
    randomise(m, rng, weights=weights, **values)

    def file_name(k):
        if dialect == "slowfast":
            return k.replace("norm.", "bn.")
        if dialect == "caffe2":
            for old, new in [("conv_", ""), ("norm.weight", "bn_s"), ("norm.bias", "bn_b"), ("norm.running_mean", "bn_rm"),
                             ("norm.running_var", "bn_riv"), (".weight", "_w"), (".bias", "_b")]:
                k = k.replace(old, new)
        return k

    source = f"pytorchvideo {version('pytorchvideo')} NonLocal, torch {version('torch')}"
    source += "" if bias else "; biases removed"
    source += "; norm replaced by the formula s*x + b" if norm == "affine" else ""
    state = {prefix + file_name(k): v for k, v in m.state_dict().items()}
    if dialect in ("slowfast", "caffe2"):
        source += f"; saved under the names of {'SlowFast' if dialect == 'slowfast' else 'Caffe2'}"
    if dialect == "caffe2":   # Caffe2 keeps no count of batches, but the optimiser's momentum
        state = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
        state |= {prefix + file_name(k) + "_momentum": normal(rng, v.shape) for k, v in m.named_parameters()}
    finish(name, make_input(rng, list(shape), kind, x_scale, x_shift), m, state, scope=scope, weights=weights,
           prefix=prefix, dialect=dialect, pairwise=pairwise, subsample="pool-first" if pool else "none",
           pool=pool_text(pool) if pool else "", scale="sqrt" if pairwise == "embedded-gaussian" else "none",
           inner=str(d), norm=norm, eps=repr(eps) if norm == "batch" else "", source=source)


slowfast = functools.partial(pytorchvideo, dialect="slowfast", prefix="s3.pathway0_nonlocal1.")
caffe2 = functools.partial(pytorchvideo, dialect="caffe2", prefix="nonlocal_conv4_1_")


# ---------------------------------------------------------------------------- diffusers and LDM

def diffusers(name, shape, groups, *, bias=True, x_scale=1.0, x_shift=0.0, kind="normal", dialect="diffusers",
              prefix="encoder.mid_block.attentions.0.", weights="F32", **values):
    rng = generator(name)
    channels = shape[1]
    m = Attention(channels, heads=1, dim_head=channels, bias=bias, out_bias=bias, norm_num_groups=groups, eps=1e-6,
                  residual_connection=True, rescale_output_factor=1.0)
    randomise(m, rng, weights=weights, **values)
    state = m.state_dict()
    if dialect == "ldm":   # 1x1 convolutions instead of matrices
        for old, new in [("group_norm", "norm"), ("to_q", "q"), ("to_k", "k"), ("to_v", "v"), ("to_out.0", "proj_out")]:
            state = {k.replace(old, new): v for k, v in state.items()}
        state = {k: v[:, :, None, None] if v.dim() == 2 else v for k, v in state.items()}
    state = {prefix + k: v for k, v in state.items()}
    source = f"diffusers {version('diffusers')} Attention, torch {version('torch')}"
    source += "; saved under LDM's names" if dialect == "ldm" else ""
    finish(name, make_input(rng, list(shape), kind, x_scale, x_shift), m, state, weights=weights, prefix=prefix,
           dialect=dialect, pairwise="embedded-gaussian", subsample="none", pool="", scale="sqrt",
           inner=str(channels), norm="group", groups=str(groups), eps="1e-06", source=source)


ldm = functools.partial(diffusers, dialect="ldm", prefix="first_stage_model.encoder.mid.attn_1.")


# ---------------------------------------------------------------------------- Keras, by formula

class keras_formula(nn.Module):
    """titu1994's non_local_block, written out: channels last, 1-D pooling of the flattened positions."""

    def __init__(self, nd, channels, d, pairwise, flat, bias):
        super().__init__()
        self.pairwise, self.flat, self.layers = pairwise, flat, nn.ParameterDict()
        for layer in ("g", "out") if pairwise == "gaussian" else ("theta", "phi", "g", "out"):
            sizes = (d, channels) if layer == "out" else (channels, d)
            self.layers[layer + "/kernel"] = torch.zeros([1] * nd + list(sizes))
            if bias:
                self.layers[layer + "/bias"] = torch.zeros(sizes[1])

    def dense(self, layer, x):
        y = x @ self.layers[layer + "/kernel"].flatten(0, -3)[0]
        return y + self.layers[layer + "/bias"] if layer + "/bias" in self.layers else y

    def pooled(self, x):
        return nn.functional.max_pool1d(x.transpose(1, 2), self.flat).transpose(1, 2) if self.flat else x

    def forward(self, x):
        positions = x.flatten(1, -2)
        embedded = self.pairwise != "gaussian"
        theta = self.dense("theta", positions) if embedded else positions
        phi = self.pooled(self.dense("phi", positions) if embedded else positions)
        f = theta @ phi.transpose(1, 2)
        f = f / f.shape[-1] if self.pairwise == "dot-product" else f.softmax(-1)
        y = f @ self.pooled(self.dense("g", positions))
        return x + self.dense("out", y).reshape(x.shape)


def keras(name, shape, d=None, pairwise="embedded-gaussian", flat=None, *, bias=False, prefix="non_local_1/",
          weights="F32"):
    rng = generator(name)
    nd, channels = len(shape) - 2, shape[-1]
    d = d or max(channels // 2, 1)
    m = keras_formula(nd, channels, d, pairwise, flat, bias)
    for k, p in m.layers.items():
        p.data = normal(rng, p.shape, 0.5 if k.endswith("bias") else 1 / math.sqrt(p.shape[-2]))
        p.data = p.data.to(WEIGHT_TYPES[weights]).float()
    m.requires_grad_(False)
    state = {prefix + k.removeprefix("layers."): v for k, v in m.state_dict().items()}
    finish(name, normal(rng, list(shape)), m, state, weights=weights, prefix=prefix,
           dialect="keras", pairwise=pairwise, subsample="conv-first" if flat else "none",
           pool=f"flat,{flat}" if flat else "", scale="none", layout="channels-last", inner=str(d), norm="none", eps="",
           source=f"titu1994's formula written out with torch {version('torch')} (keras_formula in make_golden.py)")


# ---------------------------------------------------------------------------- the cases

def make_all():
    # All four functions, three sub-samplings, three dimensions; odd sizes.
    for pairwise in ("gaussian", "embedded-gaussian", "dot-product", "concatenation"):
        short = pairwise.removesuffix("-gaussian")
        for subsample in ("none", "conv-first", "pool-first"):
            prefix = {"none": "", "conv-first": "module.nl_1.", "pool-first": "backbone.layer3.2.non_local."}[subsample]
            mmcv(f"mmcv-1d-{short}-{subsample}", (2, 6, 13), 4, pairwise, subsample, prefix=prefix)
            mmcv(f"mmcv-2d-{short}-{subsample}-odd", (1, 8, 7, 7), 4, pairwise, subsample, norm=True, prefix=prefix)
            mmcv(f"mmcv-3d-{short}-{subsample}", (2, 5, 2, 5, 4), 3, pairwise, subsample, prefix=prefix)

    # Sizes: one position, one channel, one frame, primes, inner channels of every kind.
    mmcv("mmcv-1d-one-channel-one-position", (1, 1, 1))
    mmcv("mmcv-2d-one-position", (3, 6, 1, 1), norm=True)
    mmcv("mmcv-2d-embedded-one-key", (1, 4, 3, 3), 2, subsample="conv-first")
    mmcv("mmcv-2d-embedded-primes", (1, 3, 13, 11), 2)
    mmcv("mmcv-2d-gaussian-5x3-conv-first", (3, 2, 5, 3), 1, "gaussian", "conv-first")
    mmcv("mmcv-2d-concatenation-inner-1", (2, 5, 5, 3), 1, "concatenation", "conv-first")
    mmcv("mmcv-2d-embedded-inner-1", (2, 3, 4, 5), 1)
    mmcv("mmcv-2d-embedded-inner-larger-than-channels", (1, 4, 5, 3), 9, subsample="conv-first")
    mmcv("mmcv-2d-embedded-67-channels", (1, 67, 5, 3), 33, subsample="conv-first", norm=True)
    mmcv("mmcv-1d-dot-product-inner-37", (1, 41, 17), 37, "dot-product", "conv-first")
    mmcv("mmcv-3d-embedded-one-frame", (2, 6, 1, 7, 5), subsample="conv-first", norm=True)
    mmcv("mmcv-1d-embedded-long", (1, 2, 131), 2, subsample="conv-first")

    # Biases, norms, scales.
    mmcv("mmcv-2d-embedded-no-biases", (2, 6, 4, 5), bias=False)
    mmcv("mmcv-2d-concatenation-no-biases", (2, 6, 4, 5), None, "concatenation", "conv-first", bias=False)
    mmcv("mmcv-2d-embedded-small-variances", (1, 8, 5, 5), norm=True, small_variance=True)
    mmcv("mmcv-2d-embedded-identity-norm", (2, 6, 5, 5), subsample="conv-first", norm=True, identity=True)
    mmcv("mmcv-3d-dot-product-identity-zero-out", (1, 4, 2, 4, 4), None, "dot-product", identity="zero-out")
    mmcv("mmcv-2d-embedded-scale-none", (1, 8, 5, 6), scale="none")
    mmcv("mmcv-2d-embedded-scale-legacy", (1, 8, 5, 6), 5, scale=repr(math.sqrt(5)), norm=True)
    mmcv("mmcv-2d-embedded-scale-number", (1, 8, 5, 6), scale="0.375")
    mmcv("mmcv-2d-gaussian-scale-sqrt", (1, 7, 5, 6), None, "gaussian", "conv-first", scale="sqrt")
    mmcv("mmcv-2d-dot-product-scale-sqrt", (1, 7, 5, 6), None, "dot-product", "conv-first", scale="sqrt")
    mmcv("mmcv-2d-embedded-two-blocks-in-file", (1, 6, 4, 5), norm=True, prefix="nl_2.", decoy="nl_1.")

    # Values: large affinities, equal rows, an input much larger than what is added to it.
    mmcv("mmcv-2d-embedded-logits-1e3", (1, 8, 6, 5), logit_gain=15)
    mmcv("mmcv-2d-embedded-logits-1e4", (1, 8, 6, 5), logit_gain=48)
    mmcv("mmcv-2d-embedded-logits-1e4-conv-first", (1, 8, 7, 7), subsample="conv-first", norm=True, logit_gain=48)
    mmcv("mmcv-2d-gaussian-logits-1e4", (1, 8, 5, 5), None, "gaussian", x_scale=35)
    mmcv("mmcv-3d-gaussian-logits-1e4-conv-first", (1, 6, 2, 5, 4), None, "gaussian", "conv-first", x_scale=40)
    mmcv("mmcv-2d-dot-product-logits-1e4", (1, 8, 6, 5), None, "dot-product", logit_gain=34)
    mmcv("mmcv-2d-concatenation-logits-1e4", (1, 8, 6, 5), None, "concatenation", logit_gain=3000)
    mmcv("mmcv-2d-embedded-constant-input", (2, 6, 5, 3), kind="constant", subsample="conv-first")
    mmcv("mmcv-2d-gaussian-constant-input", (2, 6, 5, 3), None, "gaussian", kind="constant")
    mmcv("mmcv-1d-concatenation-constant-input", (2, 6, 7), None, "concatenation", kind="constant")
    mmcv("mmcv-2d-embedded-small-residual", (1, 6, 5, 5), out_gain=1e-3, x_scale=3)
    mmcv("mmcv-2d-embedded-offset-input", (1, 6, 5, 5), x_shift=20)

    # Other pools.
    mmcv("mmcv-1d-embedded-pool-3", (1, 6, 14), subsample="conv-first", pool=(3,))
    mmcv("mmcv-2d-embedded-pool-1x3", (1, 6, 4, 7), subsample="conv-first", pool=(1, 3))
    mmcv("mmcv-2d-concatenation-pool-first-3x2", (1, 6, 7, 5), None, "concatenation", "pool-first", pool=(3, 2))
    mmcv("mmcv-3d-embedded-pool-2x2x2", (1, 4, 5, 4, 5), subsample="conv-first", pool=(2, 2, 2))
    mmcv("mmcv-3d-gaussian-pool-1x1x2", (1, 4, 3, 4, 5), None, "gaussian", "conv-first", pool=(1, 1, 2))
    mmcv("mmcv-3d-dot-product-pool-2x1x1", (1, 4, 5, 3, 4), None, "dot-product", "conv-first", pool=(2, 1, 1))
    mmcv("mmcv-2d-embedded-flat-2-odd", (2, 6, 5, 3), subsample="conv-first", flat=2)
    mmcv("mmcv-3d-concatenation-flat-3", (1, 6, 2, 5, 4), None, "concatenation", "conv-first", flat=3)
    mmcv("mmcv-2d-dot-product-pool-first-flat-3", (1, 6, 5, 7), None, "dot-product", "pool-first", flat=3)

    # Scopes.
    mmcv("mmcv-3d-embedded-space", (2, 6, 3, 4, 3), scope="space")
    mmcv("mmcv-3d-concatenation-space-conv-first", (1, 6, 3, 5, 5), None, "concatenation", "conv-first", scope="space")
    mmcv("mmcv-3d-gaussian-space-pool-first", (1, 6, 2, 5, 4), None, "gaussian", "pool-first", scope="space")
    mmcv("mmcv-3d-embedded-time", (1, 6, 5, 3, 4), scope="time", norm=True)
    mmcv("mmcv-3d-dot-product-time-conv-first", (1, 6, 5, 3, 4), None, "dot-product", "conv-first", pool=(2, 1, 1),
         scope="time")
    mmcv("mmcv-3d-gaussian-time-one-frame", (2, 4, 1, 3, 4), None, "gaussian", scope="time")

    # Weights in sixteen bits.
    mmcv("mmcv-2d-embedded-half-weights", (1, 8, 5, 5), subsample="conv-first", norm=True, weights="F16")
    mmcv("mmcv-2d-concatenation-bfloat16-weights", (1, 8, 5, 5), None, "concatenation", weights="BF16")

    alexhex7("alexhex7-1d-embedded-conv-first", (2, 6, 11), subsample="conv-first", norm=True)
    alexhex7("alexhex7-1d-concatenation-no-norm", (1, 7, 9), None, "concatenation")
    alexhex7("alexhex7-2d-gaussian-conv-first-odd", (1, 6, 7, 7), None, "gaussian", "conv-first", norm=True, prefix="")
    alexhex7("alexhex7-2d-concatenation-conv-first-no-norm", (2, 6, 5, 4), None, "concatenation", "conv-first")
    alexhex7("alexhex7-2d-concatenation-wf-bias", (1, 6, 5, 4), 4, "concatenation", "conv-first", norm=True, wf_bias=0.7)
    alexhex7("alexhex7-2d-concatenation-wf-bias-all-negative", (1, 6, 5, 4), 4, "concatenation", wf_bias=-100.0)
    alexhex7("alexhex7-2d-embedded-identity-norm", (1, 6, 6, 5), subsample="conv-first", norm=True, identity=True)
    alexhex7("alexhex7-3d-dot-product-none", (2, 4, 2, 3, 5), None, "dot-product", norm=True, prefix="module.net.nl.")
    alexhex7("alexhex7-3d-embedded-conv-first-half-weights", (1, 6, 3, 4, 5), subsample="conv-first", norm=True,
             weights="F16")
    alexhex7("alexhex7-3d-embedded-space-conv-first", (1, 6, 2, 5, 5), subsample="conv-first", norm=True, scope="space")

    pytorchvideo("pytorchvideo-3d-embedded-pool-first", (2, 6, 2, 5, 7), pool=(1, 2, 2))
    pytorchvideo("pytorchvideo-3d-embedded-no-norm", (1, 6, 2, 5, 4), 4, norm="none")
    pytorchvideo("pytorchvideo-3d-dot-product-pool-2x2x2", (1, 7, 5, 4, 5), 5, "dot-product", (2, 2, 2))
    pytorchvideo("pytorchvideo-3d-embedded-no-biases", (1, 6, 1, 7, 7), pool=(1, 2, 2), bias=False, prefix="")
    pytorchvideo("pytorchvideo-3d-embedded-time-pool-first", (1, 6, 5, 3, 3), pool=(2, 1, 1), scope="time")
    pytorchvideo("pytorchvideo-3d-embedded-logits-1e3", (1, 8, 2, 5, 4), pool=(1, 2, 2), logit_gain=15)

    slowfast("slowfast-3d-embedded-pool-first-odd", (1, 8, 2, 7, 7), pool=(1, 2, 2))
    slowfast("slowfast-3d-embedded-none", (2, 6, 2, 4, 5))
    slowfast("slowfast-3d-dot-product-pool-first", (1, 6, 3, 4, 6), None, "dot-product", (1, 2, 2))
    slowfast("slowfast-3d-embedded-space-pool-first", (1, 6, 3, 5, 4), pool=(1, 2, 2), scope="space")
    slowfast("slowfast-3d-embedded-bfloat16-weights", (1, 8, 2, 4, 5), pool=(1, 2, 2), weights="BF16")
    slowfast("slowfast-3d-embedded-identity-norm", (1, 6, 2, 4, 4), pool=(1, 2, 2), identity=True)

    caffe2("caffe2-3d-embedded-pool-first", (1, 8, 2, 7, 5), pool=(1, 2, 2))
    caffe2("caffe2-3d-embedded-small-variances", (1, 6, 2, 4, 5), small_variance=True)
    caffe2("caffe2-3d-dot-product-pool-first", (1, 6, 2, 5, 4), None, "dot-product", (1, 2, 2))
    caffe2("caffe2-3d-embedded-affine-no-biases", (1, 6, 2, 5, 4), pool=(1, 2, 2), norm="affine", bias=False)

    ldm("ldm-2d-32-groups", (1, 32, 5, 4), 32)
    ldm("ldm-2d-64-channels-half-weights", (1, 64, 4, 3), 32, weights="F16")
    ldm("ldm-2d-4-groups-batch-2", (2, 8, 7, 5), 4)
    ldm("ldm-2d-32-groups-one-position", (2, 32, 1, 1), 32)
    ldm("ldm-2d-logits-1e4", (1, 8, 5, 6), 4, logit_gain=45, prefix="decoder.mid.attn_1.")
    ldm("ldm-2d-constant-input", (1, 8, 3, 5), 8, kind="constant")
    diffusers("diffusers-2d-32-groups", (1, 32, 4, 5), 32)
    diffusers("diffusers-2d-8-groups-24-channels", (2, 24, 5, 3), 8)
    diffusers("diffusers-2d-one-group", (1, 6, 7, 5), 1, prefix="")
    diffusers("diffusers-2d-offset-input", (1, 8, 5, 6), 4, x_shift=30)
    diffusers("diffusers-2d-bfloat16-weights", (1, 16, 4, 5), 4, weights="BF16")

    keras("keras-1d-embedded-flat-2-odd", (2, 13, 6), flat=2)
    keras("keras-2d-embedded-flat-2-odd", (2, 7, 5, 6), flat=2)
    keras("keras-2d-embedded-flat-3-biases", (1, 7, 5, 6), 4, flat=3, bias=True)
    keras("keras-3d-embedded-flat-2", (1, 3, 4, 5, 4), flat=2)
    keras("keras-2d-embedded-none-biases", (1, 4, 5, 7), bias=True, prefix="model/nl/")
    keras("keras-2d-gaussian-none", (2, 4, 5, 6), None, "gaussian")
    keras("keras-2d-gaussian-flat-2-odd", (1, 3, 5, 5), None, "gaussian", 2)
    keras("keras-3d-dot-product-none", (1, 2, 4, 5, 6), None, "dot-product", bias=True)
    keras("keras-2d-dot-product-flat-3-half-weights", (1, 5, 5, 6), None, "dot-product", 3, weights="F16")


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    CASES.mkdir(exist_ok=True)
    make_all()
    if not only:
        for old in set(CASES.glob("*.safetensors")) - written:
            old.unlink()
    print(f"{len(written)} cases, {sum(p.stat().st_size for p in written)} bytes")
