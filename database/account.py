"""The account that runs the embedded PostgreSQL, and a check for folders that it cannot enter.

Uses only the standard library, because it runs before anything is installed.
"""

import os
import pwd
from pathlib import Path


def account() -> pwd.struct_passwd | None:
    """The unprivileged account for PostgreSQL; None if this process is not root, because PostgreSQL then runs as the same user.

    Raises LookupError if neither `postgres` nor `nobody` exists.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return entry
    raise LookupError("PostgreSQL refuses to run as root, and neither postgres nor nobody is an account here")


def become(who: pwd.struct_passwd | None) -> None:
    """Switch this process to the account, irreversibly; nothing happens for None."""
    if who is not None:
        os.setgroups([])
        os.setgid(who.pw_gid)
        os.setuid(who.pw_uid)


def closed_folder(who: pwd.struct_passwd | None, *paths: Path) -> Path | None:
    """The first folder, from the top, on the way to one of the paths that the account cannot enter; None if it can enter all.

    A child process switches to the account and asks the kernel, so that groups and ACLs count too.
    """
    if who is None:
        return None
    folders = list(dict.fromkeys(folder for path in paths for folder in (*reversed(path.parents), path)))
    child = os.fork()
    if child == 0:
        status = 255
        try:
            become(who)
            closed = (i for i, folder in enumerate(folders) if folder.is_dir() and not os.access(folder, os.X_OK))
            status = min(next(closed, 255), 255)
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return None if status == 255 else folders[status]
