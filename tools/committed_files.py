"""The files that git holds or would hold: what the checks look at."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def committed_files(*patterns: str) -> list[Path]:
    """Returns the tracked files, and the new ones that are not ignored, that match any of git's patterns."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in sorted(set(listed.split("\0")) - {""}) if (ROOT / name).is_file()]
