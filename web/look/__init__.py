"""What pages for people share, those of the Backend and of the docs portal: one stylesheet, and marks of states and verdicts."""
