-- +goose Up
-- SQLite adds no constraint to a table that is there, so the table is made anew.
CREATE TABLE order_payments_next (
    order_id    BLOB     NOT NULL CHECK (length(order_id) = 16),
    payment_key BLOB     NOT NULL CHECK (length(payment_key) = 16),
    amount_won  INTEGER  NOT NULL CONSTRAINT order_payments_amount CHECK (typeof(amount_won) = 'integer' AND amount_won >= 0),
    state       TEXT     NOT NULL CONSTRAINT order_payments_known_state CHECK (state IN ('pending', 'paid', 'declined', 'refund_due', 'refunded')),
    updated_at  DATETIME NOT NULL,
    PRIMARY KEY (order_id)
);
INSERT INTO order_payments_next (order_id, payment_key, amount_won, state, updated_at)
    SELECT order_id, payment_key, amount_won, state, updated_at FROM order_payments;
DROP TABLE order_payments;
ALTER TABLE order_payments_next RENAME TO order_payments;
CREATE INDEX order_payments_unsettled ON order_payments (state, updated_at);

-- +goose Down
CREATE TABLE order_payments_next (
    order_id    BLOB     NOT NULL CHECK (length(order_id) = 16),
    payment_key BLOB     NOT NULL CHECK (length(payment_key) = 16),
    amount_won  INTEGER  NOT NULL CONSTRAINT order_payments_amount CHECK (typeof(amount_won) = 'integer' AND amount_won >= 0),
    state       TEXT     NOT NULL CHECK (length(state) <= 12),
    updated_at  DATETIME NOT NULL,
    PRIMARY KEY (order_id)
);
INSERT INTO order_payments_next (order_id, payment_key, amount_won, state, updated_at)
    SELECT order_id, payment_key, amount_won, state, updated_at FROM order_payments;
DROP TABLE order_payments;
ALTER TABLE order_payments_next RENAME TO order_payments;
CREATE INDEX order_payments_unsettled ON order_payments (state, updated_at);
