-- Who else claims a url or an id: asked of one document at a time, directly after it was saved.
CREATE INDEX document_by_url ON document (source, url);
CREATE INDEX document_by_id ON document (source, external_id) WHERE external_id IS NOT NULL;
