"""How time grows with the number of positions, for the four pairwise functions; no target but the slope."""
import math

import formulas
import peers
from cases import BLOCK, Case
from ours import Failed
from problem import Problem
from rounds import Ours, Peer, interleave

SIZES = (100, 400, 1_600, 6_400, 25_600, 102_400, 1_000_000)
LONGEST = 8  # seconds that one call may be expected to take
SECONDS = 1.5  # for one point, both sides


def growth(command, pairwise, quick):
    """Milliseconds by N at C = 64, d = 32, of both sides for as long as they are affordable."""
    ours, theirs = {}, {}
    done = {"ours": False, "theirs": False}
    problems = []
    for positions in SIZES[:3] if quick else SIZES:
        case = Case(f"{pairwise}, N {positions}", "Growth", BLOCK, (1, 64, positions), pairwise)
        parties = {}
        if not done["ours"] and _expected(ours, positions) <= LONGEST:
            parties["ours"] = Ours(command, case, limit=8 * LONGEST)
        if not done["theirs"] and _expected(theirs, positions) <= LONGEST:
            try:
                parties["theirs"] = Peer(_fastest(Problem(case)))
            except peers.Skipped as reason:
                problems.append(f"PyTorch at N {positions}: {reason}")
        done = {side: side not in parties for side in done}
        for side, times in (("ours", ours), ("theirs", theirs)):
            if side not in parties:
                continue
            try:
                interleave([parties[side]], SECONDS / 2, rounds=1)
                times[positions] = parties[side].summary()["median_ms"]
            except Failed as failure:
                problems.append(f"nonlocal at N {positions}: {failure}")
                done[side] = True
        if all(done.values()):
            break
    return {"kind": "growth", "name": f"growth {pairwise}", "pairwise": pairwise, "ours": ours, "theirs": theirs,
            "problems": problems}


def _fastest(problem):
    """The fused kernel for the softmax forms; for the others, what implementations have: every pair."""
    softmax = "gaussian" in problem.case.pairwise
    name = "sdpa" if softmax else "eager"
    return peers.make(name, problem, None)


def _expected(times, positions):
    """Seconds, by the growth between the last two sizes."""
    if len(times) < 2:
        return 0
    (n1, t1), (n2, t2) = list(times.items())[-2:]
    slope = math.log(t2 / t1) / math.log(n2 / n1)
    return t2 / 1e3 * (positions / n2) ** max(slope, 0)
