"""Measurements of the product beside a floor that does the same work without it. Not part of the package."""
