"""What Intermezzo does for the same work: one script per case, each run in a process of its own."""
