"""`make demo` and `make test`: a whole Airflow and the simulator on loopback, nothing to install by hand."""
