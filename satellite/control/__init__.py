"""Commands from this machine: buttons, scripts, `interject-satellite ctl`, health checks."""
