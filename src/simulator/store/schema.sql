CREATE TABLE content_import_source (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    url TEXT NOT NULL,
    sync_behavior TEXT NOT NULL,
    status TEXT NOT NULL,
    audience_ids TEXT NOT NULL,        -- a JSON array
    created_at INTEGER NOT NULL,       -- unix seconds, like all times here
    updated_at INTEGER NOT NULL,
    last_synced_at INTEGER NOT NULL
) STRICT;

-- html comes last: what does not ask for it does not read it.
CREATE TABLE external_page (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source_id INTEGER NOT NULL REFERENCES content_import_source (id) ON DELETE CASCADE,
    external_id TEXT NOT NULL,
    title TEXT NOT NULL,
    url TEXT,
    locale TEXT NOT NULL,
    ai_agent INTEGER NOT NULL,
    ai_copilot INTEGER NOT NULL,
    ai_sales_agent INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    html TEXT NOT NULL,
    UNIQUE (source_id, external_id)
) STRICT;

-- Small enough to skip through: a listing's later pages cost no reading of html.
CREATE INDEX external_page_in_order ON external_page (id);

-- A page's id is never a source's id, so that one taken for the other is found out.
INSERT INTO sqlite_sequence (name, seq) VALUES ('external_page', 1000000);

-- Empty: everyone is known. Otherwise only those who are named here.
CREATE TABLE contact (
    id TEXT PRIMARY KEY,
    user_id TEXT UNIQUE,
    email TEXT UNIQUE
) STRICT;

CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    contact_id TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    metadata TEXT NOT NULL,            -- a JSON object
    UNIQUE (contact_id, name, created_at)
) STRICT;

CREATE INDEX event_listing ON event (contact_id, created_at, seq);

CREATE TABLE event_summary (
    contact_id TEXT NOT NULL,
    name TEXT NOT NULL,
    count INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (contact_id, name)
) STRICT, WITHOUT ROWID;
