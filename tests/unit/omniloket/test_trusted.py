"""When a manifest counts as changed."""

from pathlib import Path

from omniloket.settings import ManifestSettings, TrustedSettings
from omniloket.trusted import stamps


def test_a_manifest_that_could_not_be_read_counts_as_changed_once_it_can_be(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_text("{}")
    file.chmod(0o000)
    settings = TrustedSettings(manifests=(ManifestSettings(client="app", file=file),))
    before = stamps(settings)
    assert stamps(settings) == before
    file.chmod(0o600)
    assert stamps(settings) != before
