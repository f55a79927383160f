#!/usr/bin/env python3
"""Compares `nonlocal` with PyTorch and writes RESULTS.md, its pictures and results.json; started by `run`."""
import argparse
import datetime
import gc
import os
import platform
import shlex
import subprocess
import sys
import time
import warnings
from functools import partial
from pathlib import Path

import torch

import figures
import peers
import report
from cases import all_cases, shrunk
from growth import growth
from measure import measure
from others import denoise, first_call, long_input
from ours import Command

HERE = Path(__file__).resolve().parent
COMPILE_SECONDS = 240  # for torch.compile, in all
FORMS = ("embedded-gaussian", "gaussian", "dot-product", "concatenation")


def main():
    """Measures what was asked for, then writes everything that can be told from all results."""
    options = arguments()
    command = Command(options.command)
    measurements = jobs(command, options.quick)
    folder = options.output or (HERE / ".quick" if options.quick else HERE.parent)
    results = HERE / "results.json" if folder == HERE.parent else folder / "results.json"
    folder.mkdir(parents=True, exist_ok=True)
    records = report.read(results)
    if not options.report:
        warnings.filterwarnings("ignore")
        torch.set_num_threads(os.cpu_count())
        records["environment"] = environment(command)
        start = time.monotonic()
        with torch.inference_mode():
            for name, job in measurements.items():
                if options.only and not any(words in name for words in options.only):
                    continue
                begun = time.monotonic()
                records[name] = job()
                gc.collect()
                print(f"{time.monotonic() - start:6.0f} s  {time.monotonic() - begun:5.1f} s  "
                      f"{report.line(records[name])}", flush=True)
                report.write(records, results)
    # In order, and without what is measured no more.
    records = report.read(results)
    records = {name: records[name] for name in ("environment", *measurements) if name in records}
    report.update(records, folder / "RESULTS.md")
    figures.draw(records, folder / "figures")
    problems = report.problems(records)
    print(f"{folder / 'RESULTS.md'} and {folder / 'figures'} are written.", *problems, sep="\n")
    return 1 if report.disagreements(records) else 0


def arguments():
    parser = argparse.ArgumentParser(prog="run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small shapes, to see that everything works; the "
                        "results go to Benchmarks/peers/.quick")
    parser.add_argument("--only", action="append", metavar="TEXT", help="only what has this in its name; what "
                        "was measured before is kept; may be given more than once")
    parser.add_argument("--report", action="store_true", help="measure nothing, write the report again")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="where to write, instead of Benchmarks")
    parser.add_argument("--command", default=HERE.parents[1] / ".build/release/nonlocal", metavar="NONLOCAL",
                        help="the built command")
    return parser.parse_args()


def jobs(command, quick):
    """By name, functions that give a result each."""
    compiler = peers.Compiler(30 if quick else COMPILE_SECONDS)
    cases = [shrunk(case) if quick else case for case in all_cases()]
    all_jobs = {case.name: partial(measure, case, command, compiler) for case in cases}
    for pairwise in ("dot-product", "concatenation"):
        all_jobs[f"long {pairwise}"] = partial(long_input, command, pairwise, quick)
    all_jobs["first call"] = partial(first_call, command, quick)
    for pairwise in FORMS:
        all_jobs[f"growth {pairwise}"] = partial(growth, command, pairwise, quick)
    return all_jobs | {"denoise": partial(denoise, command, quick)}


def environment(command):
    """Where and with what this was measured."""
    def line(path, key):
        try:
            found = [l for l in Path(path).read_text().splitlines() if l.startswith(key)]
            return found[0].split(":", 1)[1].strip() if found else "unknown"
        except OSError:
            return "unknown"

    revision = subprocess.run(["git", "-C", HERE, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return {
        "kind": "environment", "name": "environment",
        "date": datetime.date.today().isoformat(),
        "command": "Benchmarks/peers/run " + shlex.join(sys.argv[1:]),
        "revision": revision.stdout.strip() or "unknown",
        "processor": line("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory": line("/proc/meminfo", "MemTotal"),
        "system": platform.platform(),
        "load": os.getloadavg()[0],
        "device": command.device(),
        "python": platform.python_version(),
        "packages": {name: peers.version(name) for name in ("torch", "numpy", "mmcv-lite", "diffusers")},
        "threads": torch.get_num_threads(),
        "problems": [],
    }


if __name__ == "__main__":
    sys.exit(main())
