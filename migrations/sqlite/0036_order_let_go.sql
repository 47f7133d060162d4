-- +goose Up
-- When the buyer let the order go unpaid: it lapsed, or they cancelled it. Those of a while count beside the ones that wait.
ALTER TABLE order_orders ADD COLUMN let_go_at DATETIME NULL;
DROP INDEX order_orders_status_buyer;
CREATE INDEX order_orders_status_buyer ON order_orders (status, buyer_id, let_go_at);

-- +goose Down
DROP INDEX order_orders_status_buyer;
CREATE INDEX order_orders_status_buyer ON order_orders (status, buyer_id);
ALTER TABLE order_orders DROP COLUMN let_go_at;
