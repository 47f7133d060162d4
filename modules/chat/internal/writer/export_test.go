package writer

import "time"

// TakeTurnsFor sets how long lanes take turns; before anything is sent.
func (w *Writer) TakeTurnsFor(d time.Duration) { w.lasts = d }
