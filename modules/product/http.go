package product

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"mall/modules/platform/id"
	"mall/modules/product/internal/api"
)

// Routes adds the module's calls to the group /api/v1; api.yaml describes them.
func (c *Catalogue) Routes(g *echo.Group) {
	api.RegisterHandlers(g, api.NewStrictHandler(handlers{c}, nil))
}

type handlers struct{ catalogue *Catalogue }

const (
	defaultPage = 50
	imageCache  = "public, max-age=86400, stale-while-revalidate=604800"
	boxCache    = "no-cache" // a hidden product may be shown at any moment
	imagePolicy = "default-src 'none'; sandbox"
)

func (h handlers) ListProducts(ctx context.Context, r api.ListProductsRequestObject) (api.ListProductsResponseObject, error) {
	f := Filter{Query: deref(r.Params.Q), Category: string(deref(r.Params.Category)), Shop: deref(r.Params.ShopId)}
	page, err := h.catalogue.List(ctx, f, deref(r.Params.Cursor), limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	shown, err := h.page(ctx, page)
	return api.ListProducts200JSONResponse(shown), err
}

func (h handlers) ListShopProducts(ctx context.Context, r api.ListShopProductsRequestObject) (api.ListShopProductsResponseObject, error) {
	page, err := h.catalogue.ListShop(ctx, r.ShopId, deref(r.Params.Cursor), limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	shown, err := h.page(ctx, page)
	return api.ListShopProducts200JSONResponse(shown), err
}

func (h handlers) GetProduct(ctx context.Context, r api.GetProductRequestObject) (api.GetProductResponseObject, error) {
	p, err := h.catalogue.Get(ctx, r.ProductId)
	if err != nil {
		return nil, err
	}
	shown, err := h.show(ctx, p)
	return api.GetProduct200JSONResponse(shown), err
}

func (h handlers) CreateProduct(ctx context.Context, r api.CreateProductRequestObject) (api.CreateProductResponseObject, error) {
	b := r.Body
	p, err := h.catalogue.Create(ctx, r.ShopId, Draft{Name: b.Name, Description: deref(b.Description), Category: string(b.Category),
		PriceWon: b.PriceWon, ListPriceWon: deref(b.ListPriceWon), Stock: b.Stock, Hidden: deref(b.Hidden)})
	if err != nil {
		return nil, err
	}
	shown, err := h.show(ctx, p)
	return api.CreateProduct201JSONResponse(shown), err
}

func (h handlers) EditProduct(ctx context.Context, r api.EditProductRequestObject) (api.EditProductResponseObject, error) {
	b := r.Body
	p, err := h.catalogue.Edit(ctx, r.ProductId, Edit{Name: b.Name, Description: b.Description, Category: (*string)(b.Category),
		PriceWon: b.PriceWon, ListPriceWon: b.ListPriceWon, Hidden: b.Hidden})
	if err != nil {
		return nil, err
	}
	shown, err := h.show(ctx, p)
	return api.EditProduct200JSONResponse(shown), err
}

func (h handlers) DeleteProduct(ctx context.Context, r api.DeleteProductRequestObject) (api.DeleteProductResponseObject, error) {
	return api.DeleteProduct204Response{}, h.catalogue.Delete(ctx, r.ProductId)
}

func (h handlers) AdjustStock(ctx context.Context, r api.AdjustStockRequestObject) (api.AdjustStockResponseObject, error) {
	p, err := h.catalogue.AdjustStock(ctx, r.ProductId, r.Body.Delta)
	if err != nil {
		return nil, err
	}
	shown, err := h.show(ctx, p)
	return api.AdjustStock200JSONResponse(shown), err
}

func (h handlers) GetProductImage(ctx context.Context, r api.GetProductImageRequestObject) (api.GetProductImageResponseObject, error) {
	svg, settled, err := h.catalogue.Picture(ctx, r.ProductId)
	if err != nil {
		return nil, err
	}
	cache := boxCache
	if settled {
		cache = imageCache
	}
	etag := fmt.Sprintf("%q", fmt.Sprintf("%x", sha256.Sum256(svg))[:24])
	if strings.Contains(deref(r.Params.IfNoneMatch), etag) {
		return api.GetProductImage304Response{Headers: api.GetProductImage304ResponseHeaders{CacheControl: cache, ETag: etag}}, nil
	}
	return api.GetProductImage200ImagesvgXmlResponse{Body: bytes.NewReader(svg), ContentLength: int64(len(svg)),
		Headers: api.GetProductImage200ResponseHeaders{CacheControl: cache, ContentSecurityPolicy: imagePolicy, ETag: etag}}, nil
}

func (h handlers) page(ctx context.Context, page Page) (api.ProductPage, error) {
	items, err := h.showAll(ctx, page.Items)
	shown := api.ProductPage{Items: items}
	if page.Next != "" {
		shown.NextCursor = &page.Next
	}
	return shown, err
}

func (h handlers) show(ctx context.Context, p Product) (api.Product, error) {
	shown, err := h.showAll(ctx, []Product{p})
	if err != nil {
		return api.Product{}, err
	}
	return shown[0], nil
}

// showAll puts the shops' names to the products, asking for them once.
func (h handlers) showAll(ctx context.Context, products []Product) ([]api.Product, error) {
	shown := make([]api.Product, len(products))
	if len(products) == 0 {
		return shown, nil
	}
	shops := make([]id.ID, len(products))
	for i, p := range products {
		shops[i] = p.ShopID
	}
	slices.SortFunc(shops, id.ID.Compare)
	names, err := h.catalogue.shops.ShopNames(ctx, slices.Compact(shops))
	for i, p := range products {
		shown[i] = wire(p, names[p.ShopID])
	}
	return shown, err
}

// wire is the product as api.yaml words it.
func wire(p Product, shopName string) api.Product {
	shown := api.Product{
		Id: p.ID, ShopId: p.ShopID, ShopName: shopName, Name: p.Name, Description: p.Description,
		Category: api.Category(p.Category), PriceWon: p.PriceWon, Stock: p.Stock, SoldOut: p.Stock == 0, Hidden: p.Hidden,
		ImageUrl: ImageURL(p.ID), CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
	}
	if p.ListPriceWon > p.PriceWon {
		shown.ListPriceWon = &p.ListPriceWon
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
