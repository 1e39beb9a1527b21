"""What a module does when it is imported happens in a child of ``autolab check``, forked or not, and is survived."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

LAB = "name: odd\nlaboratory: Example\npackages: [{0}]\ndevices:\n  it: {{class: {0}.It}}\nenvelope: {{}}\n"
MODULES = {
    "dies": "import os, sys\nprint('half an answer', flush=True)\nprint('no such board', file=sys.stderr, flush=True)\n"
    "os._exit(3)\n",
    "hangs": "import threading\nthreading.Event().wait()\n",
    "marks": "import sys, pathlib\npathlib.Path(__file__).with_name('mark').touch()\nprint('{\"problems\": []}')\n"
    "from ophyd import Signal as It\n",
}
CHECKING = """
import json, sys, threading
from pathlib import Path
from autolab.compose import checking
from autolab.core.errors import InputError
from autolab.screen.process import is_forkable

if sys.argv[2] == "spawned":
    threading.Thread(target=threading.Event().wait, daemon=True).start()
found = {"is forked": is_forkable()}
for name in sys.argv[3:]:
    checking.CHILD_REAL_S = 1.0 if name == "hangs" else 60.0
    try:
        found[name] = checking.check_files([Path(sys.argv[1], name + ".yaml")]).notes
    except InputError as error:
        found[name] = str(error)
found["imported here"] = sorted({"dies", "hangs", "marks"} & set(sys.modules))
print(json.dumps(found))
"""


@pytest.mark.parametrize("how", ["forked", "spawned"])
def test_a_module_that_dies_hangs_or_prints_on_import_does_so_in_a_child_of_the_check(how: str, tmp_path: Path):
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
        (tmp_path / f"{name}.yaml").write_text(LAB.format(name))
    command = [sys.executable, "-c", CHECKING, str(tmp_path), how, *MODULES]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found = json.loads(done.stdout)  # and nothing that a module prints
    assert found.pop("is forked") is (how == "forked")
    assert found.pop("imported here") == []
    assert found["dies"] == f"{tmp_path / 'dies.yaml'}: resolving its names ended without an answer: no such board"
    assert found["hangs"].endswith("resolving its names took more than 1 s: a module hangs on import")
    assert found["marks"][-1] == "odd: nothing takes the power of its devices away: it declares no 'power'"
    assert (tmp_path / "mark").exists()
    assert done.stderr == ""
