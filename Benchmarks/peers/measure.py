"""One case: results compared, then times side by side; a dictionary for results.json comes out."""
import tempfile

import peers
from accuracy import Reference
from cases import BEST
from ours import Failed
from problem import Problem
from rounds import Ours, Peer, interleave


def measure(case, command, compiler):
    """Runs a case on both sides."""
    result = {"kind": "case", "name": case.name, "section": case.section, "shape": case.shape,
              "options": case.options, "in_picture": case.in_picture, "roof_target": case.roof,
              "ratio_targets": case.ratios, "problems": []}
    problem = Problem(case)
    reference = Reference(problem)
    functions, errors, skipped = {}, {}, {}
    for name in case.peers:
        try:
            functions[name] = peers.make(name, problem, compiler)
            errors[name] = reference.error(functions[name]())
        except peers.Skipped as reason:
            functions.pop(name, None)
            skipped[name] = str(reason)
    parties = {name: Peer(function) for name, function in functions.items()}
    ours = Ours(command, case)
    try:
        with tempfile.TemporaryDirectory() as folder:
            error = reference.error(command.result(problem, folder))
        interleave([ours, *parties.values()], case.seconds)
    except Failed as failure:
        return result | {"problems": [str(failure)]}
    result["ours"] = ours.summary() | {"error": error}
    result["peers"] = {name: party.summary() | {"error": errors[name]} for name, party in parties.items()}
    result["skipped"] = skipped
    # The yardstick is the form written out, as in the golden cases.
    result["error_limit"] = reference.limit(errors["eager"] if "eager" in errors else min(errors.values()))
    return result | verdict(result)


def verdict(result):
    """What follows from the figures: the fastest peer, ratios, and whether each target is reached."""
    ours, others = result["ours"], result["peers"]
    best = min(others, key=lambda name: others[name]["median_ms"])
    ratios = {name: other["median_ms"] / ours["median_ms"] for name, other in others.items()}
    ratios[BEST] = ratios[best]
    reached = {
        "accuracy": ours["error"] <= result["error_limit"],
        "ratios": {name: name in ratios and ratios[name] >= least
                   for name, least in result["ratio_targets"].items()}}
    if result["roof_target"] is not None and ours["percent_of_roof"] is not None:
        reached["roof"] = ours["percent_of_roof"] >= result["roof_target"]
    return {"best": best, "ratios": ratios, "reached": reached}
