"""One measurement of `parse`: `python -m benchmarks.parse_child FOLDER` prints JSON.

The clock starts where Airflow's DAG processor forks to parse a file, after its own imports and those of the plugin.
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
    """Parse the DAGs of a folder, then serialize them as the DAG processor does."""
    folder = sys.argv[1]
    sys.argv = ["airflow", "dag-processor"]
    Job()  # type: ignore[no-untyped-call]  # so in Airflow; here it loads plugins
    gc.collect()  # otherwise a garbage collection for the imports is counted for the next step
    gc.freeze()  # as the DAG processor does before it forks
    start = time.process_time()
    bag = DagBag(folder, bundle_name="benchmark")
    parsed = time.process_time()
    found = [DagSerialization.to_dict(dag) for dag in bag.dags.values()]
    serialized = time.process_time()
    assert not bag.import_errors, bag.import_errors
    chains = sum(len(dag.tasks) == TASKS for dag in bag.dags.values())  # the project has a DAG that is not one
    size = len(json.dumps(found)) / len(found)
    result = {"chains": chains, "parse_s": parsed - start, "serialize_s": serialized - parsed, "dag_bytes": size}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
