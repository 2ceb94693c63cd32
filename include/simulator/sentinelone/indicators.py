"""The `indicators` section of threats, with every form of ATT&CK reference seen in real ones."""

from __future__ import annotations

from typing import Any, Final

from simulator.draws import Draws

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
    ("full", 46.0), ("retired", 2.0), ("static", 28.0), ("repeated", 8.0), ("lower case", 3.0), ("slash link", 4.0),
    ("nameless", 3.0), ("no techniques", 2.0), ("empty techniques", 2.0), ("null tactics", 1.0), ("null", 0.5),
    ("empty", 0.5),
)  # fmt: skip


def indicators(draws: Draws) -> list[dict[str, Any]] | None:
    """Return the indicators of one threat. Often it is one without tactics, like those of the static engine."""
    form = draws.weighted(_FORMS)
    if form in ("null", "empty"):
        return None if form == "null" else []
    if form in ("static", "null tactics"):
        return [_indicator(draws, "Detected by the Static Engine", [] if form == "static" else None)]
    if form == "repeated":
        twice = [_tactic("Defense Evasion", ["T1055.012"] * 2), _tactic("Persistence", ["T1055.012"])]
        return [_indicator(draws, "Process injection", twice), _indicator(draws, "And again", twice[:1])]
    tactics = [_odd_tactic(draws, form)]
    if form == "full":
        others = draws.shuffled(_TECHNIQUES)[: draws.between(0, 3)]
        tactics += [_tactic(name, codes[: draws.between(1, 3)]) for name, codes in others]
    return [_indicator(draws, "Suspicious behavior", tactics)]


def _odd_tactic(draws: Draws, form: str) -> dict[str, Any]:
    name, codes = draws.pick(_TECHNIQUES)
    code = draws.pick(_RETIRED if form == "retired" else codes)
    tactic = _tactic(name, [] if form == "empty techniques" else [code])
    if form == "lower case":
        tactic["techniques"][0]["name"] = f" {code.lower()} "
    elif form == "slash link":
        tactic["techniques"] = [{"name": "T1055/012", "link": f"{_BASE}/T1055/012/"}]
    elif form == "nameless":
        tactic["techniques"] = [{**tactic["techniques"][0], "name": draws.pick((None, ""))}, {"link": None}]
    elif form == "no techniques":
        del tactic["techniques"]
    return tactic


def _indicator(draws: Draws, description: str, tactics: list[dict[str, Any]] | None) -> dict[str, Any]:
    category = draws.pick(("Evasion", "General", "Persistence", "Exploitation", "InfoStealer"))
    ids = [draws.between(1, 900)]
    return {"category": category, "categoryId": None, "description": description, "ids": ids, "tactics": tactics}


def _tactic(name: str, codes: list[str] | tuple[str, ...]) -> dict[str, Any]:
    techniques = [{"name": code, "link": f"{_BASE}/{code.replace('.', '/')}/"} for code in codes]
    return {"name": name, "source": "MITRE", "techniques": techniques}
