-- What told the whole source, and how pages are made of it, when the plan for it was empty; holds as long as `settled` does.
ALTER TABLE source ADD COLUMN revision BLOB;
