"""What pages for people share, those of the Backend and of the docs portal: one stylesheet, marks of states and verdicts,
and how numbers and times are written."""
