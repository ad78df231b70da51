"""What an OpenID provider says of a person: the claims that are read, and their bounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from database.keys import PERSON
from stringx_dataops.contract.http_answers import in_one_line
from stringx_dataops.contract.problems import Forbidden
from stringx_dataops.contract.sign_in import SignIn

_MOST_GROUPS, _LONGEST = 1000, 256
_LONGEST_NAME = 100


@dataclass(frozen=True)
class Person:
    """`subject` is who they are to the provider, for ever; `name` is for people to read."""

    issuer: str
    subject: str
    name: str
    groups: tuple[str, ...]

    @property
    def caller_name(self) -> str:
        """As requests, versions and the audit name them: never the name of a key."""
        return PERSON + self.name


def says_enough(sign_in: SignIn, claims: Mapping[str, Any]) -> bool:
    """Whether the claims have groups and a readable name."""
    return _groups_in(sign_in, claims) is not None and _name(claims) is not None


def merged(claims: Mapping[str, Any], userinfo: Mapping[str, Any]) -> dict[str, Any]:
    """Both; the ID token's where both have one. Whether a mail address is verified is said of the address beside it alone."""
    of_mail = (claims, userinfo) if "email" in claims else (userinfo, claims)
    same = [each for each in of_mail if each.get("email", object()) == of_mail[0].get("email")]
    verified = next((each["email_verified"] for each in same if "email_verified" in each), None)
    return {**userinfo, **claims, "email_verified": verified}


def person_of(sign_in: SignIn, claims: Mapping[str, Any]) -> Person:
    """Who the claims are about. Forbidden if they are out of bounds."""
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST or not subject.isprintable():
        raise Forbidden(f"the OpenID provider's sub is no text of 1 to {_LONGEST} characters")
    given = _groups_in(sign_in, claims)
    groups = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    if len(groups) > _MOST_GROUPS:
        raise Forbidden(f"the OpenID provider sent over {_MOST_GROUPS:,} groups; let it send those that matter here")
    kept = sorted({group for group in groups if isinstance(group, str) and 0 < len(group) <= _LONGEST and "\0" not in group})
    return Person(sign_in.issuer, subject, _name(claims) or in_one_line(subject, _LONGEST_NAME), tuple(kept))


def _groups_in(sign_in: SignIn, claims: Mapping[str, Any]) -> Any:
    """The claim OIDC_GROUPS_CLAIM; if there is none of this name, its parts lead into objects (`realm_access.roles`)."""
    if sign_in.groups_claim in claims:
        return claims[sign_in.groups_claim]
    found: Any = claims
    for part in sign_in.groups_claim.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _name(claims: Mapping[str, Any]) -> str | None:
    """A verified mail address, else the user's name. An address that nobody verified may be another person's."""
    for name in ("email", "preferred_username"):
        given = claims.get(name)
        is_theirs = name != "email" or claims.get("email_verified") is True
        if isinstance(given, str) and is_theirs and (words := in_one_line(given, _LONGEST_NAME).strip()):
            return words
    return None
