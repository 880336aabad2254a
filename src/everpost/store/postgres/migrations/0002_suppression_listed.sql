-- Those whose address is kept, as people look through them.
CREATE INDEX suppression_listed ON suppression (project, address) WHERE address <> '';
