"""gunicorn's worker class for uvicorn on the loop under test, as docs/using.md has it."""

import os

from subject import SUBJECTS
from uvicorn_worker import UvicornWorker


class Worker(UvicornWorker):
    """uvicorn's worker with a loop of our choice."""

    CONFIG_KWARGS = {"loop": SUBJECTS[os.environ["ECOSYSTEM_LOOP"]].factory_name, "http": "auto"}  # noqa: RUF012
