"""Puts PyTorch beside what gpu.sh measured, and writes gpu.md. Needs nothing but Python; PyTorch only for its columns.

PyTorch runs on the first CUDA device, on operands of its own of the same shapes, with TF32 off in every float32 line.
Device time on both sides: events around each call, the median of enough calls after warming up.
"""
import json
import shlex
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "peers"))

try:
    import torch
except ImportError:
    torch = None


def main():
    output, quick = Path(sys.argv[1]), "--quick" in sys.argv
    cases = [json.loads(line) for line in (output / "bench.jsonl").read_text().splitlines()]
    device = "cuda" if torch is not None and torch.cuda.is_available() else "cpu" if quick and torch else None
    for case in cases:
        case["pytorch"] = peers(case, device) if device else {}
        print(case["name"], case["precision"], case["pytorch"], file=sys.stderr, flush=True)
    (output / "results.json").write_text(json.dumps(cases, indent=1, ensure_ascii=False) + "\n")
    (output / "gpu.md").write_text(report(cases, output, device))


# ---------------------------------------------------------------------------- PyTorch

def peers(case, device):
    """Milliseconds, or a reason, by the name of each way to do it."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    kind = torch.float32 if case["precision"] == "float32" else torch.float16
    ways = sdpa(case, device, kind) if case["peer"] == "sdpa" else block(case, device, kind)
    times = {}
    for name, run in ways.items():
        try:
            times[name] = milliseconds(run, device)
        except Exception as error:
            times[name] = f"{type(error).__name__}: {str(error).splitlines()[0][:80] if str(error) else ''}"
        if device == "cuda":
            torch.cuda.empty_cache()
    return times


def shape_of(case):
    words = shlex.split(case["options"])
    return [int(extent) for extent in words[words.index("--shape") + 1].split("x")]


def option(case, name, default=None):
    words = shlex.split(case["options"])
    return words[words.index(name) + 1] if name in words else default


def sdpa(case, device, kind):
    from torch.nn import functional
    from torch.nn.attention import SDPBackend, sdpa_kernel

    batch, d, positions = shape_of(case)
    q, k, v = (torch.randn(batch, 1, positions, d, device=device, dtype=kind) for _ in range(3))

    def with_kernel(backend):
        def run():
            with sdpa_kernel(backend):
                return functional.scaled_dot_product_attention(q, k, v, scale=d ** -0.5)
        return run

    ways = {
        name: with_kernel(backend)
        for name, backend in [
            ("flash", SDPBackend.FLASH_ATTENTION), ("efficient", SDPBackend.EFFICIENT_ATTENTION),
            ("cudnn", SDPBackend.CUDNN_ATTENTION), ("math", SDPBackend.MATH)]}
    ways["softmax"] = lambda: torch.softmax(q @ k.transpose(-1, -2) * d ** -0.5, -1) @ v
    return ways


def block(case, device, kind):
    import formulas
    from cases import BLOCK, Case
    from problem import Problem

    shape = tuple(shape_of(case))
    pairwise = option(case, "--pairwise", "embedded-gaussian")
    described = Case(
        case["name"], case["section"], BLOCK, shape, pairwise, subsample=option(case, "--subsample", "none"),
        inner=int(option(case, "--inner", 0)) or None, groups=int(option(case, "--group-norm", 0)) or None)
    problem = Problem(described)
    x = problem.x.to(device=device, dtype=kind)

    def make(form):
        return formulas.Block(problem, form).to(device=device, dtype=kind).eval()

    forms = {"embedded-gaussian": ["direct", "sdpa"], "dot-product": ["direct", "re-associated", "Gram"],
             "concatenation": ["direct", "outer sum"]}[pairwise]
    ways = {}
    for form in forms:
        module = make(form)
        ways["eager" if form == "direct" else form] = lambda module=module: module(x)
    compiled = []

    def compiled_run():
        if not compiled:
            torch._dynamo.reset()
            compiled.append(torch.compile(make("direct"), dynamic=False))
        return compiled[0](x)

    ways["compile"] = compiled_run
    return ways


def milliseconds(run, device):
    with torch.inference_mode():
        run()
        if device != "cuda":
            from time import perf_counter
            times = []
            for _ in range(3):
                start = perf_counter()
                run()
                times.append((perf_counter() - start) * 1e3)
            return statistics.median(times)
        times, spent = [], 0.0
        while len(times) < 10 or (spent < 500 and len(times) < 200):
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            run()
            end.record()
            torch.cuda.synchronize()
            times.append(start.elapsed_time(end))
            spent += times[-1]
        return statistics.median(times[len(times) // 5:])


# ---------------------------------------------------------------------------- the table

def report(cases, output, device):
    names = [line.strip() for line in (output / "devices.txt").read_text().splitlines()[1:]]
    verified = json.loads((output / "verify.json").read_text() or "[]")
    passed = sum(problem["passed"] for problem in verified)
    lines = ["Devices:", ""] + [f"    {name}" for name in names] + [
        "", f"`verify`: {passed} of {len(verified)} problems pass.", ""]
    if device == "cuda":
        lines += [f"PyTorch {torch.__version__}, CUDA {torch.version.cuda}, {torch.cuda.get_device_name()}, "
                  "TF32 off in float32 lines.", ""]
    else:
        lines += ["PyTorch: not measured, none that sees a GPU.", ""]
    lines += ["Device time in ms (median), TFLOP/s by the formulas; end to end with the bus, validation off and on; "
              "the ratio is PyTorch's fastest divided by ours, device time both.", ""]
    for section in dict.fromkeys(case["section"] for case in cases):
        lines += [f"### {section}", "",
                  "| case | precision | strategy | device ms | TFLOP/s | end to end ms, off, sampled | PyTorch's ways, ms "
                  "| ratio |", "| --- | --- | --- | --- | --- | --- | --- | --- |"]
        lines += [row(case) for case in cases if case["section"] == section] + [""]
    return "\n".join(lines)


def row(case):
    times = {name: time for name, time in case["pytorch"].items() if not isinstance(time, str)}
    ways = "; ".join(f"{name} {time:.3g}" for name, time in sorted(times.items(), key=lambda pair: pair[1])) or "–"
    cells = [case["name"], case["precision"]]
    if "off" not in case:
        return "| " + " | ".join(cells + [case["off_error"], "–", "–", "–", ways, "–"]) + " |"
    ours, checked = case["off"][0], case.get("sampled", [{}])[0]
    device_ms = ours.get("device_ms") or ours["median_ms"]
    ratio = "–"
    if times:
        factor = min(times.values()) / device_ms
        least = float(case["least"]) if case["least"] else None
        ratio = f"{factor:.2f}" + ("" if least is None else f", target {least:g} {'✓' if factor >= least else '✗'}")
    with_check = f"{checked['median_ms']:.3g}" if "median_ms" in checked else case.get("sampled_error", "–")
    return "| " + " | ".join(cells + [
        ours["strategy"], f"{device_ms:.3g}", f"{ours['textbook_gflop'] / device_ms:.1f}",
        f"{ours['median_ms']:.3g}, {with_check}", ways, ratio]) + " |"


main()
