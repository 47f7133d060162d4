package workload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// kinds of profiles that are fetched while it is measured; each covers the time from its request to its end.
var kinds = []string{"profile", "allocs", "mutex", "block"}

// profile fetches the server's own profiles of the next while; stop waits for them.
func (r *run) profile(ctx context.Context, d time.Duration) (stop func()) {
	var fetching sync.WaitGroup
	if r.ProfileDir != "" {
		for i, base := range r.target.Profiles {
			for _, kind := range kinds {
				file := filepath.Join(r.ProfileDir, fmt.Sprintf("%s-%s-%d-%s.pb.gz", r.out.Title, r.target.Name, i+1, kind))
				fetching.Go(func() {
					if err := fetch(ctx, base+"/debug/pprof/"+kind, d, file); err != nil {
						r.note("no profile: " + err.Error())
					}
				})
			}
		}
	}
	return fetching.Wait
}

func fetch(ctx context.Context, address string, d time.Duration, file string) (err error) {
	address += fmt.Sprintf("?seconds=%d", max(1, int(d.Seconds())))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := (&http.Client{Timeout: d + time.Minute}).Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", address, answer.Status)
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, answer.Body)
	return errors.Join(err, f.Close())
}

// note adds a remark to the result, once.
func (r *run) note(text string) {
	r.noting.Lock()
	defer r.noting.Unlock()
	for _, n := range r.out.Notes {
		if strings.EqualFold(n, text) {
			return
		}
	}
	r.out.Notes = append(r.out.Notes, text)
}
