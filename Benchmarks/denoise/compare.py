"""Peak signal-to-noise ratios of `nonlocal denoise` and of scikit-image on the same noisy pictures.

Writes the noisy pictures and scikit-image's results to Tests/NonLocalCLITests/Noisy, where the tests find what
they have to reach, and prints a table.
"""
import json
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy
from PIL import Image
from skimage.restoration import denoise_nl_means

ROOT = Path(__file__).resolve().parents[2]
CLEAN = ROOT / "Examples/Pictures/astronaut-256.png"
FOLDER = ROOT / "Tests/NonLocalCLITests/Noisy"
SEED, SIGMAS = 7, (15, 25)
# The better of the two strengths that scikit-image's documentation names counts.
STRENGTHS = (0.8, 1.0)


def ratio(picture, clean):
    """In decibels, of grey levels from 0 to 255."""
    difference = numpy.clip(picture, 0, 255) - clean
    return float(10 * numpy.log10(255**2 / numpy.mean(difference**2)))


def noisy_picture(clean, sigma):
    """With Gaussian noise, rounded and clipped to 8 bits."""
    noise = numpy.random.default_rng(SEED).normal(0, sigma, clean.shape)
    return numpy.clip(numpy.rint(clean + noise), 0, 255).astype(numpy.uint8)


def theirs(noisy, clean, sigma):
    """The best ratio over the strengths, rounded to 8 bits or not, whichever is better; its strength; seconds."""
    found = []
    for strength in STRENGTHS:
        start = time.perf_counter()
        picture = 255 * denoise_nl_means(
            noisy / 255, patch_size=5, patch_distance=10, h=strength * sigma / 255, sigma=sigma / 255,
            fast_mode=False, channel_axis=-1)
        seconds = time.perf_counter() - start
        found.append((max(ratio(picture, clean), ratio(numpy.rint(picture), clean)), strength, seconds))
    return max(found)


def ours(command, noisy, *options):
    """With defaults: sigma is estimated unless given."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["denoise", noisy, f"{folder}/out.png", "--reference", CLEAN, "--json", *options]
        start = time.perf_counter()
        output = subprocess.run([command, *arguments], check=True, capture_output=True, text=True).stdout
    return json.loads(output) | {"seconds": time.perf_counter() - start}


def main():
    command = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / ".build/release/nonlocal")
    clean = numpy.asarray(Image.open(CLEAN).convert("RGB"), dtype=float)
    rows, recorded = [], []
    for sigma in SIGMAS:
        path = FOLDER / f"sigma-{sigma}.png"
        noisy = noisy_picture(clean, sigma)
        Image.fromarray(noisy).save(path, optimize=True)
        best, strength, seconds = theirs(noisy, clean, sigma)
        recorded.append({"sigma": sigma, "file": path.name, "noisy": round(ratio(noisy, clean), 3),
                         "scikit_image": round(best, 3), "strength": strength})
        estimated, given = ours(command, path), ours(command, path, "--sigma", str(sigma))
        rows.append([f"{sigma} (estimated {estimated['sigma']:.1f})", f"{ratio(noisy, clean):.2f}",
                     f"{best:.2f} (h = {strength} σ)", f"{estimated['psnr_after']:.2f}",
                     f"{given['psnr_after']:.2f}", f"{seconds:.1f}", f"{estimated['seconds']:.1f}"])
    record = {"picture": CLEAN.name, "seed": SEED, "numpy": version("numpy"),
              "scikit_image_version": version("scikit-image"), "pictures": recorded}
    (FOLDER / "results.json").write_text(json.dumps(record, indent=2) + "\n")
    heading = ["σ", "noisy, dB", "scikit-image, dB", "nonlocal, dB", "nonlocal, σ given, dB", "scikit-image, s",
               "nonlocal, s"]
    for row in [heading, ["---"] * len(heading), *rows]:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
