"""``storage_options`` of a store: sorted, checked, and shown nowhere."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from numbers import Real
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
import pandas as pd

from braze_frames.api.endpoints import LOOPBACK
from braze_frames.core.arguments import nearest
from braze_frames.errors import ConfigError

# The names of obstore 0.12 (its types S3Config, GCSConfig, AzureConfig, ClientConfig),
# each also with its store's prefix. obstore takes others, too: these are for hints.
_NAMES = {
    "s3": (
        "aws_",
        "access_key_id bucket checksum_algorithm conditional_put "
        "container_credentials_relative_uri container_credentials_full_uri "
        "container_authorization_token_file copy_if_not_exists default_region "
        "disable_tagging disable_bulk_delete endpoint endpoint_url "
        "metadata_endpoint region request_payer role_arn role_session_name "
        "secret_access_key server_side_encryption session_token skip_signature "
        "sse_bucket_key_enabled sse_kms_key_id unsigned_payload "
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

_DURATIONS = {n for n in _CLIENT.split() if n.endswith(("timeout", "interval"))}
# As obstore reads it: "1m 30s".
_SPELT = re.compile(r"(\s*\d+\s*[a-zA-Z]+)+\s*")
# More than anybody waits, and less than what a clock or a timedelta overflows at.
_YEAR = 366 * 24 * 60 * 60

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

    Nothing is refused but by ``check``, whose frame holds no value.

    Examples
    --------
    >>> StorageOptions({"aws_secret_access_key": "made-up", "region": "eu-west-1"})
    StorageOptions(aws_secret_access_key, region)
    """

    __slots__ = ("_given", "_problem")

    def __init__(self, given: Any) -> None:
        is_mapping = given is None or isinstance(given, Mapping)
        self._given: dict[Any, Any] = {**(given or {})} if is_mapping else {}
        self._problem = None if is_mapping else _not_a("mapping", "it", given)

    def __bool__(self) -> bool:
        return bool(self._given or self._problem)

    def __repr__(self) -> str:
        return f"StorageOptions({', '.join(map(str, self._given))})"

    def __reduce__(self) -> tuple[type["StorageOptions"], tuple[dict[str, Any]]]:
        kept = {k: v for k, v in self._given.items() if _bare(k) in _OPEN}
        return StorageOptions, (kept,)

    def check(self, scheme: str) -> None:
        """Refuse what cannot be meant for a store.

        Raises
        ------
        ConfigError
            An option is given twice, or an address would be asked in the open, though
            not on this machine.
        TypeError
            A name or value is of a kind that is not taken.
        """
        problem = (
            self._problem
            or self._odd()
            or self._unsafe(scheme)
            or self._unconditional(scheme)
        )
        if problem:
            raise problem

    def sorted_for(self, scheme: str) -> SortedOptions:
        """Return what obstore takes for a store, once it is checked."""
        config, client = dict[str, str](), dict[str, Any]()
        for name, value in self._given.items():
            bare = _bare(name)
            if value is not None and bare in _CLIENT.split():
                client[bare] = _duration(value) if bare in _DURATIONS else value
            elif value is not None:
                config[bare] = str(value).lower() if value is True else str(value)
        # Given always, so that nothing in the environment opens it.
        client["allow_http"] = any(
            one.lower().startswith("http://") for _, one in self._addresses(scheme)
        )
        return SortedOptions(config, client)

    def _odd(self) -> Exception | None:
        """Return what is wrong with the kind of a name or value."""
        for name, value in self._given.items():
            if not isinstance(name, str):
                return _not_a("text", "a name", name)
            bare = _bare(name)
            if value is not None and bare in _DURATIONS and _duration(value) is None:
                return ConfigError(
                    f"storage_options: {name!r} is a number of seconds, more than 0 "
                    "and at most a year, or a text such as '30s'"
                )
            if bare in _CLIENT.split():
                continue
            kinds = str | None if bare in _ADDRESSES else str | int | None
            if not isinstance(value, kinds):
                return _not_a("text", repr(name), value)
        names = [_bare(name) for name in self._given]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            return ConfigError(f"storage_options: {twice.pop()!r} is given twice")
        return None

    def _unsafe(self, scheme: str) -> Exception | None:
        """Return what is wrong with an address."""
        for name, address in self._addresses(scheme):
            protocol, host = _protocol_and_host(address)
            if protocol == "http" and host not in LOOPBACK:
                return ConfigError(
                    f"that {name} would send the credentials in the open; use https:// "
                    "(http:// is for this machine alone)"
                )
            if protocol not in {"http", "https"} or not host:
                return ConfigError(
                    f"that {name} is no address; write https://… in full, with nothing "
                    "around it"
                )
        return None

    def _unconditional(self, scheme: str) -> Exception | None:
        """Return what is wrong where conditional writes are turned off."""
        for _, value in self._said(scheme, ("conditional_put",)):
            if value.lower() != "etag":
                return ConfigError(
                    "conditional_put must not be disabled: writers would overwrite "
                    "each other; leave it out of storage_options= and the environment"
                )
        return None

    def _addresses(self, scheme: str) -> Iterator[tuple[str, str]]:
        """Yield the addresses of a store, each with the name of its option."""
        return self._said(scheme, _ADDRESSES)

    def _said(self, scheme: str, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        """Yield the values of some options: those given, or of the environment."""
        prefix = _NAMES[scheme][0].upper()
        for name in names:
            given = [v for k, v in self._given.items() if _bare(k) == name and v]
            told = [
                v
                for k, v in os.environ.items()
                if k.startswith(prefix) and v and _bare(k) == name
            ]
            for value in given or told:
                yield name, str(value)


def refuse_unknown(name: str, scheme: str) -> ConfigError:
    """Return the error about a name that the store does not have."""
    prefix, names = _NAMES[scheme]
    known = {*_CLIENT.split(), *names.split(), *(prefix + one for one in names.split())}
    return ConfigError(
        f"storage_options: {scheme}:// has no option {name!r} "
        f"({nearest(name.lower(), known)}); names are those of obstore"
    )


def _bare(name: object) -> str:
    """Return an option's name without the prefix of its store."""
    text = str(name).lower()
    for prefix in ("aws_", "google_", "azure_storage_", "azure_"):
        text = text.removeprefix(prefix)
    return text


def _protocol_and_host(address: str) -> tuple[str, str]:
    """Return both in lower case; empty where there is none."""
    if address.split() != [address] or not address.isprintable():
        return "", ""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:  # such as http://[::1
        return "", ""
    return parts.scheme, host or ""


def _duration(value: Any) -> timedelta | str | None:
    """Return what obstore takes as a duration, None if it is none.

    A number, also as a text, is one of seconds.
    """
    if isinstance(value, str) and _SPELT.fullmatch(value):
        return value
    seconds = float("nan")
    with suppress(ArithmeticError, TypeError, ValueError):
        if isinstance(value, timedelta | np.timedelta64):
            seconds = pd.Timedelta(value).total_seconds()
        elif isinstance(value, str | Real | Decimal) and not isinstance(value, bool):
            seconds = float(value)
    return timedelta(seconds=seconds) if 0 < seconds <= _YEAR else None


def _not_a(kind: str, what: str, value: object) -> TypeError:
    found = type(value).__name__
    return TypeError(f"storage_options: {what} is a {kind}, and no {found}")
