"""The modules under specs/, and the folders in which they are checked."""

import pathlib
import re
import shutil

SPECS = pathlib.Path(__file__).resolve().parent.parent
_NEEDED = re.compile(r"^\s*EXTENDS\s+(.+)$|\bINSTANCE\s+(\w+)", re.M)


def names(specs=SPECS):
    """Every module: a folder with a TLA+ file of its name."""
    return sorted(folder.name for folder in specs.iterdir() if (folder / f"{title(folder.name)}.tla").exists())


def title(module):
    """`countdown` is specified in `Countdown.tla`."""
    return "".join(part.capitalize() for part in module.split("_"))


def model_root(module, specs=SPECS):
    """The TLA+ module that the models run: with operators for their constants, if there is one."""
    return f"MC{title(module)}" if (specs / module / f"MC{title(module)}.tla").exists() else title(module)


def stage(module, folder, width, extra=None, specs=SPECS):
    """Copies what is needed to check a module into an empty folder: its files, the modules it needs from others', and the
    `Time` of the given width. `extra` maps file names to texts that replace or add to these."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for file in (specs / module).iterdir():
        if file.suffix in (".tla", ".cfg"):
            shutil.copy(file, folder / file.name)
    shutil.copy(SPECS / "lib" / width / "Time.tla", folder / "Time.tla")
    for name, text in (extra or {}).items():
        (folder / name).write_text(text, encoding="utf-8")
    missing = True
    while missing:
        missing = [path for name in _needed(folder) if not (folder / f"{name}.tla").exists() for path in specs.glob(f"*/{name}.tla")]
        for path in missing:
            shutil.copy(path, folder / path.name)
    return folder


def _needed(folder):
    for file in folder.glob("*.tla"):
        for extends, instance in _NEEDED.findall(file.read_text(encoding="utf-8")):
            yield from (name.strip() for name in (extends or instance).split(","))
