CREATE TABLE IF NOT EXISTS products (
    sku TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    price_cents INTEGER NOT NULL,
    stock INTEGER NOT NULL CHECK (stock >= 0)
) STRICT, WITHOUT ROWID;

-- What is set aside, and at which price.
CREATE TABLE IF NOT EXISTS reserved (
    "order" TEXT NOT NULL,
    sku TEXT NOT NULL REFERENCES products,
    quantity INTEGER NOT NULL,
    price_cents INTEGER NOT NULL,
    PRIMARY KEY ("order", sku)
) STRICT, WITHOUT ROWID;

INSERT OR IGNORE INTO products VALUES
    ('kettle', 'Kettle, 1.7 l', 3900, 10000),
    ('meteorite', 'Piece of a meteorite', 99900, 3),
    ('mug', 'Mug with a fox', 1200, 10000),
    ('tea', 'Green tea, 100 g', 850, 10000),
    ('teapot', 'Teapot, cast iron', 6400, 10000);
