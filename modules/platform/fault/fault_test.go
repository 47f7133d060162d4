package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"mall/modules/platform/fault"
)

func TestKindSurvivesWrapping(t *testing.T) {
	cause := errors.New("disk full")
	err := fmt.Errorf("store message: %w", fault.Wrap(fault.Unavailable, "unavailable", "Try again.", cause))
	if got := fault.KindOf(err); got != fault.Unavailable {
		t.Errorf("KindOf = %v, want Unavailable", got)
	}
	if got := fault.CodeOf(err); got != "unavailable" {
		t.Errorf("CodeOf = %q", got)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
}

func TestForeignErrorIsInternal(t *testing.T) {
	err := errors.New("anything")
	if fault.KindOf(err) != fault.Internal || fault.CodeOf(err) != "internal" {
		t.Errorf("a foreign error must be internal, got %v %q", fault.KindOf(err), fault.CodeOf(err))
	}
}

func TestEveryKindHasAStatus(t *testing.T) {
	for k := fault.Internal; k <= fault.Unavailable; k++ {
		if s := k.Status(); s < 400 || s > 599 {
			t.Errorf("kind %d has status %d", k, s)
		}
	}
}
