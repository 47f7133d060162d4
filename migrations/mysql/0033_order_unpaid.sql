-- +goose Up
ALTER TABLE order_orders
    ADD CONSTRAINT order_orders_known_status CHECK (status IN ('placed', 'paid', 'preparing', 'shipped', 'delivered', 'completed', 'cancelled', 'refunded')),
    ADD KEY order_orders_status_buyer (status, buyer_id),
    ADD KEY order_orders_status (status, created_at, id);

-- +goose Down
ALTER TABLE order_orders
    DROP CONSTRAINT order_orders_known_status,
    DROP KEY order_orders_status_buyer,
    DROP KEY order_orders_status;
