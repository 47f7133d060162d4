package identity

import "context"

// Origin is where a request came from, as far as we believe it.
type Origin struct {
	IP        string // of the client; behind trusted proxies the one they name
	UserAgent string // as sent: show it to its member only, and cut it
	RequestID string
}

type originKey struct{}

// WithOrigin returns a context that carries o.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// OriginOf gives where the request came from; the zero Origin for what no request asked for.
func OriginOf(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	return o
}
