"""Every column of the store: name, arrow type, unit and definition, in the order in which they are written.

The table is additive: a column may be appended with a new `SCHEMA_VERSION`, none may be renamed, retyped or
dropped, because files of all ages are read together.
"""

from commbench.store.column import (
    BOOL,
    FLOAT64,
    INT16,
    INT32,
    INT64,
    INT64S,
    STRING,
    STRINGS,
    TIMESTAMP,
    Column,
)
from commbench.store.incident_columns import INCIDENTS
from commbench.store.kernel_columns import KERNEL

# 1: the sweep. 2: where a row comes from, hosts, the worst 5 %, proof of the fabric; ranks, incidents and kernel.
# 3: the largest slow call of each cause, what the hypervisor and a quota took.
SCHEMA_VERSION = 3

# The source of a row that commbench measured itself; imported rows have another.
MEASURED = "commbench"

LATENCY = "last arrival to last result (L); of collectives with a root or one-way traffic, first arrival to last result"

POINTS = (
    Column("schema_version", INT16, "", "version of this table that the row was written with"),
    Column("run_id", STRING, "", "run that measured the point"),
    Column("session", INT32, "", "sitting of the run, from 0; a resumed run has several"),
    Column("point_id", INT32, "", "place of the point in the run's plan, from 0"),
    Column("attempt", INT16, "", "how often the point had been tried before, from 0"),
    Column(
        "series_id", STRING, "", "16 hex digits naming the independent variables and the cluster: equal = comparable"
    ),
    Column("started_at", TIMESTAMP, "", "when the attempt began"),
    Column("purpose", STRING, "", "why the run was made, such as nightly or adhoc"),
    Column("suite", STRING, "", "suite that the point comes from"),
    Column("cluster", STRING, "", "machine or cluster, as the user names it"),
    Column("collective", STRING, "", "operation, such as all_reduce"),
    Column("size_bytes", INT64, "bytes", "message size after rounding, as nccl-tests' size column"),
    Column("dtype", STRING, "", "element type"),
    Column("redop", STRING, "", "reduction, or none"),
    Column("world_size", INT32, "", "ranks that took part"),
    Column("nodes", INT32, "", "hosts that took part"),
    Column("ranks_per_node", INT32, "", "world_size / nodes, rounded down"),
    Column("in_place", BOOL, "", "whether the send and receive buffers overlap"),
    Column("backend", STRING, "", "what moved the bytes: gloo, nccl, simulated ..."),
    Column("fabric", STRING, "", "network that was asked for"),
    Column("cadence", STRING, "", "how calls follow each other"),
    Column(
        "launch",
        STRING,
        "",
        "host: each call issued by the host; graph: replayed from a CUDA graph; never compared",
    ),
    Column("traffic_skew", FLOAT64, "", "exponent of the Zipf law of an uneven exchange; 0 = even"),
    Column("requested_bytes", INT64, "bytes", "message size that the suite asked for, before rounding"),
    Column("count", INT64, "elements", "nccl-tests' count column"),
    Column("status", STRING, "", "ok, wrong_result, skipped, error or timeout"),
    Column("error", STRING, "", "why the point was skipped or lost; empty when it was not"),
    Column("wrong_count", INT64, "elements", "wrong elements over all ranks; null when the result was not checked"),
    Column("wrong_rank", INT32, "", "rank of the first wrong element; null when right"),
    Column("wrong_index", INT64, "elements", "place of the first wrong element in its buffer; null when right"),
    Column("wrong_expected", FLOAT64, "", "what the first wrong element should have been; null when right"),
    Column("wrong_got", FLOAT64, "", "what the first wrong element was; null when right"),
    Column("iterations", INT64, "", "timed calls; 0 when nothing was timed, and then all times are null"),
    Column("warmup_iterations", INT64, "", "calls made before the timed ones"),
    Column("visits", INT64, "", "separate blocks that the timed calls were made in"),
    Column("stopping", STRING, "", "rule that ended the point"),
    Column("converged", BOOL, "", "whether the stopping rule was satisfied; false when nothing was timed"),
    Column("time_min_us", FLOAT64, "us", "shortest call; a call's time is the maximum over ranks of the same call"),
    Column("time_mean_us", FLOAT64, "us", "mean over calls"),
    Column("time_p50_us", FLOAT64, "us", "median over calls, nearest rank"),
    Column("time_p95_us", FLOAT64, "us", "95th percentile over calls, nearest rank"),
    Column("time_p99_us", FLOAT64, "us", "99th percentile over calls, nearest rank"),
    Column("time_max_us", FLOAT64, "us", "longest call"),
    Column("time_std_us", FLOAT64, "us", "standard deviation over calls (divided by n)"),
    Column("elapsed_mean_us", FLOAT64, "us", "wall time of a visit over its calls, mean over ranks: nccl-tests' time"),
    Column("latency_min_us", FLOAT64, "us", f"shortest call by its latency: {LATENCY}"),
    Column("latency_mean_us", FLOAT64, "us", "mean latency over calls"),
    Column("latency_p50_us", FLOAT64, "us", "median latency over calls, nearest rank"),
    Column(
        "latency_p50_low_us",
        FLOAT64,
        "us",
        "95 % interval of the median with visits as clusters, null: unknown; since version 3, of adaptive points at "
        "alpha = 0.05 / 7, as the rule looked at it before",
    ),
    Column("latency_p50_high_us", FLOAT64, "us", "its upper end"),
    Column("latency_p95_us", FLOAT64, "us", "95th percentile of the latency, nearest rank"),
    Column("latency_p99_us", FLOAT64, "us", "99th percentile of the latency, nearest rank"),
    Column("latency_p99_low_us", FLOAT64, "us", "95 % interval of the p99 (order statistics); null below 368 calls"),
    Column("latency_p99_high_us", FLOAT64, "us", "its upper end"),
    Column("latency_max_us", FLOAT64, "us", "worst case: longest of n latencies; not comparable across different n"),
    Column("exceed_probability", FLOAT64, "", "95 % bound on P(next call slower than the worst): 1 - 0.05^(1/n)"),
    Column("makespan_p50_us", FLOAT64, "us", "median of T, first arrival to last result: what the job sees"),
    Column("makespan_p99_us", FLOAT64, "us", "99th percentile of T"),
    Column("makespan_max_us", FLOAT64, "us", "longest T"),
    Column("skew_p50_us", FLOAT64, "us", "median of S, first arrival to last arrival; T = S + L"),
    Column("skew_p99_us", FLOAT64, "us", "99th percentile of S; no claim below twice clock_bound_us"),
    Column("skew_max_us", FLOAT64, "us", "largest S"),
    Column("method", STRING, "", "how T, S, L were taken: one_clock, or clock_free (last to arrive waits least)"),
    Column("clock_bound_us", FLOAT64, "us", "bound on the error of stamps between ranks; null = clocks not compared"),
    Column("clock_agreement", FLOAT64, "", "share of skewed calls where the clock-free rule names the same last rank"),
    Column(
        "slow_time_share",
        FLOAT64,
        "",
        "share of T in calls longer than twice its median; version 1, 2: of L",
    ),
    Column("events_arrival", INT64, "", "slow calls explained by a rank that arrived late"),
    Column("events_host", INT64, "", "slow calls explained by a rank that was ready to run but did not"),
    Column("events_transport", INT64, "", "slow calls that neither explains"),
    Column("blame", STRING, "", "what the worst call is blamed on, in words; empty when it was no outlier"),
    Column("stragglers", STRING, "", "ranks that come last more often than chance allows, joined by commas"),
    Column(
        "worst_calls_json",
        STRING,
        "",
        "JSON list of the ten worst calls by latency, then, since version 3, of the ten longest by T that are not yet "
        "there: every rank's stamps, blame, wall time",
    ),
    Column("hist_bin", INT64S, "", "bins of the latency's histogram: bin b holds (gamma^(b-1), gamma^b] ns"),
    Column("hist_count", INT64S, "", "calls in each of those bins; histograms merge by adding counts"),
    Column("hist_gamma", FLOAT64, "", "ratio of neighbouring bin edges: 1.02 is an error of 1 %"),
    Column("span_s", FLOAT64, "s", "wall time from the first visit to the last: what shorter stalls cannot hide in"),
    Column("is_steady", BOOL, "", "whether the warm-up ended because times had become steady"),
    Column("verified_calls", INT64, "", "timed calls whose result was checked as well"),
    Column("overhead_us", FLOAT64, "us", "what an empty call is measured as: the benchmark's own share"),
    Column("others_share", FLOAT64, "", "share of rank 0's host that other processes used meanwhile; null = unknown"),
    Column("launch_index", INT32, "", "which launch of the run, from 0: processes and connections of its own"),
    Column("shared_gpu", BOOL, "", "whether ranks could share a GPU, over the network: proof of function, no number"),
    Column("algbw_gb_s", FLOAT64, "GB/s", "size over latency_p50_us; null when the timer read 0"),
    Column("busbw_gb_s", FLOAT64, "GB/s", "algbw_gb_s times nccl-tests' bus factor of the collective"),
    Column(
        "algbw_mean_gb_s", FLOAT64, "GB/s", "size over time_mean_us; streaming: over elapsed_mean_us, as nccl-tests"
    ),
    Column("busbw_mean_gb_s", FLOAT64, "GB/s", "algbw_mean_gb_s times the bus factor, as nccl-tests prints it"),
    Column("first_call_us", FLOAT64, "us", "cost of the very first call, connections and all; null when not timed"),
    Column("timer", STRING, "", "clock that the calls were timed with; empty when nothing was timed"),
    Column("timer_resolution_ns", FLOAT64, "ns", "smallest step of that clock; null when nothing was timed"),
    Column("is_simulated", BOOL, "", "whether the times come from a model instead of a machine"),
    Column("hosts_id", STRING, "", "hash of the host of each rank, in rank order; null when unknown"),
    Column("env_id", STRING, "", "hash of runs.environment_json"),
    Column("commbench_version", STRING, "", "commbench that measured the point"),
    Column("commbench_commit", STRING, "", "its git commit; empty = unknown"),
    Column("torch_version", STRING, "", "torch of the hosts; several are joined by ', '"),
    Column("nccl_version", STRING, "", "NCCL library that was loaded; empty = none"),
    Column("driver_version", STRING, "", "GPU driver of the hosts; empty = none"),
    Column("link_rate_gbit_s", FLOAT64, "Gbit/s", "line rate of the fabric's links; null = unknown"),
    Column("algorithm", STRING, "", "algorithm that the library chose; empty = unknown"),
    Column("protocol", STRING, "", "protocol that the library chose; empty = unknown"),
    Column("extra_json", STRING, "", "JSON object of whatever has no column yet"),
    # Since version 2.
    Column(
        "source",
        STRING,
        "",
        "commbench = measured by it (and so is null); else the tool whose output was imported",
    ),
    Column("source_digest", STRING, "", "hash of the imported text; empty = measured by commbench"),
    Column("time_digits", INT16, "", "significant digits that imported times were printed with; null = exact"),
    Column("hosts", STRINGS, "", "hosts that took part, in the order of their first ranks; null = unknown"),
    Column("placement", STRING, "", "which hosts of the allocation took part: first, spread or strided; empty = all"),
    Column("block", INT32, "", "launches of one block were made side by side, one for each fabric; from 0"),
    Column("latency_worst5_mean_us", FLOAT64, "us", "mean of the slowest 5 % of the latencies: the tail as one number"),
    Column(
        "fabric_verdict",
        STRING,
        "",
        "proven, planned, unknown or contradicted: who carried the bytes; null = nobody looked",
    ),
    Column("fabric_reason", STRING, "", "what the verdict rests on, in words"),
    Column("expected_bytes", INT64, "bytes", "least that each host had to send in the timed phase; null = unknown"),
    Column("moved_share", FLOAT64, "", "bytes counted on the fabric over the expected, of the host with the least"),
    Column("fabric_counters_json", STRING, "", "JSON: bytes and errors counted on every port of every host meanwhile"),
    # What an imported tool printed as its result, by its own definition (docs/import.md).
    Column("printed_time_us", FLOAT64, "us", "time that the imported tool printed, as it defines it; null = measured"),
    Column("printed_algbw_gb_s", FLOAT64, "GB/s", "algbw that the imported tool printed; null = none, or measured"),
    Column("printed_busbw_gb_s", FLOAT64, "GB/s", "busbw that the imported tool printed; null = none, or measured"),
    # Of bucketed collectives (docs/kernel.md).
    Column("gradients", STRING, "", "set of gradients that a bucketed collective packs; empty = no such collective"),
    Column("pack_p50_us", FLOAT64, "us", "median of packing, the longest of all ranks; null = not a part of the call"),
    Column("communication_p50_us", FLOAT64, "us", "median of what lies between, from the last rank that has packed"),
    Column("unpack_p50_us", FLOAT64, "us", "median of unpacking, the longest of all ranks"),
    # Since version 3.
    Column(
        "worst_events_json",
        STRING,
        "",
        "JSON list of the largest slow call of each cause (arrival, host, transport): blame in words, cause, rank, "
        "size_us, call from 0, wall time; null = no timed calls, or an older version",
    ),
    Column("steal_share", FLOAT64, "", "share of rank 0's host that the hypervisor took meanwhile; null = unknown"),
    Column(
        "throttled_s", FLOAT64, "s", "how long a CPU quota stopped rank 0's control group meanwhile; null = unknown"
    ),
)

SAMPLES = (
    Column("run_id", STRING, "", "run that measured the point"),
    Column("session", INT32, "", "sitting of the run, from 0"),
    Column("point_id", INT32, "", "place of the point in the run's plan, from 0"),
    Column("attempt", INT16, "", "how often the point had been tried before, from 0"),
    Column("rank", INT32, "", "rank; -1 = the call as a whole, the maximum over ranks of the same call"),
    Column("host", STRING, "", "host of the rank; null for rank -1 and when unknown"),
    Column("time_ns", INT64S, "ns", "duration of each timed call, in the order of the calls; empty above the limit"),
    Column("enter_ns", INT64S, "ns", "entry of each call on rank 0's clock; empty for -1 and above the limit"),
    Column("hist_bin", INT64S, "", "above the limit, 2^20 stamps: bins of time_ns, (1.02^(b-1), 1.02^b] ns"),
    Column("hist_count", INT64S, "", "calls in each of those bins; empty below the limit"),
)

RANKS = (
    Column("schema_version", INT16, "", "version of this table that the row was written with"),
    Column("run_id", STRING, "", "run that measured the point"),
    Column("session", INT32, "", "sitting of the run, from 0"),
    Column("point_id", INT32, "", "place of the point in the run's plan, from 0"),
    Column("attempt", INT16, "", "how often the point had been tried before, from 0"),
    Column("rank", INT32, "", "rank"),
    Column("host", STRING, "", "host of the rank; null = unknown"),
    Column("gpu", STRING, "", "model of the rank's GPU; empty = none"),
    Column("iterations", INT64, "", "timed calls"),
    Column("time_min_us", FLOAT64, "us", "shortest call of this rank, from its own entry to its own exit"),
    Column("time_p50_us", FLOAT64, "us", "median of this rank's own durations, nearest rank"),
    Column("time_p99_us", FLOAT64, "us", "99th percentile of this rank's own durations, nearest rank"),
    Column("time_max_us", FLOAT64, "us", "longest call of this rank"),
    Column("last_share", FLOAT64, "", "share of the calls to which this rank came last, as points.method tells it"),
    Column("wait_mean_us", FLOAT64, "us", "time per call that it was ready to run but did not; 0 = none, or unknown"),
    Column("wait_max_us", FLOAT64, "us", "longest of these waits; 0 = none, or nobody looked"),
    Column("hist_bin", INT64S, "", "bins of its durations: bin b holds (gamma^(b-1), gamma^b] ns"),
    Column("hist_count", INT64S, "", "calls in each of those bins; histograms merge by adding counts"),
    Column("hist_gamma", FLOAT64, "", "ratio of neighbouring bin edges: 1.02 is an error of 1 %"),
)

RUNS = (
    Column("schema_version", INT16, "", "version of this table that the row was written with"),
    Column("run_id", STRING, "", "name of the run"),
    Column("session", INT32, "", "sitting of the run, from 0; a resumed run has several"),
    Column("started_at", TIMESTAMP, "", "when the session began"),
    Column("ended_at", TIMESTAMP, "", "when the session ended"),
    Column("suite", STRING, "", "suite that was run"),
    Column("suite_hash", STRING, "", "hash of the suite's text"),
    Column("suite_toml", STRING, "", "the suite's text"),
    Column("purpose", STRING, "", "why the run was made, such as nightly or adhoc"),
    Column("cluster", STRING, "", "machine or cluster, as the user names it"),
    Column("backend", STRING, "", "what moved the bytes"),
    Column("world_size", INT32, "", "ranks of the run"),
    Column("launcher", STRING, "", "what started the ranks"),
    Column("argv", STRINGS, "", "command line"),
    Column("exit_state", STRING, "", "complete, wrong_result, contradicted, partial, interrupted, failed or killed"),
    Column("reason", STRING, "", "why the session ended early; empty when it did not"),
    Column("points_planned", INT32, "", "points of the whole run"),
    Column("points_final", INT32, "", "points that this session finished: ok, wrong_result or skipped"),
    Column("hosts", STRINGS, "", "hosts of the run"),
    Column("env_id", STRING, "", "hash of environment_json"),
    Column("environment_json", STRING, "", "facts of every host, without secrets: a JSON object with sorted keys"),
    Column("commbench_version", STRING, "", "commbench that measured the run"),
    Column("commbench_commit", STRING, "", "its git commit; empty = unknown"),
    # Since version 2.
    Column(
        "source", STRING, "", "commbench = measured by it (and so is null); else the tool whose output was imported"
    ),
    Column("source_digest", STRING, "", "hash of the imported text; empty = measured by commbench"),
    Column("scheduler", STRING, "", "slurm, pbs, kubernetes ...; empty = none"),
    Column("job_id", STRING, "", "the scheduler's name for the job; empty = none"),
    Column("fabric_verdict", STRING, "", "the worst verdict of the session's points; null = nobody looked"),
    Column("evidence_json", STRING, "", "JSON: what the network library said it used, and the interfaces of each host"),
)

DATASETS = {
    "points": POINTS,
    "samples": SAMPLES,
    "ranks": RANKS,
    "runs": RUNS,
    "incidents": INCIDENTS,
    "kernel": KERNEL,
}
KEYS = {
    "points": ("run_id", "session", "point_id", "attempt"),
    "samples": ("run_id", "session", "point_id", "attempt", "rank"),
    "ranks": ("run_id", "session", "point_id", "attempt", "rank"),
    "runs": ("run_id", "session"),
    "incidents": ("incident_id", "event", "at"),
    "kernel": ("run_id", "case_id"),
}
