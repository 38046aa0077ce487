"""The faults that the alerts are for, as series of a server, and the tests of promtool that follow from them.

Every fault is a calm server with one thing wrong. The tests say that its alert fires, with these labels and this
summary, that it did not fire a minute before its time, and that no other alert fires beside it.
"""

import dataclasses
import json

LABELS = {"job": "smsfactory", "instance": "a"}


def series(metric, **labels):
    """A series, as promtool writes it."""
    labels = {**LABELS, **labels}
    return f"{metric}{{{','.join(f'{name}={json.dumps(value)}' for name, value in sorted(labels.items()))}}}"


def level(value, **labels):
    """A series that stays where it is."""
    return labels, lambda minutes: f"{value}x{minutes}"


def rising(each_minute, **labels):
    """A counter."""
    return labels, lambda minutes: f"0+{each_minute}x{minutes}"


def falling(start, each_minute, **labels):
    return labels, lambda minutes: f"{start}-{each_minute}x{minutes}"


def appears(after, value, **labels):
    """A series that begins after so many minutes."""
    return labels, lambda minutes: f"_x{after} {value}x{max(minutes - after, 0)}"


def rises(after, value, to, **labels):
    """A gauge that is higher after so many minutes."""
    return labels, lambda minutes: f"{value}x{after} {to}x{max(minutes - after, 0)}"


MAIN = {"carrier": "main"}

# A server with traffic, on which the usual small things go wrong.
CALM = [
    ("up", level(1)),
    ("process_start_time_seconds", level(1_000)),
    ("process_open_fds", level(700)),
    ("process_max_fds", level(1_000)),
    ("smsfactory_nodes", level(1)),
    ("smsfactory_node_carriers", level(1)),
    ("smsfactory_build_info", level(1, version="1.0.0", commit="0123456789ab")),
    ("smsfactory_http_requests_total", rising(60, status="201", method="POST", route="/message")),
    ("smsfactory_http_requests_total", rising(9, status="503", method="POST", route="/message")),
    ("smsfactory_http_connections_lost_total", rising(0, door="api", reason="full")),
    ("smsfactory_http_connections_lost_total", rising(600, door="api", reason="slow_head")),
    ("smsfactory_log_lines_left_out_total", rising(5, kind="strangers")),
    ("smsfactory_disk_bytes", level(100e9, holds="store")),
    ("smsfactory_disk_free_bytes", level(20e9, holds="store")),
    ("smsfactory_store_commit_duration_seconds_bucket", rising(990, le="0.005")),
    ("smsfactory_store_commit_duration_seconds_bucket", rising(1_000, le="0.5")),
    ("smsfactory_store_commit_duration_seconds_bucket", rising(1_000, le="+Inf")),
    ("smsfactory_lists_behind_seconds", level(60)),
    ("smsfactory_changes_behind", level(500, consumer="webhooks")),
    ("smsfactory_changes_missed_total", level(3)),
    ("smsfactory_windows_fallback_total", level(3)),
    ("smsfactory_carrier_up", level(1, **MAIN)),
    ("smsfactory_carrier_stopped", level(0, **MAIN)),
    ("smsfactory_carrier_stopped", level(0, carrier="sandbox")),
    ("smsfactory_queue_oldest_age_seconds", level(600, **MAIN)),
    ("smsfactory_launch_overdue_seconds", level(1)),
    ("smsfactory_submit_seconds_bucket", rising(990, le="1.0", **MAIN)),
    ("smsfactory_submit_seconds_bucket", rising(1_000, le="60.0", **MAIN)),
    ("smsfactory_submit_seconds_bucket", rising(1_000, le="+Inf", **MAIN)),
    ("smsfactory_delivery_seconds_bucket", rising(600, le="120.0", **MAIN)),
    ("smsfactory_delivery_seconds_bucket", rising(900, le="300.0", **MAIN)),
    ("smsfactory_delivery_seconds_bucket", rising(1_000, le="+Inf", **MAIN)),
    ("smsfactory_messages_admitted_total", rising(100)),
    ("smsfactory_messages_sent_total", rising(98, **MAIN)),
    ("smsfactory_messages_delivered_total", rising(90, **MAIN)),
    ("smsfactory_messages_undelivered_total", rising(6, **MAIN)),
    ("smsfactory_messages_failed_total", rising(2, **MAIN)),
    ("smsfactory_attempts_unknown_total", level(4)),
    ("smsfactory_carrier_throttled_total", rising(5, **MAIN)),
    ("smsfactory_carrier_receipts_total", rising(100, **MAIN)),
    ("smsfactory_carrier_unmatched_total", rising(10, reason="unknown_id", **MAIN)),
    ("smsfactory_carrier_unmatched_total", level(2, reason="unreadable", **MAIN)),
    ("smsfactory_receipts_dropped_total", rising(10, reason="too_old", **MAIN)),
    ("smsfactory_receipts_dropped_total", level(0, reason="no_room", **MAIN)),
    ("smsfactory_receipts_missing_total", rising(3, **MAIN)),
    ("smsfactory_carrier_connections_refused_total", rising(5, reason="not_allowed", **MAIN)),
    ("smsfactory_carrier_connections_refused_total", level(0, reason="full", **MAIN)),
    ("smsfactory_inbound_not_recorded_total", level(1, **MAIN)),
    ("smsfactory_carrier_put_off_total", level(1, **MAIN)),
    ("smsfactory_inbound_unrouted_total", level(1, **MAIN)),
    ("smsfactory_optout_changes_total", rising(1, source="keyword", change="opted_out")),
    ("smsfactory_automatic_suppressed_total", rising(10, reason="too_soon")),
    ("smsfactory_automatic_suppressed_total", rising(0.1, reason="echo")),
    ("smsfactory_webhook_lag_seconds", level(200)),
    ("smsfactory_webhook_endpoints_disabled", level(2)),
    ("smsfactory_webhook_attempts_total", rising(60, outcome="delivered")),
    ("smsfactory_webhook_attempts_total", rising(40, outcome="timed_out")),
    ("smsfactory_media_lost_total", level(1)),
    ("smsfactory_media_fetched_total", rising(10)),
    ("smsfactory_media_failed_total", rising(5)),
    ("smsfactory_media_crowded_total", level(2)),
    ("smsfactory_screening_blocked_total", rising(2)),
    ("smsfactory_screening_flagged_total", rising(2)),
]


@dataclasses.dataclass
class Fault:
    """What is wrong, and what follows."""

    alert: str
    # The series that stand in place of those of a calm server; none for one that is gone.
    wrong: list
    # The first minute at which the alert fires.
    fires: int
    labels: dict
    summary: str


BY_JOB = {"job": "smsfactory"}
OF_MAIN = {**BY_JOB, **MAIN}
FAULTS = [
    Fault("SmsfactoryDown", [("up", rises(10, 1, 0))], 12, LABELS, "a does not answer"),
    Fault(
        "SmsfactoryRestarts",
        [("process_start_time_seconds", rising(10))],
        3,
        LABELS,
        "a started 3 times within 15 minutes",
    ),
    Fault(
        "SmsfactoryNodeMissing",
        [("up", level(1, instance="b"))],
        2,
        BY_JOB,
        "1 nodes of smsfactory live, and more are scraped",
    ),
    Fault(
        "SmsfactoryCarrierWithoutNode",
        [("smsfactory_node_carriers", rises(10, 1, 0))],
        12,
        BY_JOB,
        "Nodes of smsfactory dispatch to 0 carriers, and more are configured",
    ),
    Fault(
        "SmsfactoryVersionsDiffer",
        [("smsfactory_build_info", level(1, version="1.0.1", commit="ba9876543210", instance="b"))],
        60,
        BY_JOB,
        "2 builds of smsfactory run in smsfactory",
    ),
    Fault(
        "SmsfactoryErrors",
        [("smsfactory_http_requests_total", appears(10, 1, status="500", method="POST", route="/message"))],
        10,
        LABELS,
        "a answered requests with 500",
    ),
    Fault(
        "SmsfactoryConnectionsRefused",
        [("smsfactory_http_connections_lost_total", rising(120, door="api", reason="full"))],
        8,
        {**LABELS, "door": "api"},
        "a has no room for connections at its door api",
    ),
    Fault(
        "SmsfactoryOpenFiles",
        [("process_open_fds", level(900))],
        5,
        LABELS,
        "a uses 90% of the files that it may open",
    ),
    Fault(
        "SmsfactoryLogLinesLeftOut",
        [("smsfactory_log_lines_left_out_total", rising(120, kind="strangers"))],
        23,
        {**LABELS, "kind": "strangers"},
        "a leaves out 2 log lines a second of strangers",
    ),
    Fault(
        "SmsfactoryDiskLow",
        [("smsfactory_disk_free_bytes", level(5e9, holds="store"))],
        5,
        {**LABELS, "holds": "store"},
        "5% of the disk with the store of a are free",
    ),
    Fault(
        "SmsfactoryDiskFilling",
        # 72 GB a day.
        [("smsfactory_disk_free_bytes", falling(50e9, 50e6, holds="store"))],
        61,
        {**LABELS, "holds": "store"},
        "The disk with the store of a is full within a day",
    ),
    Fault(
        "SmsfactoryCommitsSlow",
        [
            ("smsfactory_store_commit_duration_seconds_bucket", rising(900, le="0.5")),
            ("smsfactory_store_commit_duration_seconds_bucket", rising(900, le="0.005")),
            ("smsfactory_store_commit_duration_seconds_bucket", rising(1_000, le="1.0")),
        ],
        11,
        LABELS,
        "One commit in a hundred at a takes 950ms",
    ),
    Fault(
        "SmsfactoryListsBehind",
        [("smsfactory_lists_behind_seconds", level(1_200))],
        60,
        LABELS,
        "The index of lists at a is 20m 0s behind",
    ),
    Fault(
        "SmsfactoryChangesBehind",
        [("smsfactory_changes_behind", level(200_000, consumer="webhooks"))],
        10,
        {**LABELS, "consumer": "webhooks"},
        "webhooks is 200k changes behind at a",
    ),
    Fault(
        "SmsfactoryChangesMissed",
        [("smsfactory_changes_missed_total", rises(10, 3, 13))],
        11,
        LABELS,
        "a stood still, and its counters lack 10 changes",
    ),
    Fault(
        "SmsfactoryValkeyDown",
        [("smsfactory_windows_fallback_total", rising(5))],
        6,
        LABELS,
        "Valkey does not answer a, and PostgreSQL counts rate windows",
    ),
    Fault(
        "SmsfactoryCarrierDown",
        # The node that dispatches to it says so, and another one does not.
        [("smsfactory_carrier_up", level(0, **MAIN)), ("smsfactory_carrier_up", level(1, instance="b", **MAIN))],
        2,
        OF_MAIN,
        "Nothing can leave over main",
    ),
    Fault(
        "SmsfactoryCarrierStopped",
        [("smsfactory_carrier_up", level(0, **MAIN)), ("smsfactory_carrier_stopped", level(1, **MAIN))],
        60,
        OF_MAIN,
        "An operator stopped main more than an hour ago",
    ),
    Fault(
        "SmsfactoryQueueOld",
        [("smsfactory_queue_oldest_age_seconds", level(1_200, **MAIN))],
        5,
        OF_MAIN,
        "A message has waited 20m 0s for main",
    ),
    Fault(
        "SmsfactoryScheduledOverdue",
        [("smsfactory_launch_overdue_seconds", rises(10, 1, 90))],
        13,
        BY_JOB,
        "A scheduled message of smsfactory is 1m 30s overdue",
    ),
    Fault(
        "SmsfactoryQueueWithoutCarrier",
        [("smsfactory_queue_messages_unknown_carrier", level(7, carrier="old"))],
        5,
        {**BY_JOB, "carrier": "old"},
        "7 messages wait for old, which is not configured",
    ),
    Fault(
        "SmsfactorySubmitSlow",
        [
            ("smsfactory_submit_seconds_bucket", rising(900, le="1.0", **MAIN)),
            ("smsfactory_submit_seconds_bucket", rising(900, le="60.0", **MAIN)),
            ("smsfactory_submit_seconds_bucket", rising(1_000, le="162.0", **MAIN)),
        ],
        11,
        OF_MAIN,
        "One message in a hundred takes 2m 31s until main has it",
    ),
    Fault(
        "SmsfactoryDeliverySlow",
        [
            ("smsfactory_delivery_seconds_bucket", rising(0, le="120.0", **MAIN)),
            ("smsfactory_delivery_seconds_bucket", rising(1_000, le="300.0", **MAIN)),
        ],
        31,
        OF_MAIN,
        "Half of the messages over main take 3m 30s to arrive",
    ),
    Fault(
        "SmsfactoryDeliveryLow",
        [
            ("smsfactory_messages_delivered_total", rising(50, **MAIN)),
            ("smsfactory_messages_undelivered_total", rising(48, **MAIN)),
        ],
        17,
        OF_MAIN,
        "50% of the messages over main arrive",
    ),
    Fault(
        "SmsfactoryOutcomesUnknown",
        [("smsfactory_attempts_unknown_total", rises(10, 4, 9))],
        11,
        LABELS,
        "a does not know what became of 5 attempts",
    ),
    Fault(
        "SmsfactoryThrottled",
        [("smsfactory_carrier_throttled_total", rising(10, **MAIN))],
        37,
        OF_MAIN,
        "main asks all the time to be spared",
    ),
    Fault(
        "SmsfactoryReceiptsUnmatched",
        [("smsfactory_carrier_unmatched_total", rising(50, reason="unknown_id", **MAIN))],
        16,
        OF_MAIN,
        "50% of the receipts from main match no message",
    ),
    Fault(
        "SmsfactoryCarrierUnreadable",
        [("smsfactory_carrier_unmatched_total", rises(10, 2, 3, reason="unreadable", **MAIN))],
        11,
        {**OF_MAIN, "reason": "unreadable"},
        "main sends what cannot be used (unreadable)",
    ),
    Fault(
        "SmsfactoryReceiptsDropped",
        [("smsfactory_receipts_dropped_total", rises(10, 0, 5, reason="no_room", **MAIN))],
        11,
        OF_MAIN,
        "More receipts from main match nothing than may wait",
    ),
    Fault(
        "SmsfactoryReceiptsMissing",
        [("smsfactory_receipts_missing_total", rising(49, **MAIN))],
        61,
        OF_MAIN,
        "main does not report on 50% of its messages",
    ),
    Fault(
        "SmsfactoryCarrierConnectionsRefused",
        [("smsfactory_carrier_connections_refused_total", rises(10, 0, 5, reason="full", **MAIN))],
        11,
        OF_MAIN,
        "main opens more connections to us than it may have",
    ),
    Fault(
        "SmsfactoryInboundNotRecorded",
        [("smsfactory_inbound_not_recorded_total", rises(10, 1, 2, **MAIN))],
        11,
        OF_MAIN,
        "Messages of handsets over main could not be stored",
    ),
    Fault(
        "SmsfactoryInboundPutOff",
        [("smsfactory_carrier_put_off_total", rising(5, **MAIN))],
        11,
        OF_MAIN,
        "main brings more than the store takes",
    ),
    Fault(
        "SmsfactoryInboundUnrouted",
        [("smsfactory_inbound_unrouted_total", rises(10, 1, 2, **MAIN))],
        11,
        OF_MAIN,
        "Handsets write over main to numbers that belong to no account",
    ),
    Fault(
        "SmsfactoryOptOutsJump",
        [("smsfactory_optout_changes_total", rising(4.9, source="keyword", change="opted_out"))],
        12,
        BY_JOB,
        "5% of the recipients in smsfactory opt out",
    ),
    Fault(
        "SmsfactoryRepliesSuppressed",
        [("smsfactory_automatic_suppressed_total", rises(10, 0, 100, reason="echo"))],
        11,
        {**BY_JOB, "reason": "echo"},
        "Something answers our automatic messages (echo)",
    ),
    Fault(
        "SmsfactoryWebhooksBehind",
        [("smsfactory_webhook_lag_seconds", level(600))],
        10,
        BY_JOB,
        "An endpoint of smsfactory lacks events of 10m 0s",
    ),
    Fault(
        "SmsfactoryWebhooksDisabled",
        [("smsfactory_webhook_endpoints_disabled", rises(10, 2, 3))],
        11,
        LABELS,
        "a disabled an endpoint that fails",
    ),
    Fault(
        "SmsfactoryWebhooksFail",
        [("smsfactory_webhook_attempts_total", rising(180, outcome="timed_out"))],
        11,
        BY_JOB,
        "75% of the requests to all endpoints fail to connect",
    ),
    Fault(
        "SmsfactoryMediaLost",
        [("smsfactory_media_lost_total", rises(10, 1, 2))],
        11,
        LABELS,
        "Media of accepted messages are gone at a",
    ),
    Fault(
        "SmsfactoryMediaUnreachable",
        [("smsfactory_media_fetched_total", level(500)), ("smsfactory_media_failed_total", rising(20))],
        6,
        LABELS,
        "a reaches no server of media",
    ),
    Fault(
        "SmsfactoryMediaCrowded",
        [("smsfactory_media_crowded_total", rising(1))],
        16,
        LABELS,
        "Servers of media hang, and other fetches at a find no place",
    ),
    Fault(
        "SmsfactoryScreeningBlocks",
        [("smsfactory_screening_blocked_total", rises(10, 0, 1_000))],
        11,
        BY_JOB,
        "The compliance screen blocked 1000 texts within an hour",
    ),
    Fault(
        "SmsfactoryScreeningFlags",
        [("smsfactory_screening_flagged_total", rising(5))],
        65,
        BY_JOB,
        "The compliance screen is unsure of 5% of the texts of a day",
    ),
]


def input_series(wrong, minutes):
    """A calm server's series, with those in place of them that are wrong."""
    made = {}
    for metric, (labels, values) in [*CALM, *wrong]:
        made[series(metric, **labels)] = values(minutes)
    return [{"series": name, "values": values} for name, values in made.items()]


def expected(fault, severity):
    """The alert of a fault as it fires."""
    words = {"summary": fault.summary, "runbook": f"docs/metrics.md#{fault.alert.lower()}"}
    return [{"exp_labels": {**fault.labels, "severity": severity}, "exp_annotations": words}]


def checks(severities, minute, firing=None):
    """At this minute the alert of the fault fires, if there is one, and no other does."""
    return [
        {
            "eval_time": f"{minute}m",
            "alertname": alert,
            "exp_alerts": expected(firing, severity) if firing and alert == firing.alert else [],
        }
        for alert, severity in severities.items()
    ]


def tests(rules, severities):
    """The file of tests for promtool, for the alerts of the file `rules`, each with its severity."""
    groups = [{"interval": "1m", "input_series": input_series([], 180), "alert_rule_test": checks(severities, 180)}]
    for fault in FAULTS:
        found = checks(severities, fault.fires - 1) + checks(severities, fault.fires, fault)
        groups.append(
            {
                "name": fault.alert,
                "interval": "1m",
                "input_series": input_series(fault.wrong, fault.fires + 1),
                "alert_rule_test": found,
            }
        )
    return {"rule_files": [rules], "evaluation_interval": "1m", "tests": groups}
