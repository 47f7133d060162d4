/** A list that hangs from its end counts scrollTop downwards from 0; this close to 0 the browser keeps it there. */
const pinned = -1;

/**
 * Holds the row that is being read where it is while rows come, go or change size around it. The browser's own
 * scroll anchoring is off for this scroller: at the very top it anchors on the wrong row and jumps by thousands of px.
 *
 * scroller: the element that scrolls, laid out with column-reverse. log: its content, with rows `li[data-anchor]` in
 * lists; other rows (dates, the divider) change places themselves and hold nothing.
 * onTop hears the first visible row after each scroll. Whoever puts the list somewhere by hand calls `remember`
 * right after: the new place counts from there on.
 */
export function keepPlace(
  scroller: HTMLElement,
  log: HTMLElement,
  onTop?: (row: HTMLElement | undefined) => void,
): { remember(): void; stop(): void } {
  let row: HTMLElement | undefined;
  /** Where the row was, at which scrollTop. */
  let top = 0;
  let at = 0;

  /** Takes back what the layout did to the row. */
  function settle(moved: number): void {
    if (Math.abs(moved) >= 0.5) scroller.scrollTop += moved;
    if (row) measure(row);
  }

  /** Before paint, and after any scroll event of this frame: wherever the row has gone, it was not the reader. */
  function resized(): void {
    if (row?.isConnected) settle(row.getBoundingClientRect().top - top);
  }

  /** A report of a resize can be put off to the next frame, behind a scroll event: then both are told apart here. */
  function scrolled(): void {
    if (row?.isConnected) settle(row.getBoundingClientRect().top - top + (scroller.scrollTop - at));
    remember();
  }

  function measure(seen: HTMLElement): void {
    top = seen.getBoundingClientRect().top;
    at = scroller.scrollTop;
  }

  function remember(): void {
    const found = firstVisibleRow(scroller, log);
    onTop?.(found);
    row = scroller.scrollTop > pinned ? undefined : found;
    if (row) measure(row);
  }

  const sizes = new ResizeObserver(resized);

  sizes.observe(log);
  scroller.addEventListener('scroll', scrolled, { passive: true });
  return {
    remember,
    stop() {
      sizes.disconnect();
      scroller.removeEventListener('scroll', scrolled);
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
