-- What this ledger mirrors into: one row for each of base_url.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A configured source, and what its last scans saw.
CREATE TABLE source (
    name             TEXT PRIMARY KEY,
    import_source    INTEGER REFERENCES import_source (id),
    mounts           TEXT NOT NULL DEFAULT '[]',      -- folders that were mounts of their own at the last complete scan
    last_complete_at INTEGER,                         -- unix seconds
    blocked_since    INTEGER,                         -- since when a problem blocks deletes
    blocked_by       TEXT,                            -- and which
    settled          BLOB,                            -- digest of the scan whose plan was empty; NULL: not known
    settled_pages    INTEGER                          -- how many pages that plan found unchanged
) STRICT, WITHOUT ROWID;

-- A content import source in Intercom.
CREATE TABLE import_source (
    id            INTEGER PRIMARY KEY,                -- Intercom's
    name          TEXT NOT NULL,                      -- the source that it was last made for
    url           TEXT NOT NULL,                      -- as it was last set
    audience_ids  TEXT NOT NULL,                      -- JSON, as they were last set
    created_at    INTEGER NOT NULL,                   -- Intercom's: with the id the witness of the workspace
    active        INTEGER NOT NULL,
    adopted       TEXT NOT NULL CHECK (adopted IN ('none', 'own', 'all')),  -- which pages of a listing were taken over
    foreign_pages INTEGER NOT NULL DEFAULT 0,         -- at that listing
    gone_since    INTEGER                             -- found deleted in Intercom
) STRICT;

-- Every document of the last scans: what no longer differs is neither read nor rendered again.
CREATE TABLE document (
    source       TEXT NOT NULL,
    path         TEXT NOT NULL,
    fingerprint  BLOB,                                -- NULL: read it again
    source_hash  BLOB,                                -- SHA-256 of its bytes; NULL: they could not be read
    recipe       BLOB NOT NULL,                       -- renderer, site and page options that it was rendered with
    external_id  TEXT,                                -- NULL: its path
    facts        TEXT,                                -- JSON of what its front matter says; NULL: nothing
    kind         TEXT NOT NULL CHECK (kind IN ('page', 'excluded', 'failed')),
    reason       TEXT,                                -- of excluded; the message of failed
    code         TEXT,                                -- of failed
    content_hash BLOB,
    body         INTEGER,
    title        TEXT,
    url          TEXT,
    html_bytes   INTEGER,
    not_before   INTEGER,                             -- unix seconds
    not_after    INTEGER,
    warnings     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (source, path)
) STRICT, WITHOUT ROWID;

-- What the render of a document asked for, as JSON; apart, so that a scan need not read it.
CREATE TABLE asked (
    source  TEXT NOT NULL,
    path    TEXT NOT NULL,
    answers TEXT NOT NULL,
    PRIMARY KEY (source, path)
) STRICT, WITHOUT ROWID;

-- Every page that Intercom holds of ours, or may hold.
CREATE TABLE page (
    import_source    INTEGER NOT NULL REFERENCES import_source (id),
    external_id      TEXT NOT NULL,
    path             TEXT,                            -- NULL: its external_id
    page_id          TEXT,                            -- Intercom's; NULL: no answer has named it
    content_hash     BLOB,                            -- acknowledged; NULL: nothing is
    body             INTEGER,
    recipe           INTEGER,
    source_hash      BLOB,
    title            TEXT,
    url              TEXT,
    answer_hash      BLOB,                            -- of the html in Intercom's answer, for verification
    acknowledged_at  INTEGER,
    created_at       INTEGER,                         -- unix milliseconds of the first answer; 0: it was there before us
    doubt            TEXT,                            -- JSON; NULL: none
    missed_since     INTEGER,                         -- unix milliseconds
    missed_scans     INTEGER,
    missed_at        INTEGER,                         -- unix milliseconds
    rejected_hash    BLOB,
    rejected_message TEXT,
    rejected_at      INTEGER,
    PRIMARY KEY (import_source, external_id)
) STRICT, WITHOUT ROWID;

-- Deletes, for the limit that counts those of a day together.
CREATE TABLE deleted (
    import_source INTEGER NOT NULL,
    external_id   TEXT NOT NULL,
    at            INTEGER NOT NULL,                   -- unix seconds
    released      INTEGER NOT NULL                    -- by a person: does not count
) STRICT;
CREATE INDEX deleted_by_time ON deleted (import_source, at);

-- What each cycle came to.
CREATE TABLE cycle (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    source     TEXT NOT NULL,
    started_at INTEGER NOT NULL,                      -- unix seconds
    outcome    TEXT NOT NULL,
    report     TEXT NOT NULL                          -- JSON, as --once --json prints it, its lists cut
) STRICT;
CREATE INDEX cycle_by_source ON cycle (source, id);

-- Whatever touches a document or a page takes back the word that nothing is to be done.
CREATE TRIGGER document_insert_unsettles AFTER INSERT ON document
BEGIN
    UPDATE source SET settled = NULL WHERE name = NEW.source AND settled IS NOT NULL;
END;
CREATE TRIGGER document_update_unsettles AFTER UPDATE ON document
BEGIN
    UPDATE source SET settled = NULL WHERE name = NEW.source AND settled IS NOT NULL;
END;
CREATE TRIGGER document_delete_unsettles AFTER DELETE ON document
BEGIN
    UPDATE source SET settled = NULL WHERE name = OLD.source AND settled IS NOT NULL;
END;
CREATE TRIGGER page_insert_unsettles AFTER INSERT ON page
BEGIN
    UPDATE source SET settled = NULL WHERE import_source = NEW.import_source AND settled IS NOT NULL;
END;
CREATE TRIGGER page_update_unsettles AFTER UPDATE ON page
BEGIN
    UPDATE source SET settled = NULL WHERE import_source = NEW.import_source AND settled IS NOT NULL;
END;
CREATE TRIGGER page_delete_unsettles AFTER DELETE ON page
BEGIN
    UPDATE source SET settled = NULL WHERE import_source = OLD.import_source AND settled IS NOT NULL;
END;
