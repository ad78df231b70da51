"""Signing in to the dashboard by OpenID Connect: the variables OIDC_…, and what a group may do.

Only the standard library is imported here, because settings are read before anything is installed.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

from stringx_dataops.contract.keys import SCOPES, KeyScope

Role = Literal["viewer", "operator", "editor", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)  # each may do more than those before it
SCOPES_OF: dict[Role, frozenset[KeyScope]] = {
    "viewer": frozenset({"read"}),
    "operator": frozenset({"read", "trigger"}),
    "editor": frozenset({"read", "samples", "trigger", "configure"}),
    "admin": frozenset(SCOPES),
}
CALLBACK = "/login/oidc"
VARIABLES = (
    "OIDC_ISSUER",
    "OIDC_CLIENT_ID",
    "OIDC_CLIENT_SECRET",
    "OIDC_ROLES",
    "OIDC_GROUPS_CLAIM",
    "OIDC_SCOPES",
)
SECRET = "OIDC_CLIENT_SECRET"  # noqa: S105 (its name)
_DEFAULT_SCOPES = "openid profile email"
_MOST_PAIRS, _LONGEST = 1000, 256
_TARGET = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\Z")  # as `TargetName`, which needs pydantic
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Grant:
    """What a group gives: a role, on these targets or (None) on all."""

    role: Role
    targets: frozenset[str] | None = None


@dataclass(frozen=True)
class SignIn:
    """How people sign in at an OpenID provider, without the client's secret."""

    issuer: str
    client_id: str
    redirect_uri: str
    grants: Mapping[str, tuple[Grant, ...]]
    groups_claim: str
    scopes: str

    def grant_of(self, groups: Collection[str]) -> Grant | None:
        """The highest role of these groups, on the targets of all groups that give it. None if no group gives a role. A lower
        role adds nothing, so that nobody may do on one target what was given for another."""
        found = [grant for group in groups for grant in self.grants.get(group, ())]
        if not found:
            return None
        highest = max((grant.role for grant in found), key=ROLES.index)
        given = [grant.targets for grant in found if grant.role == highest]
        limited = [targets for targets in given if targets is not None]
        return Grant(highest, frozenset().union(*limited) if len(limited) == len(given) else None)


def read(env: Mapping[str, str], public_url: str | None) -> SignIn | None:
    """From the environment; None without OIDC_ISSUER. ValueError with one line that names the variable and the fix."""
    issuer = env.get("OIDC_ISSUER") or ""
    if not issuer:
        if unused := next((name for name in (*VARIABLES, f"{SECRET}_FILE") if env.get(name)), None):
            raise ValueError(f"{unused} is set, and OIDC_ISSUER is not; give the address of the OpenID provider, or neither")
        return None
    _check_issuer(issuer)
    if public_url is None:
        raise ValueError(
            "OIDC_ISSUER needs PUBLIC_URL: give the address at which people reach the dashboard;"
            f" the provider sends them to {CALLBACK} there"
        )
    if not env.get("OIDC_CLIENT_ID"):
        raise ValueError("OIDC_CLIENT_ID is not set; give the client that was registered at OIDC_ISSUER")
    if not env.get(SECRET) and not env.get(f"{SECRET}_FILE"):
        raise ValueError(f"{SECRET} is not set; give the secret of the client OIDC_CLIENT_ID, or its file in {SECRET}_FILE")
    claim = env.get("OIDC_GROUPS_CLAIM") or "groups"
    if len(claim) > _LONGEST:
        raise ValueError(f"OIDC_GROUPS_CLAIM is longer than {_LONGEST} characters; give the claim's name, such as groups")
    return SignIn(
        issuer=issuer,
        client_id=env["OIDC_CLIENT_ID"],
        redirect_uri=public_url + CALLBACK,
        grants=_grants(env.get("OIDC_ROLES") or ""),
        groups_claim=claim,
        scopes=_scopes(env.get("OIDC_SCOPES") or _DEFAULT_SCOPES),
    )


def _check_issuer(issuer: str) -> None:
    try:
        parts = urlsplit(issuer)
        host = parts.hostname
        is_address = bool(host) and parts.port != 0 and not (parts.query or parts.fragment or parts.username)
    except ValueError:
        host, is_address = None, False
    if not is_address or not (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)):
        raise ValueError(
            f"OIDC_ISSUER is {issuer[:80]!r}; give the provider's issuer, such as https://login.example.org/realms/staff"
            " (http only on loopback)"
        )


def _scopes(text: str) -> str:
    names = text.split()
    if "openid" not in names or not text.isascii() or not text.isprintable() or len(text) > _LONGEST:
        raise ValueError(f"OIDC_SCOPES is {text[:40]!r}; give scopes separated by spaces, openid among them")
    return " ".join(names)


def _grants(text: str) -> dict[str, tuple[Grant, ...]]:
    """Of pairs that are separated by commas; or by semicolons where one stands in the text, for names with commas."""
    found: dict[str, tuple[Grant, ...]] = {}
    pairs = [pair.strip() for pair in text.split(";" if ";" in text else ",") if pair.strip()]
    for pair in pairs:
        group, is_pair, given = pair.rpartition("=")
        role, at, targets = given.strip().partition("@")
        if not is_pair or not group.strip() or role not in ROLES:
            raise ValueError(f"OIDC_ROLES holds {pair[:60]!r}; give pairs group=role, with a role of {', '.join(ROLES)}")
        names = frozenset(targets.split("+")) if at else None
        if names is not None and (role == "admin" or not all(_TARGET.match(name) for name in names)):
            why = "an admin is of all targets" if role == "admin" else "targets are names after @ joined by +, such as @nyc+crm"
            raise ValueError(f"OIDC_ROLES holds {pair[:60]!r}; {why}")
        found[group.strip()] = (*found.get(group.strip(), ()), Grant(cast(Role, role), names))
    if not found or len(pairs) > _MOST_PAIRS:
        raise ValueError(
            f"OIDC_ROLES holds {len(pairs):,} pairs; give 1 to {_MOST_PAIRS:,}, such as data-team=editor, everyone=viewer"
        )
    return found
