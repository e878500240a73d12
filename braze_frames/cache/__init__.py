"""Campaigns that are kept: what is stored, what must be asked, what changed.

::

    <cache>/<endpoint>/<grain>/campaign_id=<id>/data.parquet

``variation`` has a row for each day and variation as the API gave it, ``campaign`` one
for each day, ``element`` one for each slide or button clicked, ``extra`` one for each
number of a stat that has no column (``channel`` is null where it is the day's), and
``revision`` one for each number that a later fetch changed. A file of ``element``,
``extra`` or ``revision`` is there only if it has had rows; in a store the first two are
always there. Any engine can read a grain's folder as it lies: locks, unfinished and
damaged files lie apart, in ``.locks``, ``.writing`` and ``.aside`` of the endpoint's
folder.

The columns of a variation's row are ``date``, ``channel``, ``variation`` (its name that
day, else its id, else ``<unnamed-N>``), ``variation_api_id``, ``variation_name`` and
``entry_position`` (of an entry with neither), then all stats. ``element`` adds
``element``, ``position``, ``title`` and ``clicks``, ``extra`` adds ``stat`` and
``value`` (null: it was no number), ``revision`` adds ``stat``, ``old``, ``new``,
``old_name``, ``new_name`` and ``seen_at``; a revised ``variation_name`` is a new name,
a revised ``variation_api_id`` an entry that came (1) or went. Beside floats, ``whole``,
``old_whole`` and ``new_whole`` hold counts exactly.

Files carry one JSON under the key ``braze_frames``: ``version`` of this layout,
``written`` (the same in all files of one write), ``grains`` that belong to the
campaign, ``history`` (the write up to which ``revision`` tells of this file, see
below), ``rows`` of the file, ``name``, ``details`` (what the API's campaign details
said, null where they were not asked), ``tz``, ``coverage``: runs of stored days as
``[first day, days, first seen, last fetched]``, in days and microseconds since
1970-01-01 in UTC; and ``seal``, see ``braze_frames.storage.parquet``. Files do not know
their campaign's id: it stands in the path alone.

``revision`` is moved into its place before the files that it tells of. So that it never
tells of a write that was killed before these followed, its metadata hold ``ends``: how
many of its first rows count for files with that ``history``.

Version 1 had no seal, the number of ``revisions`` instead of ``history``, and ``names``
alone instead of ``details``; it is still read, and written anew as version 2.

``Cache.compact`` puts beside them a copy of all campaigns in a few large files::

    <cache>/<endpoint>/.compact/<grain>/part-00000.parquet
    <cache>/<endpoint>/.compact/manifest.parquet

A part holds the rows of campaigns as their files do, with ``campaign_id`` in front,
sorted by it and by day. A row of the manifest is a file of a campaign: ``campaign``,
``grain``, ``name``, ``written``, its ``size`` and ``mtime`` (nanoseconds since 1970; in
an object store its ``etag``) when it was copied, ``coverage``, ``part``, ``first_row``
and ``rows`` in there, and ``about``, all that the file says of itself. The copy is
never the truth: reads take from it what lies in its own file as the manifest says, and
whoever wants the truth with another engine reads the grains' folders, or compacts
first. It may be deleted at any time. ``revision`` is not copied.

May import: storage, payload, api, frame, schema, core, errors.
"""
