"""The programs that Rollcall runs on hosts: Ansible, the layout of tools and collections, the upgrade of the agent.

Needs Python 3.9 and its standard library only.
"""
