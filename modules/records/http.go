package records

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"mall/modules/platform/identity"
	"mall/modules/records/internal/api"
)

// Routes registers the module's calls on the group /api/v1. api.yaml describes them.
func (r *Records) Routes(g *echo.Group) {
	api.RegisterHandlers(g, api.NewStrictHandler(handlers{r}, nil))
}

type handlers struct{ r *Records }

// ExportMe gives the copy as a file.
func (h handlers) ExportMe(ctx context.Context, _ api.ExportMeRequestObject) (api.ExportMeResponseObject, error) {
	p, err := identity.From(ctx)
	if err != nil {
		return nil, err
	}
	if err := h.r.Members.SteppedUp(ctx, p); err != nil {
		return nil, err
	}
	return copyOf{ctx, h.r, p}, nil
}

const (
	exportMost  = 2 * time.Minute  // for the whole copy: years of talks take longer than an ordinary answer
	exportPause = 20 * time.Second // in which a reader must have taken a part
)

// copyOf is an answer that is written as it is read.
type copyOf struct {
	ctx context.Context //nolint:containedctx // the generated code hands the answer only a writer
	r   *Records
	p   *identity.Principal
}

// VisitExportMeResponse writes the copy. What goes wrong once it has begun cuts it off, which the reader can see.
func (c copyOf) VisitExportMeResponse(w http.ResponseWriter) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), exportMost)
	defer cancel()
	stop := context.AfterFunc(c.ctx, func() {
		if errors.Is(context.Cause(c.ctx), context.Canceled) { // the reader has gone; an ordinary answer's time is not for this
			cancel()
		}
	})
	defer stop()
	control := http.NewResponseController(w)
	flush := func() error {
		_ = control.SetWriteDeadline(time.Now().Add(exportPause))
		return control.Flush()
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="mall-export.json"`)
	_ = control.SetWriteDeadline(time.Now().Add(exportPause))
	if err := c.r.Export(ctx, c.p, w, flush); err != nil {
		c.r.Log.WarnContext(ctx, "a member's copy was cut off", "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

// EraseMe takes the account away.
func (h handlers) EraseMe(ctx context.Context, _ api.EraseMeRequestObject) (api.EraseMeResponseObject, error) {
	left, err := h.r.Erase(ctx)
	if err != nil {
		return nil, err
	}
	return api.EraseMe200JSONResponse{OrdersUntil: left.OrdersUntil, TalksUntil: left.TalksUntil}, nil
}
