"""Writes src/wheelhouse_sdk/_sync from _async. With ``--check`` it only says, by its exit code, whether that is current."""

import sys
import tempfile
from pathlib import Path

import unasync

package = Path(__file__).parent.parent / "src" / "wheelhouse_sdk"
names = [
    "Agents", "Audit", "Client", "Connection", "Execution", "Gates", "Group", "Investigations", "Iterator", "Paged",
    "Runs", "Socket", "Tasks", "Tickets", "Workflows",
]  # fmt: skip
replacements = {
    **{f"Async{name}": name for name in names},
    "AsyncBaseTransport": "BaseTransport",
    "aclose": "close",
    "async_sleep": "sleep",
    "_async": "_sync",
}


def make(target: Path) -> None:
    sources = sorted((package / "_async").glob("*.py"))
    rule = unasync.Rule(f"{package / '_async'}/", f"{target}/", additional_replacements=replacements)
    unasync.unasync_files([str(path) for path in sources], [rule])


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder))
            kept = {path.name: path.read_text() for path in (package / "_sync").glob("*.py")}
            sys.exit(0 if kept == {path.name: path.read_text() for path in Path(folder).glob("*.py")} else 1)
    make(package / "_sync")
