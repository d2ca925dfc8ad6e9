"""The Calibration Workbench: from exported ratings to calibration packs."""
