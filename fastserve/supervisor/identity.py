"""As whom does a worker run?

The parent stays who it is, usually root, so that it can bind, read keys and open files again; each worker
becomes somebody else before it imports anything of the application.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastserve.errors import OptionError
from fastserve.log import log_files

if TYPE_CHECKING:
    from fastserve.config import Config

__all__ = ["Identity", "identity_of", "own_logs"]


@dataclass(frozen=True)
class Identity:
    """A user and a group, by their numbers; None stays as it is. The groups besides are those of `name`."""

    uid: int | None
    gid: int | None
    name: str | None

    def assume(self) -> None:
        """Become this user for good. Raises OSError where that is not allowed."""
        if os.geteuid() == 0:
            if self.name is not None and self.gid is not None:
                os.initgroups(self.name, self.gid)
            else:
                os.setgroups([])
        if self.gid is not None:
            os.setgid(self.gid)
        if self.uid is not None:
            os.setuid(self.uid)

    def own(self, path: str) -> None:
        """Give a file to this user, and make it if it is not there. Raises OSError.

        The directory may be the user's too, who could lay a link there that leads to a file of root's: so
        none is followed, and no device is given away.
        """
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
        if stat.S_ISREG(os.lstat(path).st_mode):
            uid, gid = (-1 if number is None else number for number in (self.uid, self.gid))
            os.chown(path, uid, gid, follow_symlinks=False)


def own_logs(config: Config, identity: Identity | None) -> None:
    """Give the log files that the parent has opened to who is to write to them too, and that of requests."""
    if identity is None:
        return
    requests = config.access_log_file if config.access_log else None
    for path in (*log_files(), *filter(None, [requests])):
        with contextlib.suppress(OSError):  # a worker that cannot write there says so
            identity.own(path)


def identity_of(config: Config) -> Identity | None:
    """Return as whom workers run; None: as their parent. Raises OptionError."""
    uid, gid, name = None, None, None
    if config.user is not None:
        try:
            entry = pwd.getpwuid(int(config.user)) if config.user.isdecimal() else pwd.getpwnam(config.user)
            uid, gid, name = entry.pw_uid, entry.pw_gid, entry.pw_name
        except KeyError:
            if not config.user.isdecimal():
                raise OptionError(f"Invalid value for user: there is no user {config.user!r}.") from None
            uid = int(config.user)
    if config.group is not None:
        try:
            gid = int(config.group) if config.group.isdecimal() else grp.getgrnam(config.group).gr_gid
        except KeyError:
            raise OptionError(f"Invalid value for group: there is no group {config.group!r}.") from None
    if uid is None and gid is None:
        return None
    if gid is None:
        raise OptionError(f"User {config.user} is in no group that is known: group is needed too.")
    if os.geteuid() != 0 and (uid not in (None, os.getuid()) or gid not in (None, os.getgid())):
        raise OptionError("Only root may run workers as another user or group.")
    return Identity(uid, gid, name)
