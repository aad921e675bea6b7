"""One recipe per sample repository."""
