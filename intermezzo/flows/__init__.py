"""Steps inside Prefect flows: the engine, the warm worker, the reconciler. The only package that imports Prefect."""
