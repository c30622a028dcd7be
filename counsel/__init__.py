"""Confidential case management for a school's counselling centre, after ten Chinese regulations (篇1–篇10)."""

__version__ = "0.1.0"
