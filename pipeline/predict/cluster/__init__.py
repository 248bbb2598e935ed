"""Batch prediction on Dask: many table files, one or more partitions each, on the workers of a cluster.

`plan` divides the sources, `partition` is what a worker does, `run` what the client does; `store` is where files
lie, and `connection` reaches the scheduler.
"""
