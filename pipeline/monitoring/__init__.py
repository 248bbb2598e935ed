"""What a model meets after it was trained: drift, and metrics that are estimated without labels."""
