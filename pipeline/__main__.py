"""`python -m pipeline` is the same command as `calibrate`."""

from pipeline.cli import main

main()
