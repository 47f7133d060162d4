-- +goose Up
-- Members who have left, and what the law makes keep of them, apart from what the mall uses: who they were, and until
-- when their orders (contracts, payments: 5 years) and talks (complaints: 3 years) are kept. NULL: there are none.
-- Named queries: by member (primary key); what may go by now (the last key), for the retention to come.
CREATE TABLE records_erasures (
    member_id    BINARY(16)   NOT NULL,
    email        VARCHAR(254) CHARACTER SET ascii COLLATE ascii_bin NULL,
    name         VARCHAR(40)  NULL,
    erased_at    DATETIME(6)  NOT NULL,
    orders_until DATETIME(6)  NULL,
    talks_until  DATETIME(6)  NULL,
    PRIMARY KEY (member_id),
    KEY records_erasures_until (orders_until, talks_until)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- +goose Down
DROP TABLE records_erasures;
