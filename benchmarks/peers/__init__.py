"""What the peers do for the same work: one script per peer and case, each run in a process of its own."""
