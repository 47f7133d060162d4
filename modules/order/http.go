package order

import (
	"context"
	"slices"

	"github.com/labstack/echo/v4"

	"mall/modules/order/internal/api"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/product"
)

// Routes adds the module's calls to the group /api/v1; api.yaml describes them.
func (o *Orders) Routes(g *echo.Group) {
	api.RegisterHandlers(g, api.NewStrictHandler(handlers{o}, nil))
}

type handlers struct{ orders *Orders }

const defaultPage = 50

func (h handlers) PlaceOrder(ctx context.Context, r api.PlaceOrderRequestObject) (api.PlaceOrderResponseObject, error) {
	d := Draft{ShopID: r.Body.ShopId, ClientOrderID: r.Body.ClientOrderId, Lines: make([]product.Line, len(r.Body.Lines))}
	for i, l := range r.Body.Lines {
		d.Lines[i] = product.Line{ProductID: l.ProductId, Quantity: l.Quantity}
	}
	order, placed, err := h.orders.Place(ctx, d)
	if err != nil {
		return nil, err
	}
	shown, err := h.show(ctx, order)
	if placed {
		return api.PlaceOrder201JSONResponse(shown), err
	}
	return api.PlaceOrder200JSONResponse(shown), err
}

func (h handlers) GetOrder(ctx context.Context, r api.GetOrderRequestObject) (api.GetOrderResponseObject, error) {
	order, err := h.orders.Get(ctx, r.OrderId)
	if err != nil {
		return nil, err
	}
	shown, err := h.show(ctx, order)
	return api.GetOrder200JSONResponse(shown), err
}

func (h handlers) StepOrder(ctx context.Context, r api.StepOrderRequestObject) (api.StepOrderResponseObject, error) {
	order, err := h.orders.Step(ctx, r.OrderId, Status(r.Body.To))
	if err != nil {
		return nil, err
	}
	shown, err := h.show(ctx, order)
	return api.StepOrder200JSONResponse(shown), err
}

func (h handlers) ListMyOrders(ctx context.Context, r api.ListMyOrdersRequestObject) (api.ListMyOrdersResponseObject, error) {
	page, err := h.orders.ListMine(ctx, deref(r.Params.Cursor), limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	shown, err := h.page(ctx, page)
	return api.ListMyOrders200JSONResponse(shown), err
}

func (h handlers) ListShopOrders(ctx context.Context, r api.ListShopOrdersRequestObject) (api.ListShopOrdersResponseObject, error) {
	f := Filter{Status: Status(deref(r.Params.Status)), BuyerID: deref(r.Params.BuyerId)}
	page, err := h.orders.ListShop(ctx, r.ShopId, f, deref(r.Params.Cursor), limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	shown, err := h.page(ctx, page)
	return api.ListShopOrders200JSONResponse(shown), err
}

func (h handlers) page(ctx context.Context, page Page) (api.OrderPage, error) {
	items, err := h.showAll(ctx, page.Items)
	shown := api.OrderPage{Items: items}
	if page.Next != "" {
		shown.NextCursor = &page.Next
	}
	return shown, err
}

func (h handlers) show(ctx context.Context, order Order) (api.Order, error) {
	shown, err := h.showAll(ctx, []Order{order})
	if err != nil {
		return api.Order{}, err
	}
	return shown[0], nil
}

// showAll puts names to the orders, asking for them once, and what the caller may do next.
func (h handlers) showAll(ctx context.Context, orders []Order) ([]api.Order, error) {
	shown := make([]api.Order, len(orders))
	if len(orders) == 0 {
		return shown, nil
	}
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	shops, err := h.orders.members.ShopNames(ctx, distinct(orders, func(o Order) id.ID { return o.ShopID }))
	if err != nil {
		return nil, err
	}
	buyers, err := h.orders.members.Names(ctx, distinct(orders, func(o Order) id.ID { return o.BuyerID }))
	for i, o := range orders {
		shown[i] = wire(o, h.orders.allowed(viewerOf(p, o), o.Status))
		shown[i].ShopName, shown[i].BuyerName = shops[o.ShopID], buyers[o.BuyerID]
	}
	return shown, err
}

func distinct(orders []Order, of func(Order) id.ID) []id.ID {
	ids := make([]id.ID, len(orders))
	for i, o := range orders {
		ids[i] = of(o)
	}
	slices.SortFunc(ids, id.ID.Compare)
	return slices.Compact(ids)
}

// wire is the order as api.yaml words it, but for the names.
func wire(o Order, allowed []Status) api.Order {
	shown := api.Order{
		Id: o.ID, Number: o.Number, ShopId: o.ShopID, BuyerId: o.BuyerID, Status: api.OrderStatus(o.Status), TotalWon: o.TotalWon,
		Lines: make([]api.OrderLine, len(o.Lines)), AllowedSteps: []api.OrderStatus{}, CreatedAt: o.CreatedAt, UpdatedAt: o.UpdatedAt,
	}
	for i, l := range o.Lines {
		shown.Lines[i] = api.OrderLine{ProductId: l.ProductID, Name: l.Name, UnitPriceWon: l.UnitPriceWon, Quantity: l.Quantity,
			ImageUrl: product.ImageURL(l.ProductID)}
	}
	for _, to := range allowed {
		shown.AllowedSteps = append(shown.AllowedSteps, api.OrderStatus(to))
	}
	return shown
}

func deref[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

func limitOf(limit *int) int {
	if limit == nil {
		return defaultPage
	}
	return *limit
}
