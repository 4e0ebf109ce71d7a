-- What converters made of documents, so that they run only when something differs: one result of a document.
CREATE TABLE conversion (
    source TEXT NOT NULL,
    path   TEXT NOT NULL,
    key    BLOB NOT NULL,                             -- SHA-256 of the converter's command and version and of its input
    html   TEXT NOT NULL,
    PRIMARY KEY (source, path)
) STRICT, WITHOUT ROWID;
