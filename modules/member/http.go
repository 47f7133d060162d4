package member

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"mall/modules/member/internal/api"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// Routes registers the module's calls on the group /api/v1. api.yaml describes them.
func (m *Members) Routes(g *echo.Group) {
	api.RegisterHandlers(g, api.NewStrictHandler(handlers{m}, nil))
}

type handlers struct{ m *Members }

func (h handlers) SignUp(ctx context.Context, r api.SignUpRequestObject) (api.SignUpResponseObject, error) {
	member, err := h.m.SignUp(ctx, r.Body.Email, r.Body.Password, r.Body.Name)
	return api.SignUp201JSONResponse(memberJSON(member)), err
}

func (h handlers) LogIn(ctx context.Context, r api.LogInRequestObject) (api.LogInResponseObject, error) {
	tokens, err := h.m.LogIn(ctx, r.Body.Email, r.Body.Password)
	return api.LogIn200JSONResponse(tokensJSON(tokens)), err
}

func (h handlers) RefreshTokens(ctx context.Context, r api.RefreshTokensRequestObject) (api.RefreshTokensResponseObject, error) {
	tokens, err := h.m.Refresh(ctx, r.Body.RefreshToken)
	return api.RefreshTokens200JSONResponse(tokensJSON(tokens)), err
}

func (h handlers) LogOut(ctx context.Context, _ api.LogOutRequestObject) (api.LogOutResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	return api.LogOut204Response{}, h.m.LogOut(ctx, p)
}

// OpenWebSession leaves no session behind that the browser would forget when it takes the new cookie.
func (h handlers) OpenWebSession(ctx context.Context, r api.OpenWebSessionRequestObject) (api.OpenWebSessionResponseObject, error) {
	opened, err := h.m.OpenWebSession(ctx, r.Body.Email, r.Body.Password)
	if err != nil {
		return nil, err
	}
	if old, err := identity.From(ctx); err == nil && old.Cookie {
		if err := h.m.LogOut(ctx, old); err != nil {
			h.m.log.WarnContext(ctx, "a replaced web session lives on until it expires", slog.Any("error", err))
		}
	}
	return api.OpenWebSession200JSONResponse{
		Body:    meJSON(opened.Me),
		Headers: api.OpenWebSession200ResponseHeaders{SetCookie: new(h.m.cookie(opened.Cookie, opened.Life))},
	}, nil
}

// CloseWebSession clears the cookie also when it is worth nothing any more.
func (h handlers) CloseWebSession(ctx context.Context, _ api.CloseWebSessionRequestObject) (api.CloseWebSessionResponseObject, error) {
	if p, err := identity.From(ctx); err == nil && p.Cookie {
		if err := h.m.LogOut(ctx, p); err != nil {
			return nil, err
		}
	}
	return api.CloseWebSession204Response{Headers: api.CloseWebSession204ResponseHeaders{SetCookie: new(h.m.cookie("", -1))}}, nil
}

// cookie is the Set-Cookie header; a negative life clears it. Lax keeps it off other sites' forms but on links to the mall.
func (m *Members) cookie(value string, life time.Duration) string {
	c := http.Cookie{ //nolint:gosec // Secure follows from how people reach the mall: over plain http the browser would drop the cookie
		Name: m.cfg.Cookie.Name, Value: value, Path: "/", MaxAge: int(life / time.Second),
		HttpOnly: true, Secure: m.cfg.Cookie.Secure, SameSite: http.SameSiteLaxMode,
	}
	if life < 0 {
		c.MaxAge = -1
	}
	return c.String()
}

func (h handlers) GetMe(ctx context.Context, _ api.GetMeRequestObject) (api.GetMeResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	me, err := h.m.Me(ctx, p.MemberID)
	return api.GetMe200JSONResponse(meJSON(me)), err
}

func (h handlers) OpenShop(ctx context.Context, r api.OpenShopRequestObject) (api.OpenShopResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	shop, err := h.m.OpenShop(ctx, p.MemberID, r.Body.Name)
	return api.OpenShop201JSONResponse(shopJSON(shop)), err
}

func (h handlers) GetShop(ctx context.Context, r api.GetShopRequestObject) (api.GetShopResponseObject, error) {
	shop, err := h.m.Shop(ctx, r.ShopId)
	return api.GetShop200JSONResponse(shopJSON(shop)), err
}

func (h handlers) ListStaff(ctx context.Context, r api.ListStaffRequestObject) (api.ListStaffResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	staff, err := h.m.Colleagues(ctx, p.MemberID, r.ShopId)
	items := make([]api.Staff, len(staff))
	for i, s := range staff {
		items[i] = staffJSON(s)
	}
	return api.ListStaff200JSONResponse{Items: items}, err
}

func (h handlers) SetStaffRole(ctx context.Context, r api.SetStaffRoleRequestObject) (api.SetStaffRoleResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	staff, err := h.m.SetStaffRole(ctx, p.MemberID, r.ShopId, r.MemberId, identity.Role(r.Body.Role))
	return api.SetStaffRole200JSONResponse(staffJSON(staff)), err
}

func (h handlers) RemoveStaff(ctx context.Context, r api.RemoveStaffRequestObject) (api.RemoveStaffResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	return api.RemoveStaff204Response{}, h.m.RemoveStaff(ctx, p.MemberID, r.ShopId, r.MemberId)
}

func memberJSON(m Member) api.Member {
	return api.Member{Id: m.ID, Email: m.Email, Name: m.Name, CreatedAt: m.CreatedAt}
}

func meJSON(me Me) api.Me {
	out := api.Me{Member: memberJSON(me.Member), Operator: me.Operator}
	out.Shops = make([]struct {
		Id   id.ID         `json:"id"`
		Name string        `json:"name"`
		Role api.StaffRole `json:"role"`
	}, len(me.Shops))
	for i, s := range me.Shops {
		out.Shops[i].Id, out.Shops[i].Name, out.Shops[i].Role = s.ShopID, s.Name, api.StaffRole(s.Role)
	}
	return out
}

func tokensJSON(t Tokens) api.Tokens {
	return api.Tokens{
		AccessToken: t.Access, TokenType: api.Bearer, ExpiresIn: int64(t.AccessLife / time.Second),
		RefreshToken: t.Refresh, RefreshExpiresIn: int64(t.RefreshLife / time.Second),
	}
}

func shopJSON(s Shop) api.Shop { return api.Shop{Id: s.ID, Name: s.Name, CreatedAt: s.CreatedAt} }

func staffJSON(s Staff) api.Staff {
	return api.Staff{MemberId: s.MemberID, Name: s.Name, Email: s.Email, Role: api.StaffRole(s.Role)}
}
