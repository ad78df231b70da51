"""Plain words for a connection that failed: the cause, and what to do about it."""

import re

from stringx_dataops.contract.documents.engines.postgres import PostgresTarget

# libpq's and the server's words for a failed connection, and what to do about each. First match wins.
_CAUSES: tuple[tuple[str, str], ...] = (
    (r"conflict with recovery", "the standby ended the check, as it was in the way of its recovery; raise max_standby_streaming_delay"
     " there, set hot_standby_feedback = on, or check the primary"),
    (r"password authentication failed", "wrong password for user {user}, or one that has expired there; correct {password_source}"),
    (r"authentication method requirement",
     "the server asks for a way to authenticate that require_auth: {authentication} refuses, such as the password in clear text;"
     " set scram-sha-256 in its pg_hba.conf, sslmode: verify-full on the target, or another require_auth"),
    (r"no password supplied|empty password", "no password given for user {user}; set password_env or password_file"),
    (r"server does not support SSL|SSL was required", "no TLS: the server offers none and sslmode is {tls};"
     " turn TLS on there, or set sslmode: prefer on the target"),
    (r"certificate verify failed|root certificate|self-signed|server certificate for|weak sslmode",
     "the server's TLS certificate is not trusted; set sslrootcert to its authority's file, or another sslmode (is {tls})"),
    (r"no pg_hba.conf entry.*(no encryption|SSL off)", "the server accepts this user over TLS only; set sslmode: require or stronger (is {tls})"),
    (r"pg_hba.conf rejects", "the server's pg_hba.conf rejects user {user} from this machine for {dbname}; change the line there"),
    (r"(peer|ident|GSSAPI|LDAP|PAM|RADIUS|certificate|OAuth\S*) authentication failed|requires a valid client certificate|SSPI"
     r"|authentication method \S+ (is )?not supported|channel binding",
     "user {user} cannot log in the way that the server's pg_hba.conf asks for; allow scram-sha-256 there"),
    (r"no pg_hba.conf entry", "the server's pg_hba.conf lets no {user} from this machine into {dbname}; add a line there"),
    (r'database ".*" does not exist', "no such database: {dbname}; correct dbname"),
    (r"is not permitted to log in", "user {user} may not log in; alter role … login there"),
    (r"no such user|no such database", "the pooler on {host}:{port} knows no such user or database; add {user} and {dbname} there"),
    (r'role ".*" does not exist', "no such user: {user}; correct user"),
    (r"permission denied for database|CONNECT privilege", "user {user} may not connect to {dbname}; grant CONNECT"),
    (r"could not translate host name|Name or service not known|nodename nor servname", "unreachable, no such host: {host}; correct host"),
    (r"Connection refused|No such file or directory", "unreachable, nothing listens on {host}:{port}; start it, or correct host and port"),
    (r"timeout expired|timed out|No route to host|Network is unreachable",
     "unreachable, no route to {host}:{port}; correct host and port, or open the firewall"),
    (r"too many connections for role", "user {user} has no free connection (its CONNECTION LIMIT); raise it there or lower max_concurrent_checks"),
    (r"too many connections for database",
     "{dbname} has no free connection (its CONNECTION LIMIT); raise it there or lower max_concurrent_checks"),
    (r"no more connections allowed|query_wait_timeout|max_client_conn",
     "the pooler on {host}:{port} has no free connection; raise max_client_conn or its pool's size, or lower max_concurrent_checks"),
    (r"unsupported startup parameter", "the pooler on {host}:{port} refuses a setting; add it to its ignore_startup_parameters"),
    (r"server_login_retry|server login (has been )?fail|cannot connect to server|client_login_timeout|pooler (is shut|error)|pgbouncer",
     "the pooler on {host}:{port} cannot reach its server; see its log"),
    (r"not currently accepting connections|is disabled|is paused", "{dbname} takes no connections now; allow them there"),
    (r"invalid response to SSL negotiation|expected authentication request|unsupported frontend protocol",
     "what listens on {host}:{port} is no PostgreSQL; correct host and port"),
    (r"too many clients|remaining connection slots", "has no free connection; raise max_connections there or lower max_concurrent_checks"),
    (r"starting up|shutting down|recovery mode|in recovery", "unreachable, it is starting or shutting down; try again"),
    (r"server closed the connection|terminating connection|connection already closed|SSL connection has been closed|could not receive data",
     "went away during the check; try again. A standby may also have ended the check as it was in the way of its recovery: its log says so"),
)  # fmt: skip


# Of these, what may pass within seconds: a server that starts again, a connection too many.
_PASSING = re.compile(
    r"Connection refused|No such file or directory|starting up|shutting down|recovery mode|too many clients|remaining connection slots"
    r"|too many connections for|no more connections allowed|query_wait_timeout|conflict with recovery"
    r"|server closed the connection|terminating connection|connection already closed|SSL connection has been closed",
    re.IGNORECASE,
)


def may_pass(message: str) -> bool:
    """Whether a failed connection is worth another attempt."""
    return _PASSING.search(message) is not None


def explain(target: PostgresTarget, message: str) -> str | None:
    """One line that names the cause of a failed connection and the fix; None where the message is about something else."""
    source = target.password_env or (f"the secret file {target.password_file}" if target.password_file else "the password")
    for pattern, words in _CAUSES:
        if re.search(pattern, message, re.IGNORECASE | re.DOTALL):
            cause = words.format(
                user=target.user,
                dbname=target.dbname,
                host=target.host,
                port=target.port,
                tls=target.tls,
                authentication=target.authentication,
                password_source=source,
            )
            return f"target {target.name}: {cause}"
    return None
