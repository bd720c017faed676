"""Reading the settings: one TOML file and environment variables, once at the start, into one frozen object.

An environment variable is OMNILOKET_ and the setting's name, a double underscore between the parts of it:
OMNILOKET_SOURCES__PERSONS__URL. It wins over the file. A relative path is relative to the settings file's directory
where it comes from there, and to the working directory where it comes from a variable.
"""

from pathlib import Path
from typing import Any, cast, get_args

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource
from pydantic_settings import SettingsError as NotJson

from omniloket import database_urls, variables
from omniloket.explaining import explained
from omniloket.setting_types import LOOPBACK
from omniloket.settings import Settings, SettingsError, SourceSettings, part_in

_PLAIN_OF_SOURCES = frozenset(SourceSettings.model_fields.keys() - {"url"})


def read(path: Path | None = None, **given: Any) -> Settings:
    """The settings of a TOML file and the environment; `given` wins over both. Raises SettingsError."""
    unknown = [*variables.unknown(Settings)]
    if unknown:
        raise SettingsError("\n".join(unknown))
    if path is not None and not path.is_file():
        raise SettingsError(f"There is no settings file {path}.")

    class FromFile(_Read):
        model_config = SettingsConfigDict(toml_file=path)

    try:
        settings = FromFile(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise SettingsError(explained(error, variables.given(), _PLAIN_OF_SOURCES)) from None
    except NotJson:
        raise SettingsError("\n".join(variables.not_json(Settings))) from None
    except ValueError as error:
        raise SettingsError(f"The settings file {path} is not TOML: {error}") from None
    _check_together(settings)
    return settings


class _Read(Settings):
    """Settings from where they are read."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _File(settings_cls)


class _File(TomlConfigSettingsSource):
    """A settings file, in which paths are relative to its directory. A link is where it stands, not where it leads."""

    def _read_file(self, file_path: Any) -> dict[str, Any]:
        return _anchored(Settings, super()._read_file(file_path), Path(file_path).absolute().parent)


def _anchored(part: type[BaseModel], given: dict[str, Any], directory: Path) -> dict[str, Any]:
    """What a file holds of a part, its relative paths made absolute. What it should not hold stays as it is."""
    fields = part.model_fields
    return {
        name: _anchored_value(fields[name].annotation, value, directory) if name in fields else value
        for name, value in given.items()
    }


def _anchored_value(kind: object, given: Any, directory: Path) -> Any:
    inner = part_in(kind)
    if isinstance(given, list):
        return [_anchored_value(inner, each, directory) for each in cast("list[Any]", given)]
    if inner is not None and isinstance(given, dict):
        return _anchored(inner, cast("dict[str, Any]", given), directory)
    if isinstance(given, str):
        is_path = Path in (kind, *get_args(kind))
        return str(directory / given) if is_path else database_urls.anchored(given, directory)
    return given


def _check_together(settings: Settings) -> None:
    """What no single setting shows."""
    if settings.sealing.current not in settings.sealing.keys:
        raise SettingsError(
            f"sealing.current: must be the id of one of sealing.keys ({sorted(settings.sealing.keys)}); "
            f"but got: {settings.sealing.current}"
        )
    if settings.page_size > settings.max_page_size:
        raise SettingsError(
            f"page_size: must be at most max_page_size ({settings.max_page_size}); but got: {settings.page_size}"
        )
    if settings.development_key_file is not None and settings.host not in LOOPBACK:
        raise SettingsError(
            f"host: must be a loopback address while development_key_file is set; but got: {settings.host!r}"
        )
    if settings.trusted.only and settings.trusted.automatic:
        raise SettingsError(
            f"trusted.automatic: must be 0 while trusted.only is set; but got: {settings.trusted.automatic}"
        )
    named = [each.issuer for each in settings.issuers]
    if len(set(named)) < len(named):
        raise SettingsError(f"issuers: each issuer stands there once; but got: {named}")
