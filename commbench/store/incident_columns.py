"""The columns of `incidents`: what nightly verdicts found and what people decided, one row for each event.

Rows are only ever added. What an incident is now follows from its events in the order of `at`: `opened`, `seen` again
in a later night, `closed`, and people's `accepted` (the new level is the level), `muted` and `unmuted`. The event
`night` is the verdict on a night as a whole, also when nothing was found: a night without one was not judged.
"""

from commbench.store.column import FLOAT64, INT16, INT32, STRING, STRINGS, TIMESTAMP, Column

INCIDENTS = (
    Column("schema_version", INT16, "", "version of this table that the row was written with"),
    Column("incident_id", STRING, "", "name of the incident, on all of its events; of a night: its own name"),
    Column("event", STRING, "", "night, opened, seen, closed, accepted, muted, unmuted or note"),
    Column("at", TIMESTAMP, "", "when the event was written"),
    Column("author", STRING, "", "who wrote it: a person, or commbench"),
    Column("why", STRING, "", "reason that the author gave; empty = none"),
    Column("until", TIMESTAMP, "", "end of a mute; null = until it is taken back"),
    Column("verdict", STRING, "", "regression, improvement, ok, learning or missing; empty for people's events"),
    Column("cluster", STRING, "", "machine or cluster, as the user names it"),
    Column("scope", STRING, "", "least that explains all members: series, collective, nodes, host, fabric or cluster"),
    Column("scope_json", STRING, "", "JSON object: the columns of points and their values that all members share"),
    Column("metric", STRING, "", "column of points that was judged, such as latency_p50_us"),
    Column("members", INT32, "", "series that became worse together"),
    Column("judged", INT32, "", "series that were judged"),
    Column("missing", INT32, "", "series that were expected and have no point"),
    Column("series_ids", STRINGS, "", "the members, the worst first"),
    Column("since", TIMESTAMP, "", "start of the first bad night"),
    Column("last_good_at", TIMESTAMP, "", "start of the last good night before"),
    Column("effect", FLOAT64, "", "time after over time before, of the median member: 1.1 = a tenth slower"),
    Column("effect_low", FLOAT64, "", "lower end of its 95 % interval, over nights; null = unknown"),
    Column("effect_high", FLOAT64, "", "its upper end"),
    Column("score", FLOAT64, "", "distance of the worst member from its baseline in robust standard deviations"),
    Column("latency_p50_before_us", FLOAT64, "us", "median of the worst member's baseline nights"),
    Column("latency_p50_after_us", FLOAT64, "us", "the same since the first bad night"),
    Column("latency_p99_before_us", FLOAT64, "us", "median of the p99 of the worst member's baseline nights"),
    Column("latency_p99_after_us", FLOAT64, "us", "the same since the first bad night"),
    Column("hosts_suspected", STRINGS, "", "hosts whose presence explains the bad nights, the likeliest first"),
    Column("environment_diff_json", STRING, "", "JSON: facts that differ between the last good and first bad night"),
    Column("runs", STRINGS, "", "runs that the event rests on, the repeated ones too"),
    Column("baseline_runs", STRINGS, "", "runs that it was compared with"),
    Column("rule_json", STRING, "", "JSON: the rule that decided and all of its constants"),
    Column("commbench_version", STRING, "", "commbench that wrote the event"),
    Column("commbench_commit", STRING, "", "its git commit; empty = unknown"),
    Column("extra_json", STRING, "", "JSON object of whatever has no column yet"),
)
