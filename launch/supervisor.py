"""Runs supervisord, which by itself waits a second before it starts the first process: `python -m launch.supervisor -c FILE`."""

from supervisor import supervisord


class Supervisor(supervisord.Supervisor):  # type: ignore[misc]  # the package has no types
    """Starts its programs before it waits for anything."""

    def runforever(self) -> None:
        """Serve until told to stop."""
        for group in sorted(self.process_groups.values()):
            group.transition()
        super().runforever()


if __name__ == "__main__":
    supervisord.Supervisor = Supervisor  # the name by which `main` makes one
    supervisord.main()
