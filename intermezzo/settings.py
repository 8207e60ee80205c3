"""What an operator may set, read from the environment once per process."""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings with the prefix `INTERMEZZO_`; every one has a working default."""

    model_config = SettingsConfigDict(
        env_prefix="INTERMEZZO_", frozen=True, extra="ignore", use_attribute_docstrings=True
    )

    home: Path = Path("~/.intermezzo")
    """Folder of every file of the embedded default: the store, the Prefect server's database, logs."""

    database_url: str = ""
    """The store: `sqlite+aiosqlite:///PATH` or `postgresql+asyncpg://…`. Empty: a SQLite file in `home`."""

    org: str = Field(default="default", pattern=r"^[A-Za-z0-9._-]{1,64}$")
    """Organisation that pays for runs which no API key started."""

    test_mode: bool = False
    """Runs spend test credits and their human tasks are answered by simulated workers, never by people."""

    step_modules: str = ""
    """Modules whose step types pipeline documents may use beside the built-in ones: `my_steps,other.steps`."""

    hot_wait_seconds: float = Field(default=5.0, ge=0)
    """How long a run with nothing to do but wait for people stays in memory before it suspends.
    A few seconds catch the quick worker; longer only holds memory."""

    lease_seconds: float = Field(default=30.0, gt=0)
    """How long an attempt owns its run without a sign of life. Shorter recovers sooner from a killed process,
    but a process that stalls longer than this loses its run to the next attempt."""

    reconcile_seconds: float = Field(default=5.0, gt=0)
    """Pause between two sweeps for lost wake-ups, dead attempts and lapsed claims."""

    poll_seconds: float = Field(default=5.0, gt=0)
    """Pause between two polls of Prefect for new runs. Own events cut it short, so it need not be small;
    polling 20 times a second locked Prefect's SQLite."""

    work_pool: str = Field(default="intermezzo", pattern=r"^[A-Za-z0-9._-]{1,64}$")
    """Prefect work pool of the warm workers. Two stores behind one Prefect server need one each."""

    max_recoveries: int = Field(default=20, ge=0)
    """How often a run that died with its process is started again before it is left as crashed."""

    map_chunk_size: int = Field(default=1000, ge=1)
    """Calls of a `.map` that share one Prefect task run; Prefect records about 43 task runs a second."""

    map_concurrency: int = Field(default=64, ge=1)
    """Calls of one `.map` of a primitive that work at the same time."""

    task_runs_per_second: float = Field(default=2.0, ge=0)
    """Single calls of one run that get a Prefect task run of their own, after a burst of 20; the rest are
    counted in the run's table of steps. Protects the Prefect server from tight loops."""

    max_assignments: int = Field(default=20, ge=1)
    """Most workers one human task may ask for (spec: CS-09, K1)."""

    sandbox_minimum: Literal["L1", "L2", "L3"] | None = None
    """Weakest sandbox that untrusted code may run in; anything less is refused. Empty: L2 on Linux, L1 where there is
    nothing better. L1 limits a program, but does not keep it from the machine's files and network."""

    sandbox_environment: Path | None = None
    """A virtual environment whose packages programs of `code_execute` may import, such as numpy."""

    allow_loopback: bool = False
    """Steps and webhooks may connect to this machine's own addresses (127.0.0.0/8, ::1), on any port. For
    development and tests only: whoever writes an input then reaches everything that listens there."""

    server_port: int = Field(default=8470, ge=0, le=65535)
    """Port of the HTTP API of `intermezzo serve`; 0: a free one, which it tells."""

    requests_per_minute: float = Field(default=6000, gt=0)
    """HTTP requests that one key may make in a minute on average, of each server process."""

    requests_at_once: int = Field(default=500, ge=1)
    """HTTP requests that one key may make in a burst."""

    max_request_bytes: int = Field(default=10_000_000, ge=1_000)
    """Largest body of a request; a batch of 1,000 usual tasks has 1 MB."""

    cors_origins: tuple[str, ...] = ()
    """Web pages of these origins may call the API, as JSON: `["https://app.example.com"]`. None unless said."""

    prefect_port: int = Field(default=4200, ge=1, le=65535)
    """Port of the embedded Prefect server and its UI."""

    @property
    def home_path(self) -> Path:
        """`home` as an absolute path."""
        return self.home.expanduser().absolute()

    @property
    def store_url(self) -> str:
        """`database_url`, or the embedded default."""
        return self.database_url or f"sqlite+aiosqlite:///{self.home_path / 'intermezzo.db'}"


@cache
def settings() -> Settings:
    """The process's settings; `settings.cache_clear()` reads the environment again."""
    return Settings()
