package main

import "testing"

func TestTheCollectorsRoomToGrow(t *testing.T) {
	for alive, percent := range map[uint64]int{0: 400, 4 << 20: 400, 16 << 20: 125, 40 << 20: 50, 80 << 20: 25, 1 << 30: 20} {
		if got := growth(alive); got != percent {
			t.Errorf("with %d MiB alive: %d %%, want %d", alive>>20, got, percent)
		}
	}
}
