"""The upgrade of the running agent: a release that lies beside it takes its place, or the old one is put back.

Everything is under /var/lib/rollcall-upgrade: plan.json while an upgrade is under way, `decision`, which is made once
and by the first that comes, and report.json with how the last upgrade ended. A folder named like the upgrade, into
which the server uploads, is removed at its end. Every step may be repeated, and needs no agent.
"""
