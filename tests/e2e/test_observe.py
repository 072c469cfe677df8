"""conf/observe: a dashboard for Grafana and rules for Prometheus ask for what a node really says."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from admin import Admin
from cluster import Cluster
from holdfast import ROOT, wait_until

WHERE = os.path.join(ROOT, "conf/observe")
# What Prometheus itself adds, and words of its language.
GIVEN = {"instance", "job", "le"}
WORDS = {"sum", "max", "count", "rate", "increase", "changes", "by", "vector", "histogram_quantile", "or", "up"}


def dashboard():
    with open(os.path.join(WHERE, "grafana.json")) as f:
        return json.load(f)


def rules():
    """(name, expression, annotations) of each alert."""
    with open(os.path.join(WHERE, "alerts.yml")) as f:
        blocks = re.split(r"(?m)^      - alert: ", f.read())[1:]
    found = []
    for block in blocks:
        expr = re.search(r"(?ms)^        expr: (?:>-\n)?(.*?)^        (?:for|labels):", block)[1]
        found.append((block.split("\n")[0], " ".join(expr.split()), block))
    return found


def asked(expr):
    """{metric: labels that its selector and what stands around it name}"""
    bare = re.sub(r'"[^"]*"', '""', expr)
    metrics = {}
    for name, selector in re.findall(r"\b([a-z_]{6,})(?:\{([^}]*)\})?", re.sub(r"\bby \([^)]*\)", "", bare)):
        if name not in WORDS and (name.startswith(("holdfast_", "process_"))):
            metrics.setdefault(name, set()).update(re.findall(r"(\w+)\s*[=!]~?", selector or ""))
    grouped = {label for group in re.findall(r"\bby \(([^)]*)\)", bare) for label in re.split(r",\s*", group)}
    return metrics, grouped


def said():
    """{metric: its labels} of a node of a cluster that has served."""
    c = Cluster("abc", voters="abc")
    c.wait_master()
    node = c.nodes["a"]
    assert node.once().status == 200
    wait_until(lambda: "holdfast_cluster_node_round_trip_seconds{" in Admin(node).get("/metrics").body.decode(),
               "round trips are known")
    metrics = {}
    for line in Admin(node).get("/metrics").body.decode().splitlines():
        if not line.startswith("#"):
            name, labels = re.match(r"([\w:]+)(?:\{(.*)\})? ", line).groups()
            metrics.setdefault(name, set()).update(re.findall(r'(\w+)="', labels or ""))
    return metrics


def test_every_metric_and_label_that_is_asked_for_is_there():
    metrics = said()
    exprs = [t["expr"] for p in dashboard()["panels"] for t in p["targets"]]
    exprs += [a["expr"] for a in dashboard()["annotations"]["list"]] + [expr for _, expr, _ in rules()]
    assert len(exprs) > 30
    for expr in exprs:
        wanted, grouped = asked(expr)
        assert wanted or "up{" in expr, expr
        for name, labels in wanted.items():
            assert name in metrics, f"{name} in {expr}"
            assert labels <= metrics[name] | GIVEN, f"{name} has no {labels - metrics[name]}: {expr}"
        known = set().union(*(metrics[name] for name in wanted)) if wanted else set()
        assert grouped <= known | GIVEN, f"{grouped - known}: {expr}"


def test_legends_and_annotations_use_labels_that_are_left():
    for name, expr, block in rules():
        wanted, grouped = asked(expr)
        assert re.search(r"summary: ", block), name
        for label in re.findall(r"\{\{ \$labels\.(\w+) \}\}", block):
            assert not grouped or label in grouped, f"{name}: {label} is summed away"
    for panel in dashboard()["panels"]:
        for t in panel["targets"]:
            _, grouped = asked(t["expr"])
            for label in re.findall(r"\{\{(\w+)\}\}", t["legendFormat"]):
                assert not grouped or label in grouped, f"{panel['title']}: {label}"


def test_values_of_labels_are_words_of_the_tables():
    def words(table, macro):
        with open(os.path.join(ROOT, "include/tbl", table)) as f:
            return set(re.findall(rf'^{macro}\(\w+, "(\w+)"', f.read(), re.M))
    causes = words("causes.h", "CAUSE")
    text = json.dumps(dashboard()) + json.dumps([expr for _, expr, _ in rules()])
    for value in re.findall(r'cause[=!]~?\\+"([\w|]+)', text):
        assert set(value.split("|")) <= causes, value
    assert set(re.findall(r'affinity=\\+"(\w+)', text)) <= {"new", "hit", "failover", "failback", "pass", "spill", "none"}


if __name__ == "__main__":
    holdfast.main()
