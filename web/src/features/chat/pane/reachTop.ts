/** How far ahead of the top history is asked for, in px. */
const ahead = 600;

/**
 * Calls reached whenever the sentinel at the top of the list comes near the visible part. Call `again` after each
 * load: while the sentinel stays in view an observer tells only once.
 */
export function reachTop(
  scroller: Element,
  sentinel: Element,
  reached: () => void,
): { again(): void; stop(): void } {
  const observer = new IntersectionObserver(
    (entries) => {
      if (entries.at(-1)?.isIntersecting) reached();
    },
    { root: scroller, rootMargin: `${ahead}px 0px 0px 0px` },
  );
  observer.observe(sentinel);
  return {
    again() {
      observer.unobserve(sentinel);
      observer.observe(sentinel);
    },
    stop: () => observer.disconnect(),
  };
}
