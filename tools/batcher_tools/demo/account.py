"""Was everything sampled also kept, once, in order? The demo's verdict, as plain arithmetic.

The board's own count of samples is held against the collector's rows, and order and repeats
are judged by the times inside the readings, not only by the numbers that name them.
"""

from collections import defaultdict
from dataclasses import dataclass, field


@dataclass
class Verdict:
    sampled: int
    delivered: int = 0
    lost: int = 0
    duplicates: int = 0
    out_of_order: int = 0
    heap_growth: int = 0
    by_series: dict = field(default_factory=dict)  # series -> (sampled, delivered)

    @property
    def good(self) -> bool:
        return self.sampled > 0 and not (self.lost or self.duplicates or self.out_of_order)

    def line(self, seconds: float) -> str:
        return (
            f"demo: sampled={self.sampled} delivered={self.delivered} lost={self.lost} "
            f"duplicates={self.duplicates} out_of_order={self.out_of_order} "
            f"heap_growth={self.heap_growth} seconds={seconds:.1f}"
        )


def judge(rows: list[dict], reports: list[dict], outage: tuple[float, float]) -> Verdict:
    """`rows`: the collector's, in order of arrival. `reports`: the board's, in order."""
    last = reports[-1] if reports else {}
    verdict = Verdict(sampled=last.get("sampled", 0))
    streams = defaultdict(list)
    for row in rows:
        streams[row["device"], row["boot"], row["series"]].append(row)
    distinct = 0
    for (_, _, series), stream in streams.items():
        seen, latest, latest_t = set(), -1, None
        times = set()
        for row in stream:
            seq, t = row["seq"], row["t"]
            if seq in seen or (t is not None and t in times):
                verdict.duplicates += 1
            elif seq < latest or (None not in (t, latest_t) and t < latest_t):
                verdict.out_of_order += 1
            seen.add(seq)
            times.add(t)
            latest, latest_t = max(latest, seq), t
        distinct += len(seen)
        sampled, delivered = verdict.by_series.get(series, (0, 0))
        verdict.by_series[series] = (sampled, delivered + len(seen))
    for series, sampled in last.get("series", {}).items():
        verdict.by_series[series] = (sampled, verdict.by_series.get(series, (0, 0))[1])
    verdict.delivered = distinct
    verdict.lost = verdict.sampled - distinct
    verdict.heap_growth = heap_growth(reports, outage)
    return verdict


def heap_growth(reports: list[dict], outage: tuple[float, float]) -> int:
    """Bytes in use after collection at the end, more than before the outage.

    A flush in progress holds a few objects that are gone a moment later, so the least of
    several reports stands for each side. The first fifth is left out: things are still new.
    """
    before = [r["heap"] for r in reports if 0.6 * outage[0] <= r["at"] < outage[0]]
    after = [r["heap"] for r in reports if r["at"] > outage[1]][-5:]
    return min(after) - min(before) if before and after else 0
