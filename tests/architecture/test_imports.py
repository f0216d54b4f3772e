import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_layers_and_contracts_of_pyproject_are_kept() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_but_the_backends_and_buckets_can_be_imported_without_torch() -> None:
    program = (
        "import sys; from importlib import import_module; from pathlib import Path\n"
        "for path in sorted(Path('commbench').rglob('*.py')):\n"
        "    name = '.'.join(path.with_suffix('').parts).removesuffix('.__init__')\n"
        "    if name != 'commbench.__main__' and not name.startswith(('commbench.backend.', 'commbench.bucketing.')):\n"
        "        import_module(name)\n"
        "sys.exit('torch' in sys.modules or 'cupy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
