"""Find the data folders `suites/` and `kernels/`, installed in a wheel or in a checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """Return the folder `suites` or `kernels`: inside the package when installed, beside it in a checkout."""
    installed = _PACKAGE / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


def suite_files() -> tuple[Path, ...]:
    """Return the suites that come with commbench, by name."""
    return tuple(sorted(folder("suites").glob("*.toml")))


def checkout() -> Path | None:
    """Return the git checkout that this code runs from, or None for an installed package."""
    root = _PACKAGE.parent
    return root if (root / ".git").exists() else None
