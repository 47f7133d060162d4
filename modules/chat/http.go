package chat

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"mall/modules/chat/internal/api"
	"mall/modules/chat/internal/events"
	"mall/modules/chat/internal/socket"
	"mall/modules/chat/internal/store"
	"mall/modules/platform/fault"
	"mall/modules/platform/httpserver"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
)

// Routes adds the chat's part of the API.
func (c *Chat) Routes(g *echo.Group) {
	g.GET("/chat/ws", c.handshake)
	g.GET("/chat/events", c.events)
	api.RegisterHandlers(g, api.NewStrictHandler(rest{c}, nil))
}

// handshake opens a socket for a member: by bearer header, by a second subprotocol bearer.<token>, or by the
// session cookie, which every page on the web can make a browser send, so that the Origin must be ours.
func (c *Chat) handshake(ec echo.Context) error {
	r := ec.Request()
	if !socket.Wanted(r) || r.Header.Get("Sec-WebSocket-Version") != socket.Version {
		ec.Response().Header().Set("Sec-WebSocket-Version", socket.Version)
		return fault.Invalidf("Upgrade", "bad_request", "This address speaks WebSocket.")
	}
	offered := socket.Offered(r)
	if !slices.Contains(offered, subprotocol) {
		return fault.Invalidf("Sec-WebSocket-Protocol", "bad_request", "Offer the subprotocol %s.", subprotocol)
	}
	if !c.shakes.Allow() {
		return fault.Retry(fault.Busy, "busy", "Too many connections are being made; come back in a moment.", shakeAfter())
	}
	who, err := c.visitor(r, offered)
	if err != nil {
		return err
	}
	if who.Cookie && !c.allowedOrigin(r, ec.Scheme()) {
		return fault.New(fault.Forbidden, "cross_origin", "This call must come from the mall's own pages.")
	}
	conn, err := c.upgrader.Upgrade(ec.Response(), r)
	if err != nil {
		return fault.Wrap(fault.Invalid, "bad_request", "The handshake is malformed.", err)
	}
	s, admitted := c.admit(conn, "socket", who)
	if !admitted {
		go conn.Serve(socket.Deaf{}) // until the peer has read why
		return nil
	}
	go func() { // the request and all it holds are free then
		s.begin()
		go conn.Serve(s) // on a stack that begin has not grown
	}()
	return nil
}

// events streams the same frames to a member whose network blocks WebSocket.
func (c *Chat) events(ec echo.Context) error {
	who, err := identity.From(ec.Request().Context())
	if err != nil {
		return err
	}
	if r := ec.Request(); who.Cookie && crossSite(r) && !c.allowedOrigin(r, ec.Scheme()) {
		return fault.New(fault.Forbidden, "cross_origin", "This call must come from the mall's own pages.")
	}
	if !c.shakes.Allow() {
		return fault.Retry(fault.Busy, "busy", "Too many connections are being made; come back in a moment.", shakeAfter())
	}
	conn, err := events.Open(ec.Response(), events.Config{QueueFrames: c.cfg.QueueFrames, QueueBytes: c.cfg.QueueBytes})
	if err != nil {
		return err
	}
	if s, admitted := c.admit(conn, "events", who); admitted {
		defer s.Closed()
		s.begin()
	}
	conn.Serve(ec.Request().Context().Done())
	return nil
}

// crossSite says whether a page of another origin makes the browser ask: a page of ours asks for a stream without an Origin.
func crossSite(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "cross-site" || site == "same-site" || r.Header.Get("Origin") != ""
}

// shakeAfter spreads those who were turned away, so that they do not all come back at once.
func shakeAfter() time.Duration { return time.Second + rand.N(4*time.Second) } //nolint:gosec // spreads a herd, guards nothing

func (c *Chat) visitor(r *http.Request, offered []string) (*identity.Principal, error) {
	for _, p := range offered {
		if token, ok := strings.CutPrefix(p, "bearer."); ok {
			return c.members.Bearer(r.Context(), token)
		}
	}
	return identity.From(r.Context())
}

// allowedOrigin compares the whole origin, scheme and all; a missing one is no browser's.
func (c *Chat) allowedOrigin(r *http.Request, scheme string) bool {
	origin := r.Header.Get("Origin")
	if slices.Contains(c.origins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && u.Scheme == scheme && strings.EqualFold(u.Host, r.Host)
}

// rest answers the REST calls; the acts are the module's own.
type rest struct{ c *Chat }

// OpenRoom opens or finds a room.
func (h rest) OpenRoom(ctx context.Context, req api.OpenRoomRequestObject) (api.OpenRoomResponseObject, error) {
	room, created, err := h.c.Open(ctx, req.Body.ShopId, Subject{value(req.Body.ProductId), value(req.Body.OrderId)})
	if err != nil {
		return nil, err
	}
	view, err := h.room(ctx, room, store.Buyer)
	if err != nil {
		return nil, err
	}
	if created {
		return api.OpenRoom201JSONResponse(view), nil
	}
	return api.OpenRoom200JSONResponse(view), nil
}

func value(x *id.ID) id.ID {
	if x == nil {
		return id.Nil
	}
	return *x
}

// room is one room as a party sees it.
func (h rest) room(ctx context.Context, room id.ID, party string) (api.Room, error) {
	entries, err := h.c.store.Entry(ctx, room)
	if err != nil {
		return api.Room{}, err
	}
	if len(entries) == 0 {
		return api.Room{}, fault.Missing("room")
	}
	views, err := h.c.roomViews(ctx, entries, party)
	if err != nil {
		return api.Room{}, err
	}
	return views[0], nil
}

// ListRooms lists the caller's rooms or a shop's.
func (h rest) ListRooms(ctx context.Context, req api.ListRoomsRequestObject) (api.ListRoomsResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	q := req.Params
	f, party, err := inboxOf(p, q.ShopId)
	if err != nil {
		return nil, err
	}
	f.Limit = limitOr(q.Limit, defaultPage)
	f.Unread = q.Unread != nil && *q.Unread
	f.Waiting = q.Order != nil && *q.Order == api.ListRoomsParamsOrderWaiting
	if q.State != nil {
		f.State = string(*q.State)
	}
	if q.UpdatedAfter != nil {
		if f.UpdatedAfter = *q.UpdatedAfter; !datable(f.UpdatedAfter) {
			return nil, fault.Invalidf("updated_after", "bad_request", "A moment lies in the years 1000 to 9999.")
		}
	}
	token := ""
	if q.Cursor != nil {
		token = *q.Cursor
	}
	items, next, err := h.c.rooms(ctx, f, party, token)
	if err != nil {
		return nil, err
	}
	page := api.ListRooms200JSONResponse{Items: items, Epoch: h.c.epoch()}
	if next != "" {
		page.NextCursor = &next
	}
	return page, nil
}

const defaultPage = 50

func limitOr(limit *int, standard int) int {
	if limit == nil {
		return standard
	}
	return *limit
}

// GetChatSummary adds up an inbox.
func (h rest) GetChatSummary(ctx context.Context, req api.GetChatSummaryRequestObject) (api.GetChatSummaryResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	f, _, err := inboxOf(p, req.Params.ShopId)
	if err != nil {
		return nil, err
	}
	sum, err := h.c.store.Summary(ctx, f.BuyerID, f.ShopID)
	if err != nil {
		return nil, err
	}
	out := api.GetChatSummary200JSONResponse{Unread: sum.Unread, UnreadRooms: sum.UnreadRooms}
	out.States.Waiting, out.States.Open, out.States.Held, out.States.Done = sum.Waiting, sum.Open, sum.Held, sum.Done
	return out, nil
}

// GetRoom shows one room.
func (h rest) GetRoom(ctx context.Context, req api.GetRoomRequestObject) (api.GetRoomResponseObject, error) {
	s, err := h.authorizeRead(ctx, req.RoomId, req.Params.XAccessReason)
	if err != nil {
		return nil, err
	}
	view, err := h.room(ctx, req.RoomId, s.party)
	return api.GetRoom200JSONResponse(view), err
}

func (h rest) authorizeRead(ctx context.Context, room id.ID, reason *string) (seat, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return seat{}, err
	}
	why := ""
	if reason != nil {
		why = strings.TrimSpace(*reason)
	}
	return h.c.authorizeRead(ctx, p, room, why)
}

// ListInquiries lists a room's inquiries.
func (h rest) ListInquiries(ctx context.Context, req api.ListInquiriesRequestObject) (api.ListInquiriesResponseObject, error) {
	if _, err := h.authorizeRead(ctx, req.RoomId, nil); err != nil {
		return nil, err
	}
	qs, err := h.c.store.Inquiries(ctx, req.RoomId, 100)
	if err != nil {
		return nil, err
	}
	var owners []id.ID
	for i := range qs {
		if !qs[i].OwnerID.IsZero() {
			owners = append(owners, qs[i].OwnerID)
		}
	}
	names, err := h.c.members.Names(ctx, owners)
	if err != nil {
		return nil, err
	}
	out := api.ListInquiries200JSONResponse{Items: make([]api.Inquiry, len(qs))}
	for i := range qs {
		out.Items[i] = inquiryView(&qs[i], names)
	}
	return out, nil
}

// ChangeInquiry changes an inquiry's state or owner.
func (h rest) ChangeInquiry(ctx context.Context, req api.ChangeInquiryRequestObject) (api.ChangeInquiryResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	change := store.InquiryChange{Owner: req.Body.OwnerId}
	if req.Body.State != nil {
		state := string(*req.Body.State)
		change.State = &state
	}
	if err := h.c.changeInquiry(ctx, p, req.RoomId, req.InquiryId, change); err != nil {
		return nil, err
	}
	view, err := h.room(ctx, req.RoomId, store.Shop)
	return api.ChangeInquiry200JSONResponse(view), err
}

// BlockRoom blocks the other party.
func (h rest) BlockRoom(ctx context.Context, req api.BlockRoomRequestObject) (api.BlockRoomResponseObject, error) {
	view, err := h.block(ctx, req.RoomId, true)
	return api.BlockRoom200JSONResponse(view), err
}

// UnblockRoom takes a block back.
func (h rest) UnblockRoom(ctx context.Context, req api.UnblockRoomRequestObject) (api.UnblockRoomResponseObject, error) {
	view, err := h.block(ctx, req.RoomId, false)
	return api.UnblockRoom200JSONResponse(view), err
}

func (h rest) block(ctx context.Context, room id.ID, on bool) (api.Room, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return api.Room{}, err
	}
	if err := h.c.block(ctx, p, room, on); err != nil {
		return api.Room{}, err
	}
	s, err := h.c.seatIn(ctx, p, room)
	if err != nil {
		return api.Room{}, err
	}
	return h.room(ctx, room, s.party)
}

// ReportRoom keeps a report on the other party.
func (h rest) ReportRoom(ctx context.Context, req api.ReportRoomRequestObject) (api.ReportRoomResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	w := complaint{clientID: value(req.Body.ReportId), reason: string(req.Body.Reason)}
	if req.Body.Text != nil {
		w.text = *req.Body.Text
	}
	if req.Body.Seq != nil {
		w.seq = *req.Body.Seq
	}
	kept, dup, err := h.c.report(ctx, p, req.RoomId, w)
	if err != nil {
		return nil, err
	}
	view := api.Report{Id: kept.ID, RoomId: kept.RoomID, Reason: api.ReportReason(kept.Reason), CreatedAt: kept.CreatedAt}
	if kept.Seq > 0 {
		view.Seq = &kept.Seq
	}
	if dup {
		return api.ReportRoom200JSONResponse(view), nil
	}
	return api.ReportRoom201JSONResponse(view), nil
}

// ListMessages reads a page of history.
func (h rest) ListMessages(ctx context.Context, req api.ListMessagesRequestObject) (api.ListMessagesResponseObject, error) {
	if _, err := h.authorizeRead(ctx, req.RoomId, req.Params.XAccessReason); err != nil {
		return nil, err
	}
	p, err := h.c.history(ctx, req.RoomId, req.Params.BeforeSeq, req.Params.AfterSeq, limitOr(req.Params.Limit, defaultPage))
	if err != nil {
		return nil, err
	}
	p.epoch = h.c.epoch()
	return p, nil
}

// TraceMessage tells a message's way.
func (h rest) TraceMessage(ctx context.Context, req api.TraceMessageRequestObject) (api.TraceMessageResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	why := ""
	if req.Params.XAccessReason != nil {
		why = strings.TrimSpace(*req.Params.XAccessReason)
	}
	t, err := h.c.trace(ctx, p, req.RoomId, req.Seq, why)
	return api.TraceMessage200JSONResponse(t), err
}

// SendMessage sends as the socket does.
func (h rest) SendMessage(ctx context.Context, req api.SendMessageRequestObject) (api.SendMessageResponseObject, error) {
	b := req.Body
	d := Draft{Room: req.RoomId, ClientMsgID: b.ClientMsgId, Inquiry: value(b.InquiryId), ExpectSeq: b.ExpectSeq,
		Asked: httpserver.Arrived(ctx)}
	if b.Body != nil {
		d.Body = *b.Body
	}
	if b.Card != nil {
		d.Card = &CardRef{Kind: string(b.Card.Kind), ID: b.Card.Id}
	}
	r, err := h.c.Send(ctx, d)
	if err != nil {
		return nil, err
	}
	shown := api.SendReceipt{RoomId: d.Room, ClientMsgId: d.ClientMsgID, Seq: r.Seq, CreatedAt: r.CreatedAt, Dup: r.Dup}
	if r.Dup {
		return api.SendMessage200JSONResponse(shown), nil
	}
	return api.SendMessage201JSONResponse(shown), nil
}

// MoveCursor moves the caller's party's cursors.
func (h rest) MoveCursor(ctx context.Context, req api.MoveCursorRequestObject) (api.MoveCursorResponseObject, error) {
	var delivered, read int64
	if req.Body.DeliveredSeq != nil {
		delivered = *req.Body.DeliveredSeq
	}
	if req.Body.ReadSeq != nil {
		read = *req.Body.ReadSeq
	}
	cur, err := h.c.MoveCursor(ctx, req.RoomId, delivered, read)
	return api.MoveCursor200JSONResponse{DeliveredSeq: cur.Delivered, ReadSeq: cur.Read}, err
}
