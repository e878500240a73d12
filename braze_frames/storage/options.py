"""``storage_options`` of a store: sorted, checked, and shown nowhere."""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from braze_frames.api.endpoints import LOOPBACK
from braze_frames.core.arguments import nearest
from braze_frames.errors import ConfigError

# The names of obstore 0.12 (its types S3Config, GCSConfig, AzureConfig, ClientConfig),
# each also with its store's prefix.
_NAMES = {
    "s3": (
        "aws_",
        "access_key_id bucket checksum_algorithm conditional_put "
        "container_credentials_relative_uri container_credentials_full_uri "
        "container_authorization_token_file copy_if_not_exists default_region "
        "disable_tagging disable_bulk_delete endpoint endpoint_url endpoint_url_s3 "
        "metadata_endpoint region request_payer role_arn role_session_name "
        "secret_access_key server_side_encryption session_token skip_signature "
        "sse_bucket_key_enabled sse_kms_key_id sts_endpoint unsigned_payload "
        "virtual_hosted_style_request web_identity_token_file",
    ),
    "gs": (
        "google_",
        "service_account service_account_key base_url bearer_token bucket "
        "application_credentials skip_signature",
    ),
    "az": (
        "azure_",
        "account_name account_key client_id client_secret credential_type tenant_id "
        "authority_host sas_key token use_emulator use_fabric_endpoint encryption_key "
        "endpoint msi_endpoint object_id msi_resource_id federated_token_file "
        "use_azure_cli skip_signature container_name disable_tagging "
        "fabric_token_service_url fabric_workload_host fabric_session_token "
        "fabric_cluster_identifier",
    ),
}
SCHEMES = tuple(_NAMES)
"""The addresses that name a store: ``s3://``, ``gs://``, ``az://``."""

_CLIENT = (
    "allow_http allow_invalid_certificates connect_timeout default_content_type "
    "default_headers http1_only http2_keep_alive_interval http2_keep_alive_timeout "
    "http2_keep_alive_while_idle http2_only pool_idle_timeout pool_max_idle_per_host "
    "proxy_url proxy_ca_certificate proxy_excludes root_certificate "
    "randomize_addresses read_timeout timeout user_agent"
)
"""Options of the HTTP client, which obstore takes apart from those of the store."""

# Where a store is asked; those of the machine's own metadata are http by nature.
_ADDRESSES = ("endpoint_url_s3", "endpoint_url", "endpoint", "base_url")
# What tells nobody who may come in: all that a pickle takes along.
_OPEN = {*_CLIENT.split()} - {"default_headers", "proxy_url"} | {
    *_ADDRESSES,
    "account_name",
    "bucket",
    "container_name",
    "default_region",
    "region",
    "skip_signature",
    "use_emulator",
    "virtual_hosted_style_request",
}


class SortedOptions(NamedTuple):
    """What obstore takes, in its two parts."""

    config: dict[str, str]
    client: dict[str, Any]


class StorageOptions:
    """Options of a store that show themselves nowhere.

    Examples
    --------
    >>> StorageOptions({"aws_secret_access_key": "made-up", "region": "eu-west-1"})
    StorageOptions(aws_secret_access_key, region)
    """

    __slots__ = ("_given",)

    def __init__(self, given: "Mapping[str, Any] | StorageOptions | None") -> None:
        if given is not None and not isinstance(given, Mapping | StorageOptions):
            kind = type(given).__name__
            raise TypeError(f"storage_options= is a mapping, and no {kind}")
        self._given = given.reveal() if isinstance(given, StorageOptions) else given

    def __bool__(self) -> bool:
        return bool(self._given)

    def __repr__(self) -> str:
        return f"StorageOptions({', '.join(map(str, self._given or ()))})"

    def __reduce__(self) -> tuple[type["StorageOptions"], tuple[dict[str, Any]]]:
        kept = {k: v for k, v in self.reveal().items() if _bare(k) in _OPEN}
        return StorageOptions, (kept,)

    def reveal(self) -> dict[str, Any]:
        """Return the options, for the store."""
        return {**(self._given or {})}

    def sorted_for(self, scheme: str) -> SortedOptions:
        """Return what obstore takes for a store.

        Raises
        ------
        ConfigError
            An address would be asked in the open, though not on this machine.
        TypeError
            A name or value is of a kind that is not taken.
        """
        config, client = dict[str, str](), dict[str, Any]()
        for name, value in self.reveal().items():
            if not isinstance(name, str):
                kind = type(name).__name__
                raise TypeError(f"storage_options: a name is a text, and no {kind}")
            if value is not None and _bare(name) in _CLIENT.split():
                client[_bare(name)] = _client_value(name, value)
            elif value is not None:
                config[name] = _text(name, value)
        # Given always, so that nothing in the environment opens it.
        client["allow_http"] = _is_on_loopback(config, _NAMES[scheme][0])
        return SortedOptions(config, client)


def refuse_unknown(name: str, scheme: str) -> ConfigError:
    """Return the error about a name that the store does not have."""
    prefix, names = _NAMES[scheme]
    known = {*_CLIENT.split(), *names.split(), *(prefix + one for one in names.split())}
    return ConfigError(
        f"storage_options: {scheme}:// has no option {name!r} "
        f"({nearest(name.lower(), known)}); names are those of obstore"
    )


def _bare(name: object) -> str:
    text = str(name).lower()
    for prefix, _ in _NAMES.values():
        text = text.removeprefix(prefix)
    return text


def _client_value(name: str, value: Any) -> Any:
    """Return an option of the client; durations may be numbers of seconds."""
    if isinstance(value, bool | bytes | Mapping | timedelta):
        return value
    if "timeout" in name and isinstance(value, int | float):
        return timedelta(seconds=value)
    return _text(name, value)


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int):
        kind = type(value).__name__
        raise TypeError(f"storage_options: {name!r} is a text, and no {kind}")
    return str(value)


def _is_on_loopback(config: Mapping[str, str], prefix: str) -> bool:
    """Tell whether a store is asked over plain HTTP, on this machine.

    Raises
    ------
    ConfigError
        It is asked so, but not on this machine.
    """
    given = {_bare(name): value for name, value in config.items()}
    environment = {name: os.environ.get((prefix + name).upper()) for name in _ADDRESSES}
    addresses = [given.get(one) or environment[one] or "" for one in _ADDRESSES]
    plain = [urlsplit(one) for one in addresses if one.lower().startswith("http://")]
    if any(one.hostname not in LOOPBACK for one in plain):
        raise ConfigError(
            "that endpoint would send the credentials in the open; use https:// "
            "(http:// is for this machine alone)"
        )
    return bool(plain)
