"""One folder per kind of security tool. No source knows another; `registry` names them all."""
