"""The lines of NCCL's debug log, one expression each. Source: the format strings of NCCL 2.4 to 2.32.

All are searched for, never matched from the start: Ray, srun and mpirun put labels before a line, and lines are torn.
Gaps are bounded and lines are cut at MAX_LINE: a log is other people's text, and must not take for ever to read.
"""

import re

MAX_LINE = 8192  # characters; the longest line of NCCL's, a list of 32 devices, has about 2000
HEAD = re.compile(r"([^\s:\[\]()]+):\d+:\d+ \[\d+\] ")  # host:pid:tid [device]
MESSAGE = re.compile(r"NCCL (INFO|WARN|ATTN|DIAG|TRACE) +(.*)$")
REPEATED = re.compile(r" ?\[repeated (\d+)x across cluster\]")  # Ray's, instead of equal lines of other ranks

VERSION = re.compile(r"NCCL version v?(\d+\.\d+(?:\.\d+)?\S*)")
SET = re.compile(r"(NCCL_\w+) set (?:by environment )?to (.*?)\.?$")
NETWORK = re.compile(r"Using network (.+?)\s*$")
RANKS = re.compile(r"comm \S+ rank (\d+) n[rR]anks (\d+) nNodes (\d+)")

USING_IB = re.compile(r"NET/(\w+) ?: Using(.*?)(?:; OOB (.*))?$")
USING_SOCKET = re.compile(r"NET/Socket ?: Using(.*)$")
NO_DEVICE = re.compile(r"NET/IB ?: No device found")
DEVICE = re.compile(r"\[(\d+)\]\s?([^\s:{\[]+):(\d+)(?::\d*)?(?::\d+)?/(IB|RoCE|UNSPECIFIED)")
MERGED = re.compile(r"\[(\d+)\]=\{(.*?)\}")  # 2.20 to 2.23
SOCKET = re.compile(r"\[(\d+)\]([^\s:]+):(\S+?)<\d+>")
VIRTUAL = re.compile(r"Made virtual device \[(\d+)\] name=(\S+) speed=(\d+) ndevs=(\d+)")  # 2.24 and later
OVERRIDE = re.compile(r"NET/IB: Subnet-aware routing: overriding dev (\d+) with dev (\d+)")

# `Ring 00 : 0 -> 1 [send] via ...` up to 2.4. `Channel 00/16 : 0 1 2` is the order of a ring: it has no arrow.
VIA = re.compile(
    r"(?:Channel|Ring) (\d+)(?:/\d+)? : (\d+)(?:\[[0-9a-fx]+\])? -> (\d+)(?:\[[0-9a-fx]+\])? "
    r"(?:\[(send|receive)\] )?via (.+?)\s*$"
)
COLLNET = re.compile(r"CollNet (\d+)/\d+ : (\d+) \[(send|receive)\] via (COLLNET/.+?)\s*$")
NET = re.compile(r"^NET/(.+)/(\d+)(?:\((\d+)\))?(/GDRDMA)?(\(PCI\))?(/Shared)?(?:/flush=\w+)?$")
ANY_VIA = re.compile(r"> ?\d+.{0,40}? via |\] via [A-Z]")

# A queue pair is a connection that exists. On InfiniBand it is told with a LID, on RoCE with a GID; `NET/gIB` and other
# plugins made from NCCL's own network write the same line.
QUEUE_PAIR = re.compile(
    r"NET/(\w+) ?: (?:.{0,80}? )?(?:Ib[Dd]ev|IBDev|Dev) (\d+) Port (\d+) (?:qpn|qp_num) (\d+) mtu \d+ .{0,200}?"
    r"\b(?:LID (\d+)|GID (\d+) \(([0-9A-Fa-f]+)/([0-9A-Fa-f]+)\))"
)
NAMED_QUEUE_PAIR = re.compile(
    r"NET/(\w+) ?: .{0,80}?QP created: port=(\d+) dev=(\d+) devName=(\S+) .{0,200}?qp_num=(\d+)"
)

CHOICE = re.compile(r"(?:(\w+)(?: \[([\w ]+)\])?: )?(\d+) Bytes -> (.*)$")
ALGORITHM = re.compile(r"Algo (\w+) proto (\w+)(?:.*?channel\{Lo\.\.Hi\}=\{(\d+)\.\.(\d+)\})?")
FATAL = re.compile(r"Got completion from peer|async fatal event|[Ff]atal error")

# The numbers that 2.19 to 2.23 print. Source: NCCL_ALGO_* and NCCL_PROTO_* in nccl_common.h
ALGORITHMS = ("TREE", "RING", "COLLNET_DIRECT", "COLLNET_CHAIN", "NVLS", "NVLS_TREE", "PAT")
PROTOCOLS = ("LL", "LL128", "SIMPLE")
