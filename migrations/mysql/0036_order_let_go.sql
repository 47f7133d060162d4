-- +goose Up
-- When the buyer let the order go unpaid: it lapsed, or they cancelled it. Those of a while count beside the ones that wait.
ALTER TABLE order_orders
    ADD COLUMN let_go_at DATETIME(6) NULL,
    DROP KEY order_orders_status_buyer,
    ADD KEY order_orders_status_buyer (status, buyer_id, let_go_at);

-- +goose Down
ALTER TABLE order_orders
    DROP KEY order_orders_status_buyer,
    ADD KEY order_orders_status_buyer (status, buyer_id),
    DROP COLUMN let_go_at;
