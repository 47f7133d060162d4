-- +goose Up
CREATE TABLE order_payments (
    order_id    BLOB     NOT NULL CHECK (length(order_id) = 16),
    payment_key BLOB     NOT NULL CHECK (length(payment_key) = 16),
    amount_won  INTEGER  NOT NULL CONSTRAINT order_payments_amount CHECK (typeof(amount_won) = 'integer' AND amount_won >= 0),
    state       TEXT     NOT NULL CHECK (length(state) <= 12),
    updated_at  DATETIME NOT NULL,
    PRIMARY KEY (order_id)
);
CREATE INDEX order_payments_unsettled ON order_payments (state, updated_at);

-- +goose Down
DROP TABLE order_payments;
