package pubsub_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"

	"github.com/redis/go-redis/v9"

	"mall/modules/platform/pubsub"
)

// A client may still dial in the background when it has been closed: that is refused, and starts no server anew that nobody
// would end.
func TestTheEmbeddedServerStaysClosed(t *testing.T) {
	client, closeAll, err := pubsub.Open(pubsub.Config{Prefix: "mall"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	dial := client.(*redis.Client).Options().Dialer
	if err := closeAll(); err != nil {
		t.Fatal(err)
	}
	conn, err := dial(context.Background(), "tcp", "")
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("dialled after the end: %v, want it refused", err)
	}
	if conn != nil {
		_ = conn.Close()
	}
}
