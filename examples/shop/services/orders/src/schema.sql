CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY,
    -- The caller's, so that an order which is sent again is found again.
    key TEXT NOT NULL UNIQUE,
    -- Its last four digits.
    card TEXT NOT NULL,
    state TEXT NOT NULL,
    -- Why it was refused, if it was.
    detail TEXT NOT NULL DEFAULT '',
    total_cents INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS lines (
    "order" TEXT NOT NULL REFERENCES orders,
    position INTEGER NOT NULL,
    sku TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    PRIMARY KEY ("order", position)
) STRICT, WITHOUT ROWID;
