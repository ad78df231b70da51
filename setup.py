"""Puts the catalogue of rule types, which belongs to the dbt project, into what is installed; all else is in pyproject.toml."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

CATALOGUE = Path("macros", "rules", "rules.yml")


class BuildWithCatalogue(build_py):
    """Copies `stringx/macros/rules/rules.yml` to where `stringx_dataops.contract.catalogue.dbt_project.PACKED` looks for it."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:  # there the project itself is found
            target = self._target()
            target.parent.mkdir(parents=True, exist_ok=True)
            self.copy_file(str("stringx" / CATALOGUE), str(target))

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return [*super().get_outputs(include_bytecode), *([] if self.editable_mode else [str(self._target())])]

    def get_source_files(self) -> list[str]:
        return [*super().get_source_files(), str("stringx" / CATALOGUE)]

    def _target(self) -> Path:
        return Path(self.build_lib, "stringx_dataops", "packed", CATALOGUE)


setup(cmdclass={"build_py": BuildWithCatalogue})
