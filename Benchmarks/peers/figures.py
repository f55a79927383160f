"""The pictures of RESULTS.md; the same results give the same bytes."""
import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot, rcParams

from cases import BEST

rcParams.update({
    "svg.hashsalt": "nonlocal", "svg.fonttype": "none", "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"], "font.size": 10,
    "axes.spines.top": False, "axes.spines.right": False,
})
OURS, THEIRS = "#1b4f72", "#b8c4cc"  # apart in grey too
WIDTH = 8.3  # inches; a README's column


def draw(records, folder):
    """Draws what there are results for."""
    folder.mkdir(parents=True, exist_ok=True)
    cases = [r for r in records.values() if r["kind"] == "case" and r["in_picture"] and "ours" in r
             and r["ours"]["roof_gflops"]]
    if cases:
        _save(_peers(cases), folder / "peers.svg")
    growths = [r for r in records.values() if r["kind"] == "growth" and r["ours"]]
    if growths:
        _save(_growth(growths), folder / "growth.svg")


def _save(figure, path):
    figure.savefig(path, metadata={"Date": None, "Creator": None}, bbox_inches="tight")
    pyplot.close(figure)


def _peers(cases):
    """Share of the roof; the same operations over each side's time, so that lengths compare as speeds do."""
    figure, axes = pyplot.subplots(figsize=(WIDTH, 0.46 * len(cases) + 1.1))
    for index, case in enumerate(cases):
        ours = case["ours"]["percent_of_roof"]
        theirs = ours / case["ratios"][BEST]
        axes.barh(index - 0.19, ours, 0.36, color=OURS, label="nonlocal" if index == 0 else None)
        axes.barh(index + 0.19, theirs, 0.36, color=THEIRS, label="PyTorch's best" if index == 0 else None)
        axes.text(ours + 0.8, index - 0.19, f"{ours:.0f} %  ({case['ratios'][BEST]:.2f}×)", va="center", fontsize=8.5)
        axes.text(theirs + 0.8, index + 0.19, f"{theirs:.0f} %  {case['best']}", va="center", fontsize=8.5,
                  color="#444444")
    axes.set_yticks(range(len(cases)), [case["name"] for case in cases])
    axes.invert_yaxis()
    axes.set_xlim(0, 118)
    axes.set_xticks(range(0, 101, 20))
    axes.axvline(100, color="#888888", linewidth=0.8, linestyle=":")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("% of the device's measured peak, float32")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    return figure


def _growth(growths):
    figure, all_axes = pyplot.subplots(2, 2, figsize=(WIDTH, 6), sharex=True, sharey=True)
    for axes, record in zip(all_axes.flat, growths):
        for times, colour, style, label in (
            (record["theirs"], "#777777", "s--", "PyTorch"), (record["ours"], OURS, "o-", "nonlocal")
        ):
            points = [(int(n), milliseconds) for n, milliseconds in times.items()]
            if points:
                axes.loglog(*zip(*points), style, color=colour, markersize=4.5, label=label)
                axes.annotate(label, points[-1], xytext=(-8, 3), textcoords="offset points", fontsize=9, color=colour,
                              ha="right")
        axes.set_title(record["pairwise"], fontsize=10, loc="left")
        axes.grid(True, which="major", color="#dddddd", linewidth=0.6)
        axes.minorticks_off()
    for axes in all_axes.flat[len(growths):]:
        axes.set_visible(False)
    for axes in all_axes[-1]:
        axes.set_xlabel("positions, N = M")
    for axes in all_axes[:, 0]:
        axes.set_ylabel("ms a call")
    figure.tight_layout()
    return figure
