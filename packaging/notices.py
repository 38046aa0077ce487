"""The names and licenses of the libraries that the program contains, with the notices that their licenses want."""

import json
import pathlib
import platform
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAMES = ("LICENSE", "LICENCE", "COPYING", "NOTICE", "COPYRIGHT", "UNLICENSE")


def metadata():
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    command += ["--filter-platform", f"{platform.machine()}-unknown-linux-gnu"]
    asked = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(asked.stdout)


def contained(graph):
    """The packages that become part of the program: what the gateway needs, and what that needs."""
    nodes = {node["id"]: node for node in graph["resolve"]["nodes"]}
    packages = {package["id"]: package for package in graph["packages"]}

    def is_macro(package):
        """A macro runs in the compiler, and is not in the program."""
        return any("proc-macro" in target["kind"] for target in packages[package]["targets"])

    waiting = [package["id"] for package in graph["packages"] if package["name"] == "gateway"]
    found = set()
    while waiting:
        package = waiting.pop()
        if package in found:
            continue
        found.add(package)
        for dependency in nodes[package]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]) and not is_macro(dependency["pkg"]):
                waiting.append(dependency["pkg"])
    of_others = [packages[package] for package in found if packages[package]["source"]]
    return sorted(of_others, key=lambda package: (package["name"], package["version"]))


def text():
    """All of it as one text. Notices that several packages share stand in it once."""
    lines, notices = [], {}
    for package in contained(metadata()):
        name = f"{package['name']} {package['version']}"
        lines.append(f"{name}: {package['license'] or 'see below'}")
        directory = pathlib.Path(package["manifest_path"]).parent
        for file in sorted(directory.iterdir()):
            if file.is_file() and file.name.upper().startswith(NAMES):
                notice = file.read_text(encoding="utf-8", errors="replace").strip()
                notices.setdefault(notice, []).append(name)
    parts = ["The program contains these libraries.", "\n".join(lines)]
    for notice, names in notices.items():
        parts.append(f"{'=' * 80}\n{', '.join(names)}\n\n{notice}")
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    print(text(), end="")
