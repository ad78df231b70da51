"""Plain words for a cluster that cannot be asked: the cause, and what to do about it."""

import re
from dataclasses import dataclass

from stringx_dataops.contract.documents.engines.trino import TrinoTarget

INSTALL = (
    "dbt-trino is not installed where the workers run: start with ./start-service.sh --local --with trino, or run"
    " pip install --require-hashes -r requirements-trino.txt"
)
_NO_TOKENS = "the server takes no token; set auth: password, or let it take tokens there (http-server.authentication.type=JWT)"
# The words of dbt, of the client and of HTTP, and what to do about each. First match wins.
_CAUSES: tuple[tuple[str, str], ...] = (
    (r"Could not find adapter type trino|No module named '(dbt\.adapters\.)?trino'", "{install}"),
    (r"certificate is not valid for|Hostname mismatch|IP address mismatch",
     "the server's TLS certificate is of another name than {host}; correct host, or have a certificate made for it"),
    (r"certificate verify failed|CERTIFICATE_VERIFY_FAILED|self-signed certificate",
     "the server's TLS certificate is not trusted; set sslrootcert to its authority's file"),
    (r"invalid path: \S+|PEM lib|NO_CERTIFICATE_OR_CRL_FOUND",
     "the certificate authorities cannot be read where the workers run; correct sslrootcert"),
    (r"WRONG_VERSION_NUMBER|UNEXPECTED_EOF_WHILE_READING|RECORD_LAYER_FAILURE",
     "{host}:{port} answers without TLS; correct port, or set sslmode: disable on the target (no password then)"),
    (r"BadStatusLine|error 400: .*(HTTPS|TLS|SSL)", "{host}:{port} asks for TLS; set sslmode: verify-full, or correct port"),
    (r"address without TLS to go on",
     "what it answers over TLS names an address without; set http-server.process-forwarded=true there"),
    (r"error 403: .*Authentication over HTTP is not enabled|error 401: .*(TLS|HTTPS) is required",
     "the server takes nobody without TLS; set sslmode: verify-full, and its port of HTTPS"),
    (r"error 401: \S*(Unauthorized|Authentication required)",
     "{unasked}"),
    (r"error 401", "wrong {secret} for user {user}, or one that has expired there; correct {source}"),
    (r"AccessDeniedException: Access Denied: Cannot set role",
     "user {user} may not take a role of the target there; correct roles"),
    (r"error 403", "{host}:{port} refuses user {user} (HTTP 403); let the user in there, or correct host and port"),
    (r"Failed to resolve|Name or service not known|nodename nor servname|Temporary failure in name resolution",
     "unreachable, no such host: {host}; correct host"),
    (r"Connection refused", "unreachable, nothing listens on {host}:{port}; start it, or correct host and port"),
    (r"ConnectTimeout|connect timeout|No route to host|Network is unreachable",
     "unreachable, no route to {host}:{port}; correct host and port, or open the firewall"),
    (r"error 50[234]|still initializing",
     "unreachable, it is starting or shutting down, or what stands before it cannot reach it; try again"),
    (r"error 429", "takes no more queries now; lower max_concurrent_checks, or raise its limits"),
    (r"error 40[45]|error 410|JSONDecodeError|unexpected character|received empty response",
     "what listens on {host}:{port} is no Trino, or it was started anew during the check; correct host and port, or try again"),
    (r"RemoteDisconnected|BrokenPipe|Remote end closed|Connection reset|Read timed out|read timeout=",
     "went away during the check; try again"),
)  # fmt: skip
# The same by the names of Trino's own errors. {words} is its message, which quotes no values of rows in these.
_NAMED: tuple[tuple[str, str], ...] = (
    (r"INVALID_SESSION_PROPERTY", "session_properties are refused: {words}"),
    (r"CATALOG_NOT_FOUND", "{words}; correct catalog ({catalog})"),
    (r"PERMISSION_DENIED", "user {user} is refused: {words}; grant it there, or correct user"),
    (r"SERVER_STARTING_UP|SERVER_SHUTTING_DOWN", "unreachable, it is starting or shutting down; try again"),
    (r"NO_NODES_AVAILABLE", "has no workers that could run a query; start some"),
    (r"QUERY_QUEUE_FULL", "its queue is full; raise maxQueued of the resource group there, or lower max_concurrent_checks"),
    (r"USER_CANCELED|ADMINISTRATIVELY_KILLED|ADMINISTRATIVELY_PREEMPTED|ABANDONED_QUERY",
     "somebody ended the check's query there ({name})"),
    (r"CLUSTER_OUT_OF_MEMORY|EXCEEDED_\w+_LIMIT",
     "the check's query ran into a limit there: {name}; raise it, or check a window"),
    (r"REMOTE_HOST_GONE|REMOTE_TASK_ERROR|PAGE_TRANSPORT_\w+", "a worker of the cluster went away during the check; try again"),
)  # fmt: skip
# What may pass within seconds: a server that starts, a queue that is full.
_PASSING = re.compile(
    r"Connection refused|error 50[234]|still initializing|error 429|error 410|error 404: \S*Query not found"
    r"|RemoteDisconnected|BrokenPipe|Remote end closed|Connection reset"
)
_PASSING_NAMES = re.compile(
    r"SERVER_STARTING_UP|SERVER_SHUTTING_DOWN|NO_NODES_AVAILABLE|QUERY_QUEUE_FULL|REMOTE_HOST_GONE|REMOTE_TASK_ERROR|PAGE_TRANSPORT_\w+"
)
# Errors whose messages quote names, of tables, columns and functions, and no values of rows.
_TOLD = re.compile(
    r"SYNTAX_ERROR|\w+_NOT_FOUND|MISSING_\w+_NAME|AMBIGUOUS_NAME|COLUMN_TYPE_UNKNOWN|TYPE_MISMATCH|FUNCTION_NOT_AGGREGATE"
    r"|EXPRESSION_NOT_AGGREGATE|EXPRESSION_NOT_SCALAR|NOT_SUPPORTED|PERMISSION_DENIED|INVALID_SESSION_PROPERTY|EXCEEDED_\w+"
    r"|QUERY_TEXT_TOO_LARGE|NO_NODES_AVAILABLE|UNSUPPORTED_SUBQUERY|NESTED_\w+"
)
_OF_TRINO = re.compile(r"type=\w+, name=(\w+), message=\"(.*)\", query_id=(\w+)", re.DOTALL)
_PLACE = re.compile(r"^line \d+:\d+: ")
_LONGEST = 300  # characters of Trino's words


@dataclass(frozen=True)
class _Error:
    """One of Trino's own."""

    name: str
    words: str
    query_id: str

    @classmethod
    def of(cls, message: str) -> "_Error | None":
        """The client's message begins with the name, so no value of a row can pretend to be one."""
        if (found := _OF_TRINO.search(message)) is None:
            return None
        return cls(found[1], _PLACE.sub("", " ".join(found[2].split())).removeprefix("Access Denied: ")[:_LONGEST], found[3])


def may_pass(message: str) -> bool:
    """Whether a failed connection is worth another attempt."""
    error = _Error.of(message)
    return (_PASSING.search(message) if error is None else _PASSING_NAMES.fullmatch(error.name)) is not None


def explain(target: TrinoTarget, message: str) -> str | None:
    """One line that names the cause and the fix; None where the message is about something else."""
    error = _Error.of(message)
    if error is None:
        words = next((words for pattern, words in _CAUSES if re.search(pattern, message, re.DOTALL)), None)
    else:
        words = next((words for pattern, words in _NAMED if re.fullmatch(pattern, error.name)), None)
    if words is None:
        return None
    cause = words.format(
        user=target.user,
        host=target.address,
        port=target.server_port,
        catalog=target.catalog,
        secret="token" if target.auth == "jwt" else "password",
        source=target.password_env or (f"the secret file {target.password_file}" if target.password_file else "password_env"),
        unasked=_NO_TOKENS
        if target.auth == "jwt"
        else "the server asks for a password or token; set password_env or password_file",
        install=INSTALL,
        name=error.name if error is not None else "",
        words=error.words if error is not None else "",
    )
    return f"target {target.name}: {cause}"


def without_values(message: str) -> str:
    """The name of Trino's error, and its message if that quotes names only: Trino does not mark what it quotes."""
    error = _Error.of(message)
    if error is None:
        return "Trino reports an error"
    told = f": {error.words}" if _TOLD.fullmatch(error.name) else ""
    return f"Trino reports {error.name}{told} (query {error.query_id})"
