"""Words that may be the name of a function, before a parenthesis: whether the grammar around them proves another use, as of
`join` in `a join (b …)`. Only tokens are looked at: another parser may see a call where PostgreSQL sees none, or the reverse."""

from sqlglot.tokenizer_core import Token, TokenType

from stringx_dataops.contract.custom_sql.postgres.tokens import is_word, word_of

# What may stand before `join` without being a value.
_JOINS = frozenset({"inner", "left", "right", "full", "outer", "cross", "natural"})
# Words after which a value begins; reserved words are known by their token or stand here.
_BEFORE_VALUES = frozenset(
    """
    select all distinct on where having and or not in is as any some case when then else from for to using like ilike similar
    between symmetric asymmetric by zone escape over filter rows range groups limit offset fetch first next union intersect
    except lateral
    values with window array exists cast overlaps isnull notnull collate both leading trailing asc desc order group partition
    recursive materialized variadic operator into table only local at interval
    """.split()  # noqa: SIM905
) | {"group by", "order by", "partition by", "similar to"}
_OTHER_CLAUSES = frozenset(
    {"select", "from", "where", "having", "order by", "window", "limit", "offset", "fetch", "union", "intersect", "except"}
)
_ENDS = (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.STRING, TokenType.NUMBER, TokenType.IDENTIFIER)


def is_no_call(tokens: list[Token], at: int) -> bool:
    """Whether the word at this place, which a parenthesis follows, is no function's name there."""
    word, before = _word(tokens, at), _word(tokens, at - 1)
    match word:
        case "ilike":
            return _ends_value(tokens, at - 2 if before == "not" else at - 1)
        case "join":
            return before in _JOINS or _ends_value(tokens, at - 1)
        case "zone":
            return before == "time"
        case "varying":
            return before == "bit"
        case "filter":
            return _word(tokens, at + 2) == "where"
        case "over":
            return before == "nulls" or (_is_closed(tokens, at - 1) and _ends_value(tokens, at - 1))
        case "first" | "next":
            return before == "fetch"
        case "materialized":
            return before == "as" or (before == "not" and _word(tokens, at - 2) == "as")
        case "rollup" | "cube":
            return _is_grouped_by(tokens, at - 1)
        case _:
            return False


def _ends_value(tokens: list[Token], at: int) -> bool:
    """Whether an expression or a table can end with the token, so that what follows it is an operator or a keyword."""
    if at < 0 or (tokens[at].token_type not in _ENDS and not _may_end_value(tokens, at)):
        return False
    if _is_closed(tokens, at):  # `distinct on (…)` and `operator(…)` are followed by a value
        opened = _opening(tokens, at)
        return not (_word(tokens, opened - 1) == "on" and _word(tokens, opened - 2) == "distinct")
    return True


def _may_end_value(tokens: list[Token], at: int) -> bool:
    word = _word(tokens, at)
    return is_word(word) and word not in _BEFORE_VALUES


def _is_closed(tokens: list[Token], at: int) -> bool:
    return at >= 0 and tokens[at].token_type == TokenType.R_PAREN


def _opening(tokens: list[Token], at: int) -> int:
    """The parenthesis that the one at this place closes."""
    depth = 0
    for place in range(at, -1, -1):
        depth += {TokenType.R_PAREN: 1, TokenType.L_PAREN: -1}.get(tokens[place].token_type, 0)
        if depth == 0:
            return place
    return 0


def _is_grouped_by(tokens: list[Token], at: int) -> bool:
    """Whether an item of GROUP BY, or of GROUPING SETS, begins after the token."""
    if _word(tokens, at) not in ("group by", ",", "("):
        return False
    while at >= 0:
        word = _word(tokens, at)
        if word == "group by":
            return True
        if word in _OTHER_CLAUSES:
            return False
        if word == "(":
            at -= 1
            if _word(tokens, at) != "grouping sets":
                return False
        elif word == ")":
            at = _opening(tokens, at)
        at -= 1
    return False


def _word(tokens: list[Token], at: int) -> str:
    """The word at this place; empty outside the text."""
    return word_of(tokens[at]) if 0 <= at < len(tokens) else ""
