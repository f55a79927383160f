"""What is not a comparison of two times: very long inputs, the first call, a picture denoised."""
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cases import BLOCK, Case
from ours import Failed
from problem import Problem

PICTURE = Path(__file__).resolve().parents[2] / "Examples/Pictures/astronaut-512.png"
SMALL_PICTURE = PICTURE.with_name("astronaut-128.png")
SIGMA = 25


def long_input(command, pairwise, quick):
    """N = M = 10⁶ positions, C 64, d 32: the seconds of a call and the most memory the process had."""
    positions = 1_000 if quick else 1_000_000
    case = Case(f"{pairwise}, N = M = {positions:,}", "Long", BLOCK, (1, 64, positions), pairwise)
    result = {"kind": "long", "name": f"long {pairwise}", "title": case.name, "problems": []}
    try:
        output, _, peak = command.call(["bench", "--json", "--runs", 1, *case.options], seconds=60)
    except Failed as failure:
        return result | {"problems": [str(failure)]}
    timing = json.loads(output)[0]
    return result | {"seconds": timing["median_ms"] / 1e3, "peak_bytes": peak, "strategy": timing["strategy"],
                     "tensor_bytes": 2 * 4 * 64 * positions}


def first_call(command, quick):
    """From the start of a process to its end, reading files included, for one call of a res4 block: ours with an
    empty kernel cache and with a filled one, and PyTorch with its import."""
    shape = (1, 32, 2, 6, 6) if quick else (1, 1024, 4, 14, 14)
    problem = Problem(Case("first call", "First call", BLOCK, shape))
    with tempfile.TemporaryDirectory() as folder:
        x, weights, z = (f"{folder}/{name}" for name in ("x.npy", "w.safetensors", "z.npy"))
        words = ["run", "--input", x, "--weights", weights, "--output", z, "--validate", "off", "--json",
                 *problem.write(x, weights)]
        cold, warm = [], []
        for turn in range(1 if quick else 3):
            cache = {"POCL_CACHE_DIR": f"{folder}/cache{turn}"}
            Path(cache["POCL_CACHE_DIR"]).mkdir()
            cold.append(command.call(words, environment=cache)[1])
            warm += [command.call(words, environment=cache)[1] for _ in range(2)]
        script = f"""
import numpy, torch
from safetensors.torch import load_file
from torch.nn import functional as F
w = load_file("{weights}")
x = torch.from_numpy(numpy.load("{x}"))
with torch.inference_mode():
    theta, phi, g = (F.conv3d(x, w[n + ".conv.weight"], w[n + ".conv.bias"]).flatten(2) for n in ("theta", "phi", "g"))
    f = torch.softmax(theta.transpose(1, 2) @ phi / phi.shape[1] ** 0.5, -1)
    y = (f @ g.transpose(1, 2)).transpose(1, 2).reshape(1, -1, *x.shape[2:])
    z = F.conv3d(y, w["conv_out.conv.weight"], w["conv_out.conv.bias"]) + x
numpy.save("{z}", z.numpy())
"""
        pytorch = []
        for _ in range(1 if quick else 3):
            start = time.monotonic()
            subprocess.run([sys.executable, "-c", script], check=True)
            pytorch.append(time.monotonic() - start)
    return {"kind": "first call", "name": "first call", "shape": shape, "cold_seconds": statistics.median(cold),
            "warm_seconds": statistics.median(warm), "pytorch_seconds": statistics.median(pytorch), "problems": []}


def denoise(command, quick):
    """Non-local means on a picture of 512×512: N = M = 262,144, d 9, d_v 75; with key blocks skipped and not."""
    side, picture = (128, SMALL_PICTURE) if quick else (512, PICTURE)
    pairs = (side * side) ** 2
    result = {"kind": "denoise", "name": "denoise", "picture": picture.name, "positions": side * side,
              "sigma": SIGMA, "textbook_gflop": 2 * pairs * (9 + 75) / 1e9, "seconds": {}, "psnr": {}, "problems": []}
    skips = ("off", "on") if command.knows("denoise", "--skip") else ("off",)
    if len(skips) == 1:
        result["problems"].append("this build has no --skip")
    roofs = [_roof(command)]
    for skip in skips:
        with tempfile.TemporaryDirectory() as folder:
            words = ["denoise", picture, f"{folder}/out.png", "--patch", 5, "--components", 8, "--own-weight",
                     "include", "--add-noise", SIGMA, "--seed", 7, "--validate", "off", "--json"]
            try:
                output = command.call(words + (["--skip", skip] if len(skips) > 1 else []), seconds=240)[0]
            except Failed as failure:
                result["problems"].append(str(failure))
                continue
            measured = json.loads(output)
            result["seconds"][skip] = measured["milliseconds"] / 1e3
            result["psnr"][skip] = measured["psnr_after"]
        roofs.append(_roof(command))
    return result | {"roof_gflops": max(roofs)}


def _roof(command):
    """The device's peak, read five times beside a small piece of work."""
    words = ["bench", "--json", "--bare", "--shape", "1x16x64", "--runs", 5]
    return json.loads(command.call(words)[0])[0]["roof_gflops"]
