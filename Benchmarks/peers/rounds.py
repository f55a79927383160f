"""Timing side by side: all parties take turns, so that a machine that slows down slows all of them."""
import statistics
import time

ROUNDS = 5
MOST_CALLS = 30
WARM_UP = 0.3  # seconds; a party whose call takes longer is not warmed up again in each round


class Peer:
    """A function of PyTorch's."""

    def __init__(self, function):
        self.function = function
        self.samples = []

    def probe(self):
        seconds = self._timed()
        self.samples = [[seconds]]
        return seconds

    def measure(self, calls, probed):
        if probed < WARM_UP:
            self.function()
        self.samples.append(sorted(self._timed() for _ in range(calls)))

    def _timed(self):
        start = time.perf_counter()
        self.function()
        return time.perf_counter() - start

    def summary(self):
        return {
            "median_ms": statistics.median(statistics.median(sample) for sample in self.samples) * 1e3,
            "min_ms": min(sample[0] for sample in self.samples) * 1e3,
            "calls": [len(sample) for sample in self.samples],
        }


class Ours:
    """`nonlocal bench`, which warms up by itself and measures the roof between its calls."""

    def __init__(self, command, case, limit=120):
        self.command, self.case, self.limit = command, case, limit
        self.samples = []

    def probe(self):
        self.samples = [self.command.bench(self.case, 1, self.limit)]
        return self.samples[0]["min_ms"] / 1e3

    def measure(self, calls, probed):
        self.samples.append(self.command.bench(self.case, calls, self.limit))

    def summary(self):
        """Of the roofs of all rounds the best counts."""
        last = self.samples[-1]
        median = statistics.median(sample["median_ms"] for sample in self.samples)
        roof = max((sample["roof_gflops"] or 0 for sample in self.samples))
        return {
            "median_ms": median,
            "min_ms": min(sample["min_ms"] for sample in self.samples),
            "calls": [sample["runs"] for sample in self.samples],
            "strategy": last["strategy"] + (", absorbed" if last.get("absorbed") else ""),
            "textbook_gflop": last["textbook_gflop"],
            "executed_gflop": last["executed_gflop"],
            "gflops": last["textbook_gflop"] / median * 1e3,
            "roof_gflops": roof or None,
            "percent_of_roof": last["executed_gflop"] / median * 1e5 / roof if roof else None,
        }


def interleave(parties, seconds, rounds=ROUNDS):
    """Measures all parties in turn, `rounds` times, in about so many seconds. A slow one is called once a round, or
    in the first rounds only; of the slowest the first call, which says how slow a party is, is all there is."""
    plans = []
    for party in parties:
        probed = party.probe()
        share = seconds / len(parties)
        calls = min(max(int(share / rounds / probed), 1), MOST_CALLS)
        turns = min(int(share / probed), rounds)
        if turns > 0:
            party.samples.clear()
        plans.append((party, probed, calls, turns))
    for turn in range(rounds):
        for party, probed, calls, turns in plans:
            if turn < turns:
                party.measure(calls, probed)
