package db

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm/logger"
)

// quietLogger tells of slow statements only: an error goes to the caller, who knows what it means and logs it once.
// Values never reach the log, since they hold what people wrote.
type quietLogger struct {
	log  *slog.Logger
	slow time.Duration
}

func (l quietLogger) LogMode(logger.LogLevel) logger.Interface { return l }

func (l quietLogger) Info(context.Context, string, ...any) {}

func (l quietLogger) Warn(ctx context.Context, text string, args ...any) {
	l.log.WarnContext(ctx, "gorm: "+fmt.Sprintf(text, args...))
}

func (l quietLogger) Error(ctx context.Context, text string, args ...any) { l.Warn(ctx, text, args...) }

func (l quietLogger) Trace(ctx context.Context, begin time.Time, statement func() (string, int64), _ error) {
	took := time.Since(begin)
	if took < l.slow {
		return
	}
	text, rows := statement()
	l.log.WarnContext(ctx, "slow statement", "took", took, "rows", rows, "sql", text)
}

// ParamsFilter keeps the values out of the text that Trace gets.
func (l quietLogger) ParamsFilter(_ context.Context, text string, _ ...any) (string, []any) {
	return text, nil
}
