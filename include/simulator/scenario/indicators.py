"""The `indicators` section of threats, with every form of ATT&CK reference seen in real ones."""

from __future__ import annotations

from typing import Any, Final

from simulator.scenario.draws import Draws

_BASE: Final = "https://attack.mitre.org/techniques"
_TECHNIQUES: Final = (
    ("Execution", ("T1059", "T1059.001", "T1106", "T1204.002")),
    ("Persistence", ("T1053.005", "T1547.001", "T1078")),
    ("Defense Evasion", ("T1055.012", "T1112", "T1218.011")),
    ("Credential Access", ("T1003.001", "T1555.003")),
    ("Initial Access", ("T1566.001", "T1203")),
)
_RETIRED: Final = ("T1086", "T1060", "T1064")
_FORMS: Final = (
    ("full", 46.0),
    ("retired", 2.0),
    ("static", 28.0),
    ("repeated", 8.0),
    ("lower case", 3.0),
    ("slash link", 4.0),
    ("nameless", 3.0),
    ("no techniques", 2.0),
    ("empty techniques", 2.0),
    ("null tactics", 1.0),
    ("null", 0.5),
    ("empty", 0.5),
)
_CATEGORIES: Final = ("Evasion", "General", "Persistence", "Exploitation", "InfoStealer")


def indicators(draws: Draws) -> list[dict[str, Any]] | None:
    """Returns the indicators of one threat: often one without tactics, as the static engine gives."""
    form = draws.weighted(_FORMS)
    if form in ("null", "empty"):
        return None if form == "null" else []
    if form in ("static", "null tactics"):
        tactics: list[dict[str, Any]] | None = [] if form == "static" else None
        return [_indicator(draws, "Detected by the Static Engine", tactics)]
    if form == "repeated":
        shared = draws.pick(_TECHNIQUES[2][1])
        both = [
            _tactic("Defense Evasion", [_technique(shared)] * 2),
            _tactic("Persistence", [_technique(shared)]),
        ]
        return [
            _indicator(draws, "Process injection", both),
            _indicator(draws, "Process injection again", both[:1]),
        ]
    return [_indicator(draws, "Suspicious behaviour", [_odd_tactic(draws, form), *_more(draws, form)])]


def _more(draws: Draws, form: str) -> list[dict[str, Any]]:
    if form != "full":
        return []
    picked = draws.shuffled(_TECHNIQUES)[: draws.between(0, 3)]
    return [_tactic(name, [_technique(code) for code in codes[: draws.between(1, 3)]]) for name, codes in picked]


def _odd_tactic(draws: Draws, form: str) -> dict[str, Any]:
    name, codes = draws.pick(_TECHNIQUES)
    code = draws.pick(codes)
    if form == "lower case":
        return _tactic(name, [{**_technique(code), "name": f" {code.lower()} "}])
    if form == "retired":
        return _tactic(name, [_technique(draws.pick(_RETIRED))])
    if form == "slash link":
        dotted = draws.pick(("T1055.012", "T1053.005"))
        return _tactic(name, [{"name": dotted.replace(".", "/"), "link": f"{_BASE}/{dotted.replace('.', '/')}/"}])
    if form == "nameless":
        return _tactic(name, [{"name": draws.pick((None, "")), "link": _technique(code)["link"]}, {"link": None}])
    if form == "no techniques":
        return {"name": name, "source": "MITRE"}
    return _tactic(name, [] if form == "empty techniques" else [_technique(code)])


def _indicator(draws: Draws, description: str, tactics: list[dict[str, Any]] | None) -> dict[str, Any]:
    return {
        "category": draws.pick(_CATEGORIES),
        "categoryId": None,
        "description": description,
        "ids": [draws.between(1, 900)],
        "tactics": tactics,
    }


def _tactic(name: str, techniques: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "source": "MITRE", "techniques": techniques}


def _technique(code: str) -> dict[str, Any]:
    return {"name": code, "link": f"{_BASE}/{code.replace('.', '/')}/"}
