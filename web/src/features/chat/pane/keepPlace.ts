/** A list that hangs from its end counts scrollTop downwards from 0; this close to 0 the browser keeps it there. */
const pinned = -1;

/**
 * Holds the row that is being read where it is while rows come, go or change size around it. The browser's own
 * scroll anchoring is off for this scroller: at the very top it anchors on the wrong row and jumps by thousands of px.
 *
 * scroller: the element that scrolls, laid out with column-reverse. log: its content, with rows `li[data-anchor]` in
 * lists; other rows (dates, the divider) change places themselves and hold nothing.
 * onTop hears the first visible row after each scroll. Whoever scrolls by hand calls `remember` right after: the
 * browser's own scroll event comes too late.
 */
export function keepPlace(
  scroller: HTMLElement,
  log: HTMLElement,
  onTop?: (row: HTMLElement | undefined) => void,
): { remember(): void; stop(): void } {
  let row: HTMLElement | undefined;
  let top = 0;

  function remember(): void {
    const found = firstVisibleRow(scroller, log);
    onTop?.(found);
    row = scroller.scrollTop > pinned ? undefined : found;
    if (row) top = row.getBoundingClientRect().top;
  }

  // A resize observer runs after layout and before paint: the correction is never seen.
  const sizes = new ResizeObserver(() => {
    if (!row?.isConnected) return;
    const moved = row.getBoundingClientRect().top - top;
    if (moved !== 0) scroller.scrollTop += moved;
  });

  sizes.observe(log);
  scroller.addEventListener('scroll', remember, { passive: true });
  return {
    remember,
    stop() {
      sizes.disconnect();
      scroller.removeEventListener('scroll', remember);
    },
  };
}

/** Looks at chunks first and only into the one at the edge: rows of chunks out of sight have no layout to ask for. */
function firstVisibleRow(scroller: HTMLElement, log: HTMLElement): HTMLElement | undefined {
  const edge = scroller.getBoundingClientRect().top;
  const below = (element: Element) => element.getBoundingClientRect().bottom > edge;
  for (const chunk of log.querySelectorAll<HTMLElement>(':scope > ol')) {
    if (!below(chunk)) continue;
    const rows = [...chunk.querySelectorAll<HTMLElement>(':scope > [data-anchor]')];
    const row = rows.find(below);
    if (row) return row;
  }
  return undefined;
}
