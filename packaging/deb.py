"""Makes the Debian package of a built program."""

import datetime
import email.utils
import hashlib
import os
import re
import subprocess
import tempfile
import pathlib

import tree

MAINTAINER = "smsfactory maintainers <maintainers@smsfactory.com>"
SCRIPTS = ("postinst", "prerm", "postrm")


def architecture():
    return subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()


def libraries(binary):
    """The packages with the libraries that the program loads, in the versions that it needs."""
    with tempfile.TemporaryDirectory() as directory:
        control = pathlib.Path(directory) / "debian" / "control"
        control.parent.mkdir()
        control.write_text("Source: smsfactory\n\nPackage: smsfactory\nArchitecture: any\n", encoding="utf-8")
        command = ["dpkg-shlibdeps", "-O", "--ignore-missing-info", f"-e{binary}"]
        found = subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True).stdout
    return re.search(r"^shlibs:Depends=(.+)$", found, re.M)[1]


def changelog(version):
    """Debian's form of it; the news of every release are in NEWS.gz."""
    at = datetime.datetime.fromtimestamp(tree.built_at(), datetime.timezone.utc)
    return (
        f"smsfactory ({version}) unstable; urgency=medium\n\n"
        f"  * Release {version}; NEWS.gz says what is new.\n\n"
        f" -- {MAINTAINER}  {email.utils.format_datetime(at)}\n"
    )


def files(root):
    """The files of the package by their paths, without those that control its installation."""
    found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return sorted(str(path) for path in found if path.parts[0] != "DEBIAN")


def control(root, version):
    """Writes what controls the installation."""
    template = (tree.PACKAGING / "debian" / "control").read_text(encoding="utf-8")
    installed = files(root)
    text = template.format(
        version=version,
        architecture=architecture(),
        maintainer=MAINTAINER,
        installed_size=sum((root / file).stat().st_size + 1023 for file in installed) // 1024,
        libraries=libraries(root / "usr/bin/smsfactory"),
    )
    tree.put(root, "DEBIAN/control", text)
    for script in SCRIPTS:
        tree.put(root, f"DEBIAN/{script}", (tree.PACKAGING / "debian" / script).read_bytes(), 0o755)
    of_operator = [file for file in installed if file.startswith("etc/")]
    tree.put(root, "DEBIAN/conffiles", "".join(f"/{file}\n" for file in of_operator))
    digests = (f"{hashlib.md5((root / file).read_bytes()).hexdigest()}  {file}\n" for file in installed)
    tree.put(root, "DEBIAN/md5sums", "".join(digests))


def build(binary, writer, directory, version=None, compression=()):
    """Makes the package in `directory`, and returns its path."""
    version = version or tree.version()
    os.umask(0o022)
    with tempfile.TemporaryDirectory() as place:
        root = pathlib.Path(place) / "root"
        tree.lay(root, binary, writer)
        root.chmod(0o755)
        tree.put(root, f"{tree.DOCUMENTS}/changelog.gz", tree.zipped(changelog(version)))
        control(root, version)
        made = pathlib.Path(directory) / f"smsfactory_{version}_{architecture()}.deb"
        made.parent.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(tree.built_at())}
        command = ["dpkg-deb", "--root-owner-group", *compression, "--build", root, made]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    return made
