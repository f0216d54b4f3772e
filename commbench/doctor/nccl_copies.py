"""Whether there is one NCCL, so that one knows which was measured."""

from commbench.doctor.finding import Finding, Level
from commbench.doctor.host import Host
from commbench.fabric.library import installed_nccl


class NcclCopies:
    """With two libraries the loader's search path decides, and torch may name the version of the other."""

    name = "NCCL library"

    def look(self, host: Host) -> Finding | None:
        found = installed_nccl(host.environ, host.ask(["ldconfig", "-p"]) or "")
        if not found:
            return None
        if len(found) == 1:
            return Finding(self.name, Level.OK, found[0])
        return Finding(
            self.name,
            Level.WARN,
            f"{len(found)} copies: {', '.join(found)}",
            "which one is loaded depends on LD_LIBRARY_PATH, and reports may name the other's version",
            "keep one: take the folder out of LD_LIBRARY_PATH, or `pip uninstall` the package",
        )
