"""Backup and restore: snapshots of what cannot be computed again, in a folder or an object store.

objects/<2 hex>/<sha256>            one content, written once, never changed
snapshots/<UTC stamp>-<build>.json  which content stood at which path; written last, so that half a backup is none
writing/<UTC stamp>                 a backup is under way (or was killed): prune waits for it
"""
