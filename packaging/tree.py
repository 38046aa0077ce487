"""The files of a package, as they lie on the machine that it is installed on."""

import gzip
import os
import pathlib
import shutil
import subprocess
import tempfile

import notices

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGING = ROOT / "packaging"
DOCUMENTS = "usr/share/doc/smsfactory"


def version():
    """The version of the workspace."""
    lines = (ROOT / "Cargo.toml").read_text(encoding="utf-8").splitlines()
    return next(line.split('"')[1] for line in lines if line.startswith("version = "))


def git(*arguments):
    """What git answers; nothing outside of a work tree."""
    asked = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return asked.stdout.strip() if asked.returncode == 0 else ""


def built_at():
    """The time that is written into what is built, in seconds: the same source gives the same bytes."""
    given = os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct")
    return int(given or (ROOT / "Cargo.toml").stat().st_mtime)


def put(root, path, content, mode=0o644):
    """Writes a file of the package."""
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content if isinstance(content, bytes) else content.encode())
    place.chmod(mode)


def zipped(content):
    """The same compressed, without a time in it."""
    return gzip.compress(content if isinstance(content, bytes) else content.encode(), mtime=0)


def program(binary, place):
    """A copy of the program without symbols."""
    place.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["strip", "--strip-all", "-o", place, binary], check=True)
    place.chmod(0o755)


def manual(writer, root):
    """The manual pages and the completions, written by the example of the command line."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([writer, directory], check=True)
        made = pathlib.Path(directory)
        for page in sorted((made / "man").iterdir()):
            put(root, f"usr/share/man/man1/{page.name}.gz", zipped(page.read_bytes()))
        for made_as, installed_as in [
            ("bash/smsfactory.bash", "bash-completion/completions/smsfactory"),
            ("zsh/_smsfactory", "zsh/vendor-completions/_smsfactory"),
            ("fish/smsfactory.fish", "fish/vendor_completions.d/smsfactory.fish"),
        ]:
            put(root, f"usr/share/{installed_as}", (made / made_as).read_bytes())


def licenses(root):
    """The license, and the notices of the libraries in the program."""
    put(root, f"{DOCUMENTS}/copyright", (PACKAGING / "debian" / "copyright").read_bytes())
    put(root, f"{DOCUMENTS}/third-party.txt.gz", zipped(notices.text()))


def documents(root):
    """The documentation, the news, and every key of the configuration."""
    for file in sorted(ROOT.glob("docs/**/*.md")):
        put(root, f"{DOCUMENTS}/{file.relative_to(ROOT / 'docs')}", file.read_bytes())
    put(root, f"{DOCUMENTS}/config.default.toml", (ROOT / "config.default.toml").read_bytes())
    put(root, f"{DOCUMENTS}/NEWS.gz", zipped((ROOT / "CHANGELOG.md").read_bytes()))


def lay(root, binary, writer):
    """Puts every file into its place below `root`. `writer` is the example that writes the manual."""
    shutil.rmtree(root, ignore_errors=True)
    program(binary, root / "usr/bin/smsfactory")
    manual(writer, root)
    licenses(root)
    documents(root)
    for file, installed_as in [
        ("systemd/smsfactory.service", "lib/systemd/system/smsfactory.service"),
        ("systemd/sysusers.conf", "usr/lib/sysusers.d/smsfactory.conf"),
        ("systemd/tmpfiles.conf", "usr/lib/tmpfiles.d/smsfactory.conf"),
        ("smsfactory.toml", "etc/smsfactory/smsfactory.toml"),
        ("prometheus/alerts.yml", "usr/share/smsfactory/prometheus/alerts.yml"),
        ("grafana/smsfactory.json", "usr/share/smsfactory/grafana/smsfactory.json"),
    ]:
        put(root, installed_as, (PACKAGING / file).read_bytes())
