"""The workloads, one file each; `WORKLOADS` has them in the order in which they are run and printed."""

import importlib
import pkgutil

from bench.workload import Group, Workload


def found() -> dict[str, Workload]:
    """Each file's ``WORKLOAD``, by name: group by group, and by rank and name within a group."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    workloads = [importlib.import_module(f"{__name__}.{name}").WORKLOAD for name in names]
    groups = list(Group)
    workloads.sort(key=lambda workload: (groups.index(workload.group), workload.rank, workload.name))
    return {workload.name: workload for workload in workloads}


WORKLOADS = found()
