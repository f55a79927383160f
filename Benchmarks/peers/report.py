"""results.json and RESULTS.md."""
import json

from cases import BEST

BEGIN, END = "<!-- generated: begin -->", "<!-- generated: end -->"
PAGE = f"""# Results beside PyTorch

`make bench-peers` measures all of this and writes it: everything between the two markers is replaced, the notes at \
the end are kept. How: Benchmarks/README.md.

{BEGIN}
{END}

## Notes
"""
CONVENTIONS = """\
Times are medians over rounds in which all parties take turns, each on all cores, in float32; GFLOP by the formulas, \
a multiply-add counting two. The roof is the device's peak in multiply-adds, measured between the calls; its \
percentage counts the operations that the strategy chosen needs. The ratio is PyTorch's time divided by ours. Errors \
are max|z − z64| / max|z64 − x| against float64; the limit is max(2 × PyTorch's own, \
8·2⁻²⁴·(1 + max|x| / max|z − x|)). ✓ and ✗ say whether a target is reached."""


# ---------------------------------------------------------------------------- records

def read(path):
    """Results by name; none if there is no file yet."""
    if not path.exists():
        return {}
    return {record["name"]: record for record in map(json.loads, path.read_text().splitlines())}


def write(records, path):
    """One line a result."""
    lines = [json.dumps(_rounded(record), ensure_ascii=False) for record in records.values()]
    path.write_text("\n".join(lines) + "\n")


def _rounded(value):
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {str(key): _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, (list, tuple)) else value


def problems(records):
    """What went wrong or was left out, a line each."""
    return [f"{name}: {problem}" for name, record in records.items() for problem in record["problems"]]


def disagreements(records):
    """Cases whose results are not what float64 says, or that gave none."""
    return [name for name, record in records.items()
            if record["kind"] == "case" and not record.get("reached", {}).get("accuracy", False)]


def line(record):
    """A result in a line, for the terminal."""
    if record["kind"] != "case" or "ours" not in record:
        return f"{record['name']}  {'; '.join(record['problems'])}"
    return (f"{record['name']:32} ours {_short(record['ours']['median_ms'])}, {record['best']} "
            f"{_short(record['peers'][record['best']]['median_ms'])} ms, ratio {record['ratios'][BEST]:.2f}, error "
            f"{record['ours']['error']:.1e} {_mark(record['reached']['accuracy'])}")


# ---------------------------------------------------------------------------- the page

def update(records, path):
    """Replaces what stands between the markers."""
    page = path.read_text() if path.exists() else PAGE
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    body = "\n\n".join(part for part in _parts(records) if part)
    path.write_text(f"{before}{BEGIN}\n{body}\n{END}{after}")


def _parts(records):
    if "environment" not in records:
        yield "Not measured yet."
        return
    yield _environment(records["environment"])
    yield CONVENTIONS
    yield "![Share of the device's peak, ours and PyTorch's](figures/peers.svg)"
    cases = [record for record in records.values() if record["kind"] == "case"]
    for section in dict.fromkeys(record["section"] for record in cases):
        yield _section(section, [record for record in cases if record["section"] == section])
    kinds = {kind: [record for record in records.values() if record["kind"] == kind]
             for kind in ("long", "growth", "denoise", "first call")}
    yield _long(kinds["long"])
    yield _denoise(kinds["denoise"])
    yield _first_call(kinds["first call"])
    yield _growth(kinds["growth"])
    left_out = problems(records)
    if left_out:
        yield "## Left out\n" + "\n".join(f"- {line}" for line in left_out)


def _environment(record):
    device, packages = record["device"], record["packages"]
    mmcv, diffusers = packages["mmcv-lite"], packages["diffusers"]
    return "\n".join([
        f"Measured on {record['date']} at revision {record['revision']} by `{record['command'].strip()}`, the machine's "
        f"load before it {record['load']:.1f}.",
        "",
        _table(["", ""], [
            ["machine", f"{record['processor']}, {record['cores']} cores, {record['memory']}; {record['system']}"],
            ["OpenCL", ", ".join(str(device[key]) for key in ("name", "platform", "driver") if device.get(key))],
            ["PyTorch", f"{packages['torch']}, {record['threads']} threads; Python {record['python']}"],
            ["mmcv", f"mmcv-lite {mmcv}" if mmcv else "not there: its formula, written out in PyTorch"],
            ["diffusers", diffusers or "not there: its formula, with PyTorch's fused kernel"],
        ]),
    ])


def _section(title, cases):
    rows = [_row(case) for case in cases if "ours" in case]
    details = [_detail(case) for case in cases if "ours" in case]
    if not rows:
        return f"## {title}\nNothing was measured."
    return "\n\n".join([
        f"## {title}",
        _table(["case", "strategy", "ours, ms (least)", "GFLOP/s", "% of roof", "PyTorch's best, ms", "ratio",
                "error: ours, PyTorch, limit"], rows),
        "Each way to do it in PyTorch, in ms:",
        _table(["case", "ways"], details)])


def _row(case):
    ours, reached = case["ours"], case["reached"]
    best = case["peers"][case["best"]]
    roof = "–" if ours["percent_of_roof"] is None else f"{ours['percent_of_roof']:.0f}"
    if "roof" in reached:
        roof += f" of {case['roof_target']} {_mark(reached['roof'])}"
    ratios = []
    for name, least in case["ratio_targets"].items():
        measured = f"{case['ratios'][name]:.2f}" if name in case["ratios"] else "–"
        to = "" if name == BEST else f" to {name}"
        ratios.append(f"{measured}{to}, target {least} {_mark(reached['ratios'][name])}")
    yardstick = (case["peers"].get("eager") or best)["error"]
    return [case["name"], ours["strategy"], f"{_short(ours['median_ms'])} ({_short(ours['min_ms'])})",
            _short(ours["gflops"]), roof, f"{_short(best['median_ms'])} ({case['best']})", "; ".join(ratios),
            f"{ours['error']:.1e}, {yardstick:.1e}, {case['error_limit']:.1e} {_mark(reached['accuracy'])}"]


def _detail(case):
    ways = [f"{name} {_short(other['median_ms'])}" for name, other in case["peers"].items()]
    ways += [f"{name}: {reason}" for name, reason in case["skipped"].items()]
    return [case["name"], "; ".join(ways)]


def _long(records):
    rows = [[r["title"], r["strategy"], f"{r['seconds']:.2f}", f"{r['peak_bytes'] / 2**20:.0f}",
             f"{r['tensor_bytes'] / 2**20:.0f}"] for r in records if "seconds" in r]
    if not rows:
        return ""
    return "## A million positions\nC = 64, d = 32; all pairs of them would take 4 TB.\n\n" + _table(
        ["case", "strategy", "seconds", "the process's most memory, MiB", "of that x and z"], rows)


def _denoise(records):
    rows = []
    for record in records:
        for skip, seconds in record["seconds"].items():
            speed = record["textbook_gflop"] / seconds
            share = speed / record["roof_gflops"] * 100
            faster = record["seconds"]["off"] / seconds if "off" in record["seconds"] else 0
            target = f"70 {_mark(share >= 70)}" if skip == "off" else f"2 × faster: {faster:.1f} {_mark(faster >= 2)}"
            rows.append([f"{record['picture']}, σ {record['sigma']}, N = M = {record['positions']:,}", skip,
                         f"{seconds:.1f}", f"{speed:.0f}", f"{share:.0f}", target, f"{record['psnr'][skip]:.2f}"])
    if not rows:
        return ""
    return "## A picture denoised\nExact non-local means by `nonlocal denoise`: d 9, d_v 75.\n\n" + _table(
        ["case", "skipping", "seconds", "GFLOP/s by the formulas", "% of roof", "target", "PSNR, dB"], rows)


def _first_call(records):
    return "".join(
        "## The first call\nOne call of a block on x of shape "
        f"{'×'.join(map(str, record['shape']))} in a fresh process, from its start to its end.\n\n"
        + _table(["nonlocal, the driver's kernel cache empty, s", "nonlocal, filled, s", "PyTorch, import included, s"],
                 [[f"{record[key]:.2f}" for key in ("cold_seconds", "warm_seconds", "pytorch_seconds")]])
        for record in records)


def _growth(records):
    if not records:
        return ""
    sizes = sorted({int(n) for record in records for n in (*record["ours"], *record["theirs"])})
    heading, columns = ["N"], []
    for record in records:
        heading += [f"{record['pairwise']}, ours", "PyTorch"]
        columns += [record["ours"], record["theirs"]]

    def cell(column, n):
        value = column.get(str(n), column.get(n))
        return "–" if value is None else _short(value)

    rows = [[f"{n:,}", *(cell(column, n) for column in columns)] for n in sizes]
    return ("## Growth\nMilliseconds of a block with C = 64, d = 32. PyTorch: scaled_dot_product_attention for the softmax "
            "forms, every pair for the others, as its implementations have it; as far as time and memory go.\n\n"
            "![Time against positions](figures/growth.svg)\n\n" + _table(heading, rows))


# ---------------------------------------------------------------------------- words

def _table(heading, rows):
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _short(value):
    """Three significant digits."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _mark(reached):
    return "✓" if reached else "✗"
