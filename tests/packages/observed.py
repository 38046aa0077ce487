"""Prometheus scrapes a server that runs, and evaluates the alerts and every query of the dashboard."""

import json
import pathlib
import re
import socket
import tempfile
import urllib.error
import urllib.parse
import urllib.request

from harness import NUMBER, Process, Server, Smsc, free_port, wait_for

OURS = re.compile(r"\b((?:smsfactory|process)_\w+)")
# The samples that a metric of each type has.
SAMPLES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


def answers(url):
    """Whether a server answers with 200."""
    try:
        return urllib.request.urlopen(url, timeout=5).status == 200
    except OSError:
        return False


def shown(server):
    """The names of the samples that the server shows, or will show."""
    text = urllib.request.urlopen(f"http://127.0.0.1:{server.admin}/metrics", timeout=30).read().decode()
    declared = re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M)
    return {name + end for name, kind in declared for end in SAMPLES[kind]}


def send(server, credentials):
    """A message, a request that is refused, and one that breaks off: some metrics begin with the first of them."""
    with socket.create_connection(("127.0.0.1", server.api)) as broken:
        broken.sendall(b"GET / HT")
    headers = {"authorization": f"Basic {credentials}", "content-type": "application/json"}
    url = f"http://127.0.0.1:{server.api}/api/v1/messaging/message"
    for body in ({"to": "+18005550199", "from": NUMBER, "body": "hello"}, {}):
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        try:
            urllib.request.urlopen(request, timeout=30).close()
        except urllib.error.HTTPError as error:
            error.close()


class Prometheus(Process):
    """A Prometheus that scrapes one server every second."""

    def __init__(self, directory, server, rules):
        self.port = free_port()
        config = pathlib.Path(directory) / "prometheus.yml"
        targets = [f"127.0.0.1:{server.admin}"]
        scrape = {"job_name": "smsfactory", "static_configs": [{"targets": targets}]}
        every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config.write_text(json.dumps({"global": every, "rule_files": [str(rules)], "scrape_configs": [scrape]}))
        super().__init__(
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={directory}/prometheus",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=error",
        )
        wait_for("the start of Prometheus", lambda: answers(f"http://127.0.0.1:{self.port}/-/ready"))

    def ask(self, path, **fields):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(fields)}"
        try:
            return json.load(urllib.request.urlopen(url, timeout=30))["data"]
        except urllib.error.HTTPError as error:
            raise SystemExit(f"Prometheus refuses {fields or path}: {error.read().decode()}") from error

    def rules(self):
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]


def queries(dashboard):
    """Every query of the dashboard, with its variables set to everything."""
    board = json.loads(pathlib.Path(dashboard).read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    asked += [note["expr"] for note in board["annotations"]["list"]]
    labels = [variable["query"]["query"] for variable in board["templating"]["list"] if variable["type"] == "query"]
    asked += [re.fullmatch(r"label_values\((.*), \w+\)", label)[1] for label in labels]
    set_to = {"$__rate_interval": "10s", "$job": ".*", "$instance": ".*", "$carrier": ".*"}
    for name, value in set_to.items():
        asked = [query.replace(name, value) for query in asked]
    assert not [query for query in asked if "$" in query], "a variable has no value"
    return asked


def judge(binary, rules, dashboard):
    """What was found, in a sentence."""
    asked = queries(dashboard)
    with tempfile.TemporaryDirectory() as directory:
        server = Server(binary, directory, Smsc(binary).port)
        server.start()
        server.wait_until_bound()
        send(server, server.account())
        names = shown(server)
        prometheus = Prometheus(directory, server, rules)
        evaluated = wait_for(
            "the evaluation of every rule",
            lambda: [rule for rule in prometheus.rules() if rule["health"] != "unknown"] == prometheus.rules()
            and prometheus.ask("query", query="up == 1")["result"]
            and prometheus.rules(),
        )
        wrong = [f"{rule['name']}: {rule.get('lastError')}" for rule in evaluated if rule["health"] != "ok"]
        assert not wrong, wrong
        firing = [rule["name"] for rule in evaluated if rule["state"] != "inactive"]
        assert not firing, f"alerts on a server that is well: {firing}"
        for query in asked:
            prometheus.ask("query", query=query)
    for query in [*(rule["query"] for rule in evaluated), *asked]:
        missing = set(OURS.findall(query)) - names
        assert not missing, f"no server shows {missing}, which is in {query}"
    return f"{len(evaluated)} alerts and {len(asked)} queries ask for what a server shows"
