package order

import (
	"context"

	"mall/modules/platform/id"
)

// Export gives each the caller's own orders, newest first, as GET /orders shows them.
func (o *Orders) Export(ctx context.Context, each func(item any) error) error {
	h := handlers{o}
	token := ""
	for {
		page, err := o.ListMine(ctx, token, MaxPage)
		if err != nil {
			return err
		}
		shown, err := h.showAll(ctx, page.Items)
		if err != nil {
			return err
		}
		for i := range shown {
			if err := each(shown[i]); err != nil {
				return err
			}
		}
		if token = page.Next; token == "" {
			return nil
		}
	}
}

// Standing is what orders a buyer has.
type Standing struct {
	Any  bool // ever placed one
	Open int  // that are neither completed, cancelled nor refunded
}

// StandingOf says what orders a buyer has.
func (o *Orders) StandingOf(ctx context.Context, buyer id.ID) (Standing, error) {
	counts, err := o.rows.CountByStatus(ctx, buyer)
	s := Standing{Any: len(counts) > 0}
	for status, n := range counts {
		if status != Completed && status != Cancelled && status != Refunded {
			s.Open += n
		}
	}
	return s, err
}
