"""The results for people."""

from typing import Any


def page(found: dict[str, Any], aim: float) -> str:
    lines = [
        "# A realistic mix beside SQL by hand",
        "",
        f"`python -m benchmarks.mix`, {found['scale']:g} × the rows; medians of {found['rounds']} rounds in turn (two of"
        f" single rules and peers). {found['machine']}. [What is measured](../../docs/benchmarks.md#a-realistic-mix).",
        "",
    ]
    if "whole" in found:
        whole = found["whole"]
        met = "met" if whole["ratio"] <= aim else "**missed**"
        lines += [
            f"All tables in one check: {whole['dataops']:.2f} s, by hand {whole['sql']:.2f} s: {whole['ratio']:.2f} times as"
            f" long; the aim is {aim:g} ({met}).",
            "",
        ]
    if found["tables"]:
        lines += ["| table | rules | one check | by hand | ratio |", "| --- | ---: | ---: | ---: | ---: |"]
        lines += [
            f"| `{name}` | {one['rules']} | {one['dataops']:.2f} s | {one['sql']:.2f} s | {one['ratio']:.2f} |"
            for name, one in found["tables"].items()
        ]
        lines.append("")
    if found["peers"]:
        lines += ["| the rules that … has words for | rules | it | DataOps | by hand |", "| --- | ---: | ---: | ---: | ---: |"]
        lines += [_peer(name, one) for name, one in found["peers"].items()]
        lines.append("")
    if found["alone"]:
        lines += ["| a rule alone | type | one check | by hand | ratio |", "| --- | --- | ---: | ---: | ---: |"]
        lines += [
            f"| `{name}` | {one['type']} | {one['dataops'] * 1000:.0f} ms | {one['sql'] * 1000:.0f} ms | {one['ratio']:.2f} |"
            for name, one in found["alone"].items()
        ]
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def _peer(name: str, one: dict[str, Any]) -> str:
    label = {"dbt": "dbt (its own tests, warm)", "soda": "Soda Core (warm)"}[name]
    if "left_out" in one:
        return f"| {label} | {one['rules']} | left out | – | – |"
    return f"| {label} | {one['rules']} | {one[name]:.2f} s | {one['dataops']:.2f} s | {one['sql']:.2f} s |"
