package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"mall/cmd/faults/internal/checker"
)

// raceSeen is how the race detector begins a report; what follows names the two places.
const raceSeen = "WARNING: DATA RACE"

// raceLines is how much of a report is told: up to the first of the two places in the mall's own code, mostly.
const raceLines = 6

// noRaces looks for the race detector's reports in what the programs have said since the fault's beginning. A program that
// was built without it makes none.
func (s *stage) noRaces(from []int64) error {
	for i, p := range s.cluster.Programs() {
		f, err := os.Open(p.Log())
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		reports, err := races(f, from[i])
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		for _, r := range reports {
			s.violatef(checker.Race, "%s: %s", p.Name, r)
		}
	}
	return nil
}

// races gives the beginnings of the reports after a place in a log.
func races(log io.ReadSeeker, from int64) (reports []string, err error) {
	if _, err := log.Seek(from, io.SeekStart); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if !strings.Contains(lines.Text(), raceSeen) {
			continue
		}
		var words []string
		for range raceLines {
			if !lines.Scan() {
				break
			}
			words = append(words, filepath.Base(strings.TrimSpace(lines.Text())))
		}
		reports = append(reports, "data race: "+strings.Join(words, " | "))
	}
	return reports, lines.Err()
}
