"""A complete Airflow and the simulator on loopback, for `make demo`, the end-to-end tests, and the benchmarks."""
