"""Names of PostgreSQL's own types, so that a misspelt one is refused where it is configured."""

import difflib
import re

_WORDS = (
    "aclitem bigint bit bool boolean box bpchar bytea char character cid cidr circle date datemultirange daterange dec "
    "decimal float float4 float8 inet int int2 int2vector int4 int4multirange int4range int8 int8multirange int8range "
    "integer interval json jsonb jsonpath line lseg macaddr macaddr8 money name numeric nummultirange numrange oid "
    "oidvector path pg_lsn pg_snapshot point polygon real refcursor regclass regcollation regconfig regdictionary "
    "regnamespace regoper regoperator regproc regprocedure regrole regtype smallint text tid time timestamp timestamptz "
    "timetz tsmultirange tsquery tsrange tstzmultirange tstzrange tsvector txid_snapshot uuid varbit varchar xid xid8 xml"
)
_PHRASES = (
    "bit varying, character varying, char varying, double precision, national character, national character varying, "
    "national char, national char varying, nchar, nchar varying, time with time zone, time without time zone, "
    "timestamp with time zone, timestamp without time zone"
)
_EXTENSIONS = "citext hstore ltree lquery ltxtquery cube seg isbn isbn13 issn ean13 upc geometry geography raster vector"
BUILT_IN = frozenset(_WORDS.split(" ")) | frozenset(_PHRASES.split(", "))
KNOWN = BUILT_IN | frozenset(_EXTENSIONS.split(" "))
_OTHERS = {  # what other databases call it
    "bigserial": "bigint",
    "blob": "bytea",
    "clob": "text",
    "datetime": "timestamp",
    "double": "double precision",
    "float32": "real",
    "float64": "double precision",
    "int16": "smallint",
    "int32": "integer",
    "int64": "bigint",
    "long": "bigint",
    "number": "numeric",
    "nvarchar": "varchar",
    "serial": "integer",
    "smallserial": "smallint",
    "string": "text",
    "tinyint": "smallint",
    "uniqueidentifier": "uuid",
    "varbinary": "bytea",
    "varchar2": "varchar",
}
_FIELDS = re.compile(r"interval (year|month|day|hour|minute|second)( to (month|hour|minute|second))?")


def fault_of_type_name(text: str) -> str | None:
    """One sentence where the name is that of no built-in type and close to one; types of one's own are left to the database."""
    name = re.sub(r"\s*\([^)]*\)", "", text.strip().lower())
    name = re.sub(r"(\s*\[\d*\])+$|\s+array(\s*\[\d*\])?$", "", name).strip()
    name = " ".join(name.removeprefix("pg_catalog.").split())
    if '"' in name or "." in name or name.startswith("_") or name in KNOWN or _FIELDS.fullmatch(name):
        return None
    close = [_OTHERS[name]] if name in _OTHERS else difflib.get_close_matches(name, sorted(BUILT_IN), n=1, cutoff=0.8)
    if not close:
        return None
    return f"{text!r} is no type of PostgreSQL; did you mean {close[0]}? Write a type of your own with its schema"
