"""What a checklist changes in the tree: worked out whole before anything is written.

The result is the tree as it would be, in which new taxa have numbers below 0. The same checklist
again changes nothing.

Example:
    >>> plan = make_plan(tree, checklist, problems)
    >>> if not problems.errors: apply(connection, plan, by, now_ms=now)
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from server.ecotaxa.problems import Problems
from server.taxonomy.entries import Checklist
from server.taxonomy.ordering import link
from server.taxonomy.planner import Options, Planner
from server.taxonomy.soundness import check
from server.taxonomy.tree import Tree

__all__ = ["Options", "Plan", "changed", "make_plan"]


@dataclass
class Plan:
    """`merges` are (taxon, into), to be done after the rest."""

    before: Tree
    after: Tree
    merges: list[tuple[int, int]] = field(default_factory=list)


def make_plan(
    tree: Tree, checklist: Checklist, problems: Problems, options: Options | None = None
) -> Plan:
    """The plan; it may be applied only if there are no errors."""
    links = link(checklist, problems)
    planner = Planner(tree, checklist, problems, options or Options(), links)
    for entry in links.ordered:
        planner.take(entry)
    for entry in links.others:
        planner.take_other(entry)
    check(planner.after, checklist, planner.lines, problems)
    return Plan(tree, planner.after, planner.merges)


def changed(plan: Plan) -> Sequence[int]:
    """The taxa here whose fields differ afterwards."""
    before = plan.before.nodes
    return [t for t, node in plan.after.nodes.items() if t in before and node != before[t]]
