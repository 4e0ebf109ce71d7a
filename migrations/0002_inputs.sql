-- The files that renders asked for beside their documents: included text and code.
CREATE TABLE input (
    source      TEXT NOT NULL,
    path        TEXT NOT NULL,
    fingerprint BLOB,                                 -- NULL: look at its bytes
    hash        BLOB,                                 -- SHA-256 of its bytes; NULL: it was not there
    PRIMARY KEY (source, path)
) STRICT, WITHOUT ROWID;

-- The pages beyond the first that a document was split into.
CREATE TABLE part (
    source       TEXT NOT NULL,
    path         TEXT NOT NULL,
    external_id  TEXT NOT NULL,
    content_hash BLOB NOT NULL,
    body         INTEGER NOT NULL,
    title        TEXT NOT NULL,
    url          TEXT,
    html_bytes   INTEGER NOT NULL,
    PRIMARY KEY (source, path, external_id)
) STRICT, WITHOUT ROWID;

-- What a person may want to mend in a document.
CREATE TABLE warning (
    source  TEXT NOT NULL,
    path    TEXT NOT NULL,
    n       INTEGER NOT NULL,                         -- their order
    code    TEXT NOT NULL,
    line    INTEGER,
    message TEXT NOT NULL,
    PRIMARY KEY (source, path, n)
) STRICT, WITHOUT ROWID;

-- The generator that the last complete scan was of: another one is news that a person should hear.
ALTER TABLE source ADD COLUMN generator TEXT;

CREATE TRIGGER part_insert_unsettles AFTER INSERT ON part
BEGIN
    UPDATE source SET settled = NULL WHERE name = NEW.source AND settled IS NOT NULL;
END;
CREATE TRIGGER part_delete_unsettles AFTER DELETE ON part
BEGIN
    UPDATE source SET settled = NULL WHERE name = OLD.source AND settled IS NOT NULL;
END;
