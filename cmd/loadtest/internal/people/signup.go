package people

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// signUpsAtOnce is small: each sign-up has a password hashed, which keeps a core busy.
const signUpsAtOnce = 4

// SignUp makes the people of some rooms through the API, a buyer and a shop for each, and opens the rooms. It takes a
// second for a few people; progress is told how far it is. For thousands of people use cmd/crowd.
func SignUp(ctx context.Context, a *API, rooms int, progress func(done, all int)) (*Cast, error) {
	tag := strings.ToLower(rand.Text()[:10])
	all := make([]*Person, 2*rooms)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(signUpsAtOnce)
	for n := range rooms {
		g.Go(func() error {
			buyer, staff, err := a.pair(ctx, fmt.Sprintf("%s-%d", tag, n))
			all[2*n], all[2*n+1] = buyer, staff
			progress(n+1, rooms)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return newCast(all), nil
}

func (a *API) pair(ctx context.Context, tag string) (buyer, staff *Person, err error) {
	if buyer, err = a.signUp(ctx, "buyer", tag); err != nil {
		return nil, nil, err
	}
	if staff, err = a.signUp(ctx, "staff", tag); err != nil {
		return nil, nil, err
	}
	var made struct{ ID string }
	if err := a.Call(ctx, http.MethodPost, "/shops", staff.Access, map[string]string{"name": "시험상점 " + tag}, &made); err != nil {
		return nil, nil, err
	}
	staff.ShopID = made.ID
	if err := a.Call(ctx, http.MethodPost, "/chat/rooms", buyer.Access, map[string]string{"shop_id": staff.ShopID}, &made); err != nil {
		return nil, nil, err
	}
	buyer.Rooms, staff.Rooms = []string{made.ID}, []string{made.ID}
	return buyer, staff, nil
}

func (a *API) signUp(ctx context.Context, kind, tag string) (*Person, error) {
	login := map[string]string{"email": kind + "-" + tag + "@load.invalid", "password": rand.Text()}
	var made struct{ ID string }
	err := a.patiently(ctx, "/members", map[string]string{"email": login["email"], "password": login["password"], "name": kind}, &made)
	if err != nil {
		return nil, err
	}
	var t tokens
	if err := a.patiently(ctx, "/auth/login", login, &t); err != nil {
		return nil, err
	}
	p := &Person{MemberID: made.ID, Kind: kind}
	p.take(t)
	return p, nil
}

// patiently posts again when the server is busy hashing.
func (a *API) patiently(ctx context.Context, path string, in, out any) error {
	for {
		err := a.Call(ctx, http.MethodPost, path, "", in, out)
		var p *Problem
		if !errors.As(err, &p) || p.Status != http.StatusServiceUnavailable && p.Status != http.StatusTooManyRequests {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(max(time.Duration(p.RetryAfterMS)*time.Millisecond, 100*time.Millisecond)):
		}
	}
}
