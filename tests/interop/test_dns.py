"""A name server that lies, and a machine that would help it: search domains, proxies, answers that change. Who is
connected to is counted.

`dns_world.py` is that world: a network and an /etc/resolv.conf of its own. Where the kernel does not let us make one,
these tests are skipped, and say so.
"""

import json
import os
import subprocess
import sys
import unittest

from support import BINARY, ROOT, Case

HERE = os.path.dirname(os.path.abspath(__file__))
NAMESPACES = ["unshare", "--net", "--mount"]


def fetcher():
    """The program of `crates/fetch/examples/fetch.rs`, which `cargo test` has built beside the binary."""
    path = os.path.join(os.path.dirname(BINARY), "examples", "fetch")
    if not os.path.exists(path):
        target = os.path.dirname(os.path.dirname(BINARY))
        subprocess.run(
            ["cargo", "build", "--quiet", "-p", "fetch", "--example", "fetch", "--target-dir", target],
            cwd=ROOT,
            check=True,
        )
    return path


def why_not():
    """Why no world can be made here; nothing if it can."""
    try:
        made = subprocess.run([*NAMESPACES, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unshare is not installed"
    return made.stderr.strip()


class LyingNames(Case):
    @classmethod
    def setUpClass(cls):
        if reason := why_not():
            raise unittest.SkipTest(
                f"no network namespace can be made here, so the system's resolver is not tested: {reason}"
            )
        command = [*NAMESPACES, sys.executable, os.path.join(HERE, "dns_world.py"), BINARY, fetcher()]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        if ended.returncode:
            raise AssertionError(ended.stderr)
        cls.seen = json.loads(ended.stdout)

    def told(self, scenario):
        return self.seen[scenario]["told"]

    def test_a_public_name_is_allowed_and_a_mixed_one_is_not(self):
        self.assertEqual(self.told("public"), "allowed")
        self.assertEqual(self.told("mixed"), "refused: 10.0.0.1 is not public: private use (RFC 1918)")
        self.assertIn("::1 is not public", self.told("mixed6"))
        self.assertIn("10.0.0.7 is not public", self.told("alias"))

    def test_no_search_domain_makes_one_of_our_names_of_it(self):
        for scenario in ["searched", "searched-label"]:
            self.assertIn("refused", self.told(scenario))
        self.assertEqual(
            [name for scenario in self.seen.values() for name in scenario["asked"] if name.endswith("corp.example")], []
        )
        self.assertEqual(self.seen["searched"]["asked"], ["wiki.intranet."])
        self.assertEqual(self.seen["searched-label"]["asked"], [])

    def test_the_hosts_file_gives_no_addresses(self):
        self.assertEqual(self.told("hosts"), "image/png 538")

    def test_the_judged_answer_is_connected_to_whatever_the_next_one_is(self):
        seen = self.seen["rebinding"]
        self.assertEqual((seen["told"], seen["allowed"], seen["forbidden"]), ("image/png 538", 1, 0))
        self.assertEqual(seen["asked"], ["rebinding.example.com."], "one question of each kind")

    def test_a_redirect_to_the_same_name_is_judged_by_its_next_answer(self):
        seen = self.seen["rebinding-redirect"]
        self.assertEqual((seen["told"][:5], seen["allowed"], seen["forbidden"]), ("33018", 1, 0))

    def test_a_name_that_does_not_exist_or_is_not_answered_is_a_failure(self):
        for scenario in ["unknown", "silent"]:
            seen = self.seen[scenario]
            self.assertEqual((seen["told"][:5], seen["allowed"], seen["forbidden"]), ("33017", 0, 0), scenario)
        # A silent name server may use all of `media.timeout_seconds`, which is 10, and no more.
        self.assertLess(self.seen["silent"]["seconds"], 15)

    def test_no_proxy_of_the_environment_and_no_forbidden_address_is_ever_connected_to(self):
        self.assertEqual(
            {scenario: (seen["forbidden"], seen["proxy"]) for scenario, seen in self.seen.items()},
            dict.fromkeys(self.seen, (0, 0)),
        )


if __name__ == "__main__":
    unittest.main()
