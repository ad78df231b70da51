"""What it costs a check that somebody watches: the release before incidents beside this one."""
