"""Measures Intermezzo against raw Prefect, DBOS and LangGraph in one run on one machine: `make bench`."""
