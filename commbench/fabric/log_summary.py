"""What of an NCCL debug log is kept for ever: a screenful, without secrets."""

from commbench.environment.redact import redact_text
from commbench.fabric.nccl_facts import NcclLog

_LONGEST_TEXT = 500
_ERRORS_KEPT = 20


def log_summary(log: NcclLog) -> dict[str, object]:
    """Return the log's facts as JSON values."""
    return {
        "version": log.version,
        "networks": list(log.networks),
        "devices": {
            host: [f"{each.label}/{each.link}" for each in devices] for host, devices in sorted(log.devices.items())
        },
        "transports": log.transports(),
        "planned_fabrics": sorted(log.planned_fabrics()),
        "connected_fabrics": sorted(log.connected_fabrics()),
        "settings": {name: redact_text(value)[:_LONGEST_TEXT] for name, value in sorted(log.settings.items())},
        "errors": [redact_text(error)[:_LONGEST_TEXT] for error in log.errors[:_ERRORS_KEPT]],
        "torn_lines": log.torn_lines,
    }
