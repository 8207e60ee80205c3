"""What a type checker tells authors: `correct.py` passes, and each line of `mistakes.py` is an error."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def test_pyright_accepts_correct_author_code_and_refuses_each_mistake(tmp_path: Path) -> None:
    for name in ("correct.py", "mistakes.py"):
        shutil.copy(HERE / name, tmp_path)
    config = {"include": ["."], "extraPaths": [str(HERE.parents[1])]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(config))
    command = [
        sys.executable,
        "-m",
        "pyright",
        "--outputjson",
        "--pythonpath",
        sys.executable,
        "--project",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=110)
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == 2, done.stderr
    found = [
        f"{Path(d['file']).name}:{d['range']['start']['line'] + 1}: {d['message']} ({d.get('rule')})"
        for d in report["generalDiagnostics"]
    ]
    assert found == []
