"""The environment variables and files that decide how a collective runs, and nothing else of the environment."""

import os
from collections.abc import Mapping
from pathlib import Path

from commbench.environment.redact import SECRET_NAME, redact_text

# Whole families of settings of the communication libraries. Never the rest: it holds people's secrets.
_FAMILIES = ("NCCL_", "GLOO_", "TORCH_", "UCX_")
_MAX_CONF_BYTES = 64 * 1024  # a conf file is a screenful; anything larger is not one


def allowed_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that may be recorded, by name."""
    return {
        name: redact_text(value)
        for name, value in sorted(environ.items())
        if name.startswith(_FAMILIES) and not SECRET_NAME.search(name)
    }


def conf_files(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the text of each NCCL conf file in force, by path: they silently set what variables set."""
    candidates = [Path("/etc/nccl.conf"), Path(environ.get("HOME", "/")) / ".nccl.conf"]
    if "NCCL_CONF_FILE" in environ:
        candidates.append(Path(environ["NCCL_CONF_FILE"]))
    texts = {}
    for path in candidates:
        try:
            with path.open("rb") as file:
                texts[str(path)] = redact_text(file.read(_MAX_CONF_BYTES).decode(errors="replace"))
        except OSError:
            continue  # absent or private: NCCL could not read it either
    return texts
