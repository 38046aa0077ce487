"""Writes an OCI image of a built program: no container engine takes part, and the same input gives the same bytes."""

import datetime
import gzip
import hashlib
import io
import json
import pathlib
import platform
import re
import subprocess
import tarfile
import tempfile

import tree

# No account of a distribution has this number, by convention of images without one.
USER = 65532
# Better takes longer, and saves little.
COMPRESSION = 6
CERTIFICATES = pathlib.Path("/usr/share/ca-certificates/mozilla")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class Layer:
    """A layer of the file system, as a tar whose every byte follows from what is in it."""

    def __init__(self, at):
        self.at, self.entries = at, {}

    def directory(self, path, mode=0o755, owner=0):
        self._add(path, tarfile.DIRTYPE, mode, owner, b"")

    def file(self, path, content, mode=0o644, owner=0):
        self._add(path, tarfile.REGTYPE, mode, owner, content)

    def _add(self, path, kind, mode, owner, content):
        entry = tarfile.TarInfo(path)
        entry.type, entry.mode, entry.mtime = kind, mode, self.at
        entry.uid = entry.gid = owner
        entry.size = len(content)
        for parent in pathlib.PurePosixPath(path).parents:
            if str(parent) != "." and str(parent) not in self.entries:
                self.directory(str(parent))
        self.entries[path] = (entry, content)

    def tar(self):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for _, (entry, content) in sorted(self.entries.items()):
                archive.addfile(entry, io.BytesIO(content))
        return stream.getvalue()


def libraries(binary):
    """The libraries that the program loads, by their paths."""
    listed = subprocess.run(["ldd", binary], check=True, capture_output=True, text=True).stdout
    return sorted(set(re.findall(r"(/\S+) \(0x", listed)))


def system(binary, at):
    """What the program needs of a system: libraries, authorities for TLS, names of accounts, a place for its data."""
    layer = Layer(at)
    for library in libraries(binary):
        layer.file(library.lstrip("/"), pathlib.Path(library).read_bytes(), 0o755)
    for package in ("libc6", "libgcc-s1"):
        notice = pathlib.Path(f"/usr/share/doc/{package}/copyright")
        layer.file(str(notice).lstrip("/"), notice.read_bytes())
    authorities = [file.read_bytes().strip() + b"\n" for file in sorted(CERTIFICATES.glob("*.crt"))]
    layer.file("etc/ssl/certs/ca-certificates.crt", b"".join(authorities))
    home = "/var/lib/smsfactory"
    layer.file("etc/passwd", f"root:x:0:0:root:/:/\nsmsfactory:x:{USER}:{USER}::{home}:/\n".encode())
    layer.file("etc/group", f"root:x:0:\nsmsfactory:x:{USER}:\n".encode())
    layer.file("etc/nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files dns\n")
    layer.directory("tmp", 0o1777)
    layer.directory("var/lib/smsfactory", 0o700, USER)
    return layer


def program(binary, at):
    """The program and its configuration."""
    layer = Layer(at)
    with tempfile.TemporaryDirectory() as directory:
        stripped = pathlib.Path(directory) / "smsfactory"
        tree.program(binary, stripped)
        layer.file("usr/bin/smsfactory", stripped.read_bytes(), 0o755)
    layer.file("etc/smsfactory/smsfactory.toml", (tree.PACKAGING / "image" / "smsfactory.toml").read_bytes())
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        tree.licenses(root)
        for file in (root / tree.DOCUMENTS).iterdir():
            layer.file(str(file.relative_to(root)), file.read_bytes())
    return layer


def configuration(layers, version, commit, at):
    """The image's configuration: how it is started, and what its layers are."""
    created = datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    labels = {
        "org.opencontainers.image.title": "smsfactory",
        "org.opencontainers.image.description": "A self-hosted platform for SMS and MMS",
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.version": version,
    }
    if commit:
        labels["org.opencontainers.image.revision"] = commit
    return {
        "created": created,
        "architecture": ARCHITECTURES[platform.machine()],
        "os": "linux",
        "config": {
            "User": f"{USER}:{USER}",
            "ExposedPorts": {"8080/tcp": {}, "8081/tcp": {}},
            "Env": ["PATH=/usr/bin"],
            "Entrypoint": ["/usr/bin/smsfactory"],
            "Cmd": ["serve", "--config", "/etc/smsfactory/smsfactory.toml"],
            "Volumes": {"/var/lib/smsfactory": {}},
            "WorkingDir": "/var/lib/smsfactory",
            "Labels": labels,
            "StopSignal": "SIGTERM",
        },
        "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]},
        "history": [
            {"created": created, "created_by": "packaging/image.py: libraries and certificates"},
            {"created": created, "created_by": "packaging/image.py: smsfactory"},
        ],
    }


def digest(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Layout:
    """The blobs of an image, each under its digest."""

    def __init__(self):
        self.blobs = {}

    def add(self, content, kind):
        """Keeps a blob, and returns what names it."""
        name = digest(content)
        self.blobs[name] = content
        return {"mediaType": kind, "digest": name, "size": len(content)}

    def add_json(self, value, kind):
        return self.add(json.dumps(value, separators=(",", ":"), sort_keys=True).encode(), kind)


def build(binary, directory, commit=""):
    """Writes the image into an archive in `directory`, and returns its path."""
    at, version = tree.built_at(), tree.version()
    tars = [system(binary, at).tar(), program(binary, at).tar()]
    layout, kind = Layout(), "application/vnd.oci.image"
    layers = [layout.add(gzip.compress(tar, COMPRESSION, mtime=0), f"{kind}.layer.v1.tar+gzip") for tar in tars]
    config = layout.add_json(configuration(tars, version, commit, at), f"{kind}.config.v1+json")
    manifest = layout.add_json(
        {"schemaVersion": 2, "mediaType": f"{kind}.manifest.v1+json", "config": config, "layers": layers},
        f"{kind}.manifest.v1+json",
    )
    named = {**manifest, "annotations": {"org.opencontainers.image.ref.name": version}}
    index = {"schemaVersion": 2, "mediaType": f"{kind}.index.v1+json", "manifests": [named]}
    archive = Layer(at)
    archive.file("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    archive.file("index.json", json.dumps(index, separators=(",", ":"), sort_keys=True).encode())
    for name, content in layout.blobs.items():
        archive.file(f"blobs/{name.replace(':', '/')}", content)
    made = pathlib.Path(directory) / f"smsfactory-{version}.oci.tar"
    made.parent.mkdir(parents=True, exist_ok=True)
    made.write_bytes(archive.tar())
    return made
