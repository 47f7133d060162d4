-- +goose Up
ALTER TABLE order_payments ADD CONSTRAINT order_payments_known_state CHECK (state IN ('pending', 'paid', 'declined', 'refund_due', 'refunded'));

-- +goose Down
ALTER TABLE order_payments DROP CONSTRAINT order_payments_known_state;
