-- +goose Up
CREATE TABLE order_payments (
    order_id    BINARY(16)  NOT NULL,
    payment_key BINARY(16)  NOT NULL COMMENT 'the key by which the payment service knows this one charge',
    amount_won  BIGINT      NOT NULL,
    state       VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'pending, paid, declined, refund_due, refunded',
    updated_at  DATETIME(6) NOT NULL,
    PRIMARY KEY (order_id),
    KEY order_payments_unsettled (state, updated_at),
    CONSTRAINT order_payments_amount CHECK (amount_won >= 0)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_unicode_520_ci;

-- +goose Down
DROP TABLE order_payments;
