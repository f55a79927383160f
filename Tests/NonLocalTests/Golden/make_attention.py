#!/usr/bin/env python3
"""PyTorch's own errors in half precision, for attention by itself, into attention.json.

How to run: as make_golden.py, in the same environment.

Each case is `scaled_dot_product_attention` of θ, φ and g whose numbers follow from their indices by a hash (`noise`,
which the tests have too), so that only the errors have to be kept: max |y − y64| / max |y64|, y64 being the formula
in float64 on the float32 numbers. As in practice, θ, φ and g become float16 or bfloat16 first, and y is one, too.
"""
import json
from pathlib import Path

import numpy
import torch

# d, d_v, queries, keys: ragged, and every width that the kernels have a tiling for.
CASES = [(16, 16, 131, 75), (64, 64, 70, 133), (128, 128, 17, 139), (256, 256, 9, 133), (512, 512, 9, 133),
         (1024, 512, 9, 133)]


def noise(*parts):
    """Numbers in (−1, 1), the same as `noise` of Placed.swift gives for these indices."""
    state = numpy.uint64(0)
    with numpy.errstate(over="ignore"):
        for part in parts:
            mixed = (state ^ numpy.asarray(part, numpy.uint64)) + numpy.uint64(0x9E3779B97F4A7C15)
            mixed = (mixed ^ (mixed >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
            state = mixed ^ (mixed >> numpy.uint64(31))
    return ((state.view(numpy.int64) >> 11) * 2.0**-52).astype(numpy.float32)


def tensor(which, channels, positions):
    """[1, 1, positions, channels], as PyTorch wants it."""
    c, n = numpy.arange(channels), numpy.arange(positions)[:, None]
    return torch.from_numpy(noise(which, 0, c, n))[None, None]


def main():
    table = []
    for width, values, rows, keys in CASES:
        operands = tensor(1, width, rows), tensor(2, width, keys), tensor(3, values, keys)
        theta, phi, g = (each.double() for each in operands)
        exact = torch.softmax(theta @ phi.transpose(2, 3) / width**0.5, -1) @ g
        case = {"width": width, "values": values, "rows": rows, "keys": keys}
        for kind in (torch.float16, torch.bfloat16):
            y = torch.nn.functional.scaled_dot_product_attention(*(each.to(kind) for each in operands))
            case[str(kind).removeprefix("torch.")] = float(f"{((y - exact).abs().max() / exact.abs().max()).item():.3e}")
        table.append(case)
    lines = ",\n".join("  " + json.dumps(case) for case in table)
    (Path(__file__).resolve().parent / "attention.json").write_text(f"[\n{lines}\n]\n")


main()
