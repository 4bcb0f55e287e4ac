"""What the tables of schema `quality` hold, in words: they become COMMENT ON in the published file, as dbt's do."""

from __future__ import annotations

_LOADED = {
    "load_id": "The load that brought it: the build_id of that build.",
    "loaded_at": "When that was (UTC).",
    "source": "The [[source]] of the configuration.",
    "entity": "The canonical entity.",
    "file": "The file, relative to the source's path.",
}

QUALITY: dict[str, tuple[str, dict[str, str]]] = {
    "load_log": (
        "One row per file and entity as it is: rows = loaded + quarantined + exact_duplicates + superseded + filtered.",
        {
            **_LOADED,
            "sha256": "SHA-256 of the file's content.",
            "bytes": "Size of the file, unpacked.",
            "encoding": "The encoding it was read in; empty where the format has none (Parquet, XLSX).",
            "format": "csv, jsonl, json (one array), parquet or xlsx.",
            "delimiter": "What stands between the cells of a CSV file.",
            "quote": "What stands around cells of a CSV file; empty: nothing does.",
            "rows": "Rows in the file, the header not counted.",
            "loaded": "Rows that are in the figures.",
            "quarantined": "Rows that could not be read; each is a row of quality.quarantine.",
            "exact_duplicates": "Rows with the id and all cells of an earlier row of the file.",
            "superseded": "Rows whose id a file later by name, or a later source of the id space, has too.",
            "filtered": "Rows left out by the mapping's own keep or drop.",
            "status": "loaded: read by this load; unchanged: as it was; gone: the file is no longer there.",
        },
    ),
    "quarantine": (
        "One row per row of a file that could not be read, and why. Names people: the text is as received.",
        {
            "quarantine_id": "Stays the same while the file's content does: of source, entity, file, content and line.",
            **_LOADED,
            "sha256": "SHA-256 of the file's content.",
            "line": "The line of the file on which it starts, from 1.",
            "raw_text": "The row as received.",
            "column_name": "The canonical column that could not be read, where it is one.",
            "found": "What stood there.",
            "expected": "What is expected.",
            "reason": "Why, in one word: missing_required, unreadable_value, unknown_word, wrong_width, ...",
            "fix": "The nearest thing that lets it load, in the file or in leadhouse.toml; names nobody.",
        },
    ),
    "check_results": (
        "One row per check of this build, whoever ran it.",
        {
            "check_name": "The check.",
            "subject": "What it is about.",
            "layer": "arrival: what came in; structure: dbt's tests; metrics: what leaves.",
            "severity": "critical: blocks publishing; warning: does not.",
            "status": "passed or failed.",
            "observed": "What was found.",
            "expected": "What is expected.",
            "owner": "Who looks after it.",
            "why": "Why it matters.",
            "what_to_do": "What to do when it fails.",
            "checked_at": "When the build began (UTC).",
            "offenders": "What failed, by its short name: sources, files, weeks; at most 20.",
        },
    ),
    "check_rows": (
        "One row per row of an export that a failing check is about, at most 200 a check. It names nobody.",
        {
            "check_name": "The check.",
            "subject": "What it is about.",
            "source": "The [[source]] of the configuration.",
            "entity": "The canonical entity.",
            "file": "The file, relative to the source's path.",
            "line": "The line of the file on which it starts, from 1.",
            "row_id": "The row's id in the source; null for people, who are found by their place.",
            "note": "What is wrong with it.",
        },
    ),
    "sources": (
        "One row per source of the configuration.",
        {
            "source": "Its name.",
            "kind": "files, or a connector.",
            "lead_grain": "episode: a lead is an episode of a person; record: each record is a lead.",
            "mode": "snapshot: what the files hold now is the truth; append: files are increments.",
            "data_through": "Until when it is known (UTC); null where it delivers neither inquiries nor touches.",
            "is_stale": "More than stale_after_days behind the newest source.",
            "loaded": "Its rows in the figures.",
        },
    ),
    "build": (
        "One row: this build.",
        {
            "build_id": "Its id; history keeps it.",
            "built_at": "When it began (UTC).",
            "as_of": "The moment every figure is true at (UTC).",
            "as_of_origin": "data: what the data covers; given: --as-of.",
            "brokerage": "The brokerage's name.",
            "timezone": "The brokerage's zone; weeks and local times are its.",
            "country": "Region of phone numbers.",
            "currency": "Currency of all money.",
            "week_start": "The day on which weeks begin.",
            "feed_above_roi": "The return on investment from which a source is to be fed.",
            "stop_below_roi": "The return on investment up to which a source is to be stopped.",
            "version": "The version of Leadhouse.",
            "inputs": "Fingerprint of the files, configuration and code it was made from.",
        },
    ),
}
