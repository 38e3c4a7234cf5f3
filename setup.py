"""The part of the build that pyproject.toml cannot say: extension modules, and where llhttp comes from."""

import sys
from pathlib import Path

from setuptools import setup

# PEP 517 front ends do not put the project's own directory on the path.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from build_support.commands import COMMANDS, find_extensions, find_libraries

if __name__ == "__main__":
    setup(ext_modules=find_extensions(), libraries=find_libraries(), cmdclass=COMMANDS)
