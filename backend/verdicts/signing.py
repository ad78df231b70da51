"""A gate as a signed verdict: a token that says how it was at a moment, and until when that may be relied on."""

from datetime import datetime, timedelta

from backend.gates.decision import Facts, closes_at
from backend.verdicts.keys import Vault
from database.pool import Cursor
from stringx_dataops.contract.ids import new_id
from stringx_dataops.contract.messages.requests import GateView
from stringx_dataops.contract.verdict_tokens import LIFE_S, VerdictClaims, signing_input, subject_of

ISSUER = "stringx-dataops"  # of an installation without PUBLIC_URL
_LATE = "no signed verdict: the check is older than max_age, or a waiver that it leans on ends just now; ask for a new check"


class VerdictSigner:
    """Signs gates with the key that signs now."""

    def __init__(self, vault: Vault, public_url: str | None) -> None:
        self._vault, self._issuer = vault, public_url or ISSUER

    def __call__(
        self, cursor: Cursor, found: GateView, facts: Facts, request_id: str | None, not_before: datetime | None
    ) -> GateView:
        """The gate with its token; with a note in place of one if an open gate closes before a token could be used."""
        key = self._vault.signing_key(cursor)
        issued, longest = int(key.now.timestamp()), key.now + timedelta(seconds=LIFE_S)
        end = int(min(longest, closes_at(facts) or longest).timestamp())
        if end <= issued and found.gate == "open":
            return found.model_copy(update={"notes": [*found.notes, _LATE]})
        claims = VerdictClaims(
            iss=self._issuer,
            sub=subject_of(found.target, found.table, found.dataset),
            jti=new_id(),
            iat=issued,
            nbf=issued,
            exp=end if end > issued else int(longest.timestamp()),  # a gate that time has closed stays so
            gate=found.gate,
            target=found.target,
            table=found.table,
            dataset=found.dataset,
            verdict=found.verdict,
            check_id=found.check_id,
            snapshot_at=found.snapshot_at,
            rules_hash=found.rules_hash,
            window=(facts.check.result.get("scope") or {}).get("window") if facts.check is not None else None,
            request_id=request_id,
            not_before=not_before,
        )
        signed = signing_input(key.kid, claims)
        return found.model_copy(update={"token": f"{signed}.{key.sign(signed)}"})
