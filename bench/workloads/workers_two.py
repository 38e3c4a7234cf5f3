"""Two workers on two cores, beside one on one: how much more do they answer?

The application computes for some 200 µs, so that the load client, which runs on the second of the two cores
in both cases, takes little of it: a few hundredths, which two workers cannot have.
"""

from dataclasses import dataclass, replace

from bench.apps.waiting_asgi import HELLO
from bench.load import LoadWorkload
from bench.workload import Comparison, Entry, Group, Metric, Sample, Setting
from fastserve.measure.probe import Exchange

ONE = "fastserve, one worker"
TWO = "fastserve, two workers"


@dataclass(frozen=True, kw_only=True)
class SharedCoresWorkload(LoadWorkload):
    """A workload whose workers have a core each, the last one that of the load client."""

    def measure(self, setting: Setting, entry: Entry) -> Sample:
        """As LoadWorkload's; the value is the time in which one request is answered, by whomever."""
        setting = replace(setting, server_cores=(setting.server_cores[0], setting.load_core))
        sample = super().measure(setting, entry)
        # The server waits for its load client here: that is no reason to measure again.
        details = {name: value for name, value in sample.details.items() if name != "server_waited"}
        return Sample(1e6 / sample.details["requests_per_s"], {**details, "cpu_us": sample.value})


WORKLOAD = SharedCoresWorkload(
    name="workers_two",
    title="200 µs of computing, by two workers and by one",
    group=Group.PROCESS,
    metric=Metric("time for each request, all workers together", "µs", 1),
    entries=(
        Entry("fastserve", ONE, app="waiting_asgi:app", options=("--workers", "1", "--supervise")),
        Entry("fastserve", TWO, app="waiting_asgi:app", workers=2),
    ),
    comparisons=(Comparison(ONE, TWO, at_least=1.8),),
    exchange=Exchange(answer=HELLO, path="/compute"),
)
