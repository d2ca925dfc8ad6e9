"""Numerics: plain functions on arrays, with small frozen results."""
