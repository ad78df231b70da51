"""Which account runs the embedded PostgreSQL, and which folders that account cannot enter.

Only the standard library: it is asked before anything is installed.
"""

import os
import pwd
from pathlib import Path


def account() -> pwd.struct_passwd | None:
    """The unprivileged account to change to; None where we are not root and PostgreSQL runs as we do."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid != 0:
            return found
    raise LookupError("PostgreSQL refuses to run as root, and neither postgres nor nobody is an account here")


def become(who: pwd.struct_passwd | None) -> None:
    """Changes this process to the account, for good."""
    if who is not None:
        os.setgroups([])
        os.setgid(who.pw_gid)
        os.setuid(who.pw_uid)


def closed_folder(who: pwd.struct_passwd | None, *paths: Path) -> Path | None:
    """The outermost existing folder on the way to one of the paths that the account cannot enter.

    Asked of the kernel in a child that has become the account, so that groups and ACLs count too.
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
