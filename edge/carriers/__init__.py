"""Several ways to shore at once: which one to use, what each may cost, and what a visit does.

`choice` decides and touches nothing; `budgets` counts what a day has cost; `desk` and `delivery`
are the work of a visit, whatever carries it; `carrier` keeps what is known of one link.
"""
