"""What comes from elsewhere (a suite, a store, a log, another rank) is data and never becomes code."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Formats that run code when they are read, by the name of the module that reads them.
UNSAFE_MODULES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "yaml", "jsonpickle"}
UNSAFE_NAMES = {"eval", "exec", "compile", "__import__"}
UNSAFE_ATTRIBUTES = {
    *("system", "popen"),  # of os: a shell
    *("read_pickle", "to_pickle"),  # of pandas
    *("all_gather_object", "gather_object", "broadcast_object_list", "scatter_object_list", "send_object_list"),
}
UNSAFE_KEYWORDS = {"shell": False, "allow_pickle": False, "weights_only": True}  # the only value that each may have


def dangers(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in UNSAFE_MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UNSAFE_MODULES:
            yield str(node.module)
        elif isinstance(node, ast.Call):
            yield from _in_call(node)


def _in_call(node: ast.Call) -> Iterator[str]:
    if isinstance(node.func, ast.Name) and node.func.id in UNSAFE_NAMES:
        yield node.func.id
    if isinstance(node.func, ast.Attribute):
        name, owner = node.func.attr, node.func.value
        is_torch_load = name == "load" and isinstance(owner, ast.Name) and owner.id == "torch"
        if name in UNSAFE_ATTRIBUTES or is_torch_load:
            yield name
    for keyword in node.keywords:
        is_constant = isinstance(keyword.value, ast.Constant)
        allowed = UNSAFE_KEYWORDS.get(str(keyword.arg))
        if keyword.arg in UNSAFE_KEYWORDS and not (is_constant and ast.literal_eval(keyword.value) is allowed):
            yield f"{keyword.arg}="


@pytest.mark.parametrize(
    "path", sorted((ROOT / "commbench").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_nothing_is_unpickled_evaluated_or_given_to_a_shell(path: Path) -> None:
    assert list(dangers(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from yaml import load",
        "eval(x)",
        "exec(x)",
        "import os; os.system(x)",
        "import subprocess; subprocess.run(x, shell=True)",
        "import subprocess; subprocess.run(x, shell=y)",
        "numpy.load(x, allow_pickle=True)",
        "torch.load(x)",
        "dist.all_gather_object(a, b)",
        "pd.read_pickle(x)",
    ],
)
def test_every_danger_would_be_found(source: str) -> None:
    assert len(list(dangers(source))) == 1


def test_ordinary_code_is_no_danger() -> None:
    assert list(dangers("import re, json; re.compile(x); json.load(f); run(x, shell=False); a.load(f)")) == []
