"""Build step that setup.cfg cannot express: the message catalogues are compiled into the package."""

from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py


class BuildWithCatalogues(build_py):
    """Compile every .po beside its .mo before the package is collected."""

    def run(self):
        from babel.messages.mofile import write_mo
        from babel.messages.pofile import read_po

        for source in Path("counsel/translations").glob("*/LC_MESSAGES/*.po"):
            with source.open("rb") as po, source.with_suffix(".mo").open("wb") as mo:
                write_mo(mo, read_po(po))
        super().run()


setup(
    packages=[*find_packages(include=["counsel", "counsel.*"]), "counsel.templates", "counsel.migrations"],
    package_dir={"counsel.templates": "templates", "counsel.migrations": "migrations"},
    cmdclass={"build_py": BuildWithCatalogues},
)
