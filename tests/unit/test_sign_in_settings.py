"""OIDC_…: what a group may do, and that what cannot be used is one line that names the variable."""

import pytest

from stringx_dataops.contract.settings import read_settings
from stringx_dataops.contract.sign_in import Grant, SignIn
from stringx_dataops.contract.variables import SettingsError

RIGHT = {
    "PUBLIC_URL": "https://checks.example.org/",
    "OIDC_ISSUER": "https://login.example.org/realms/staff",
    "OIDC_CLIENT_ID": "stringx",
    "OIDC_CLIENT_SECRET_FILE": "/run/secrets/oidc",
    "OIDC_ROLES": "everyone=viewer, data=editor@nyc+crm ,data-lead=editor@hr, ops = operator,owners=admin,a=b=viewer",
}


def sign_in(**variables: str) -> SignIn:
    found = read_settings(RIGHT | variables).sign_in
    assert found is not None
    return found


def test_where_people_come_back() -> None:
    assert sign_in().redirect_uri == "https://checks.example.org/login/oidc"
    assert (sign_in().scopes, sign_in().groups_claim) == ("openid profile email", "groups")
    assert read_settings({}).sign_in is None


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ((), None),
        (("unknown", "Everyone"), None),
        (("everyone",), Grant("viewer")),
        (("everyone", "ops"), Grant("operator")),
        (("a=b",), Grant("viewer")),
        (("everyone", "data"), Grant("editor", frozenset({"nyc", "crm"}))),
        (("data-lead", "data"), Grant("editor", frozenset({"nyc", "crm", "hr"}))),
        (("data", "ops", "owners"), Grant("admin")),
    ],
)
def test_the_highest_role_counts_with_its_targets(groups: tuple[str, ...], expected: Grant | None) -> None:
    assert sign_in().grant_of(groups) == expected


def test_one_role_of_two_groups_is_unlimited_if_one_of_them_is() -> None:
    assert sign_in(OIDC_ROLES="a=editor@nyc,b=editor").grant_of(["a", "b"]) == Grant("editor")
    assert sign_in(OIDC_ROLES="a=editor@nyc,a=editor@crm").grant_of(["a"]) == Grant("editor", frozenset({"nyc", "crm"}))


def test_names_with_commas_are_separated_by_semicolons() -> None:
    found = sign_in(OIDC_ROLES="cn=data,ou=groups=editor; cn=all,ou=groups=viewer")
    assert found.grant_of(["cn=data,ou=groups"]) == Grant("editor")


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"PUBLIC_URL": ""}, "OIDC_ISSUER needs PUBLIC_URL: give"),
        ({"OIDC_ISSUER": ""}, "OIDC_CLIENT_ID is set, and OIDC_ISSUER is not; give"),
        ({"OIDC_ISSUER": "login.example.org"}, "OIDC_ISSUER is 'login.example.org'; give"),
        ({"OIDC_ISSUER": "http://login.example.org"}, "OIDC_ISSUER is 'http://login.example.org'; give"),
        ({"OIDC_ISSUER": "https://["}, "OIDC_ISSUER is 'https://['; give"),
        ({"OIDC_ISSUER": "https://a@b"}, "OIDC_ISSUER is 'https://a@b'; give"),
        ({"OIDC_ISSUER": "https://b?x=1"}, "OIDC_ISSUER is 'https://b?x=1'; give"),
        ({"OIDC_CLIENT_ID": ""}, "OIDC_CLIENT_ID is not set; give"),
        ({"OIDC_CLIENT_SECRET_FILE": ""}, "OIDC_CLIENT_SECRET is not set; give"),
        ({"OIDC_SCOPES": "profile"}, "OIDC_SCOPES is 'profile'; give"),
        ({"OIDC_GROUPS_CLAIM": "x" * 300}, "OIDC_GROUPS_CLAIM is longer than 256 characters; give"),
        ({"OIDC_ROLES": ""}, "OIDC_ROLES holds 0 pairs; give"),
        ({"OIDC_ROLES": "data"}, "OIDC_ROLES holds 'data'; give pairs group=role"),
        ({"OIDC_ROLES": "data=boss"}, "OIDC_ROLES holds 'data=boss'; give pairs group=role"),
        ({"OIDC_ROLES": "=viewer"}, "OIDC_ROLES holds '=viewer'; give pairs group=role"),
        ({"OIDC_ROLES": "a=admin@nyc"}, "OIDC_ROLES holds 'a=admin@nyc'; an admin is of all targets"),
        ({"OIDC_ROLES": "a=viewer@"}, "OIDC_ROLES holds 'a=viewer@'; targets are names after @"),
        ({"OIDC_ROLES": "a=viewer@nyc+NYC"}, "OIDC_ROLES holds 'a=viewer@nyc+NYC'; targets are names after @"),
        ({"OIDC_ROLES": ",".join(["a=viewer"] * 1001)}, "OIDC_ROLES holds 1,001 pairs; give"),
    ],
)
def test_what_cannot_be_used_is_one_line(variables: dict[str, str], line: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings(RIGHT | variables)
    assert str(raised.value).startswith(line)
    assert "\n" not in str(raised.value)
