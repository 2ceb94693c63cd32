"""One measurement of `parse`: `python -m benchmarks.parse_child FOLDER` prints JSON.

The clock starts where Airflow's DAG processor forks to parse a file: all that it has imported is there by then, and
so is what the plugin has it import.
"""

from __future__ import annotations

import gc
import json
import sys
import time

import airflow.dag_processing.manager  # noqa: F401 - what the DAG processor has imported
from airflow.dag_processing.dagbag import DagBag
from airflow.jobs.job import Job
from airflow.serialization.serialized_objects import DagSerialization

TASKS = 5


def main() -> None:
    """Parse the DAGs of a folder, then serialise them as the DAG processor does."""
    folder = sys.argv[1]
    sys.argv = ["airflow", "dag-processor"]
    Job()  # type: ignore[no-untyped-call]  # so in Airflow; here it loads plugins
    gc.collect()  # else a collection that the imports made due falls on whoever comes next
    gc.freeze()  # as the DAG processor does before it forks
    start = time.process_time()
    bag = DagBag(folder, bundle_name="benchmark")
    parsed = time.process_time()
    for dag in bag.dags.values():
        DagSerialization.to_dict(dag)
    serialised = time.process_time()
    assert not bag.import_errors, bag.import_errors
    chains = sum(len(dag.tasks) == TASKS for dag in bag.dags.values())  # the project has a DAG that is none
    result = {"chains": chains, "parse_s": parsed - start, "serialise_s": serialised - parsed}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
